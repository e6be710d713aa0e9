/*
 * What a walk over Lua values seldom needs: arrays in disorder, and the words
 * for what is no JSON. Called by encode.c; raises nothing.
 */
#include <math.h>
#include <stdio.h>

#include "base/js.h"
#include "worker/encode_walk.h"

/* What the keys of a table are like. */
struct keys {
	size_t count;
	size_t numbers;	/* of these, integers from 1 on */
	double largest;
	double odd;	/* a number that is no such integer, or 0 */
	int other;	/* the type of a key neither string nor number, or 0 */
};

/* Looks at all keys; the stack is as it was. */
static struct keys
survey(lua_State *L, int v)
{
	struct keys k = {0};

	for (lua_pushnil(L); lua_next(L, v); lua_pop(L, 1)) {
		int type = lua_type(L, -2);
		double d;

		k.count++;
		if (type != LUA_TNUMBER) {
			if (type != LUA_TSTRING)
				k.other = type;
			continue;
		}
		d = lua_tonumber(L, -2);
		if (d >= 1 && d == floor(d)) {
			k.numbers++;
			k.largest = d > k.largest ? d : k.largest;
		} else {
			k.odd = d ? d : -0.5;
		}
	}
	return k;
}

bool
lua_is_torn(struct lua_walk *x, int v)
{
	struct keys k = survey(x->L, v);

	return k.numbers != k.count || k.largest != (double)k.count;
}

bool
lua_item_anywhere(struct lua_walk *x, int v, struct lua_place *it, size_t i)
{
	if (!it->by_index) {
		struct keys k = survey(x->L, v);

		if (k.numbers != k.count || k.largest != (double)k.count)
			return false;
		it->by_index = true;
		it->index = i;
		it->count = k.count;
	}
	lua_settop(x->L, it->key);
	lua_rawgeti(x->L, v, (int)(i + 1));
	return true;
}

/* The least index that an array with the key `largest` lacks. */
static size_t
first_hole(lua_State *L, int v)
{
	size_t i = 0;
	bool there;

	do {
		lua_rawgeti(L, v, (int)++i);
		there = !lua_isnil(L, -1);
		lua_pop(L, 1);
	} while (there);
	return i;
}

int
lua_bad_key(struct lua_walk *x, int v)
{
	struct keys k = survey(x->L, v);
	size_t hole = first_hole(x->L, v);
	char found[SCHEMA_TEXT], number[JS_NUMBER_TEXT + 1];

	number[js_double_text(number, isfinite(k.odd) && k.odd ? k.odd :
	    k.largest)] = '\0';
	if (k.other)
		snprintf(found, sizeof(found), "a key is a %s; keys are names, "
		    "or 1 to n", lua_typename(x->L, k.other));
	else if (k.odd)
		snprintf(found, sizeof(found), "the number %s is a key; keys "
		    "are names, or 1 to n: for a name write tostring(id)",
		    k.odd == -0.5 ? "0" : number);
	else if (k.numbers && k.numbers < k.count)
		snprintf(found, sizeof(found), "the key %s stands beside "
		    "names; a table is an array with the keys 1 to n or an "
		    "object with names: for a name write tostring(id)",
		    number);
	else if (!k.numbers)
		snprintf(found, sizeof(found),
		    "an array (json.array) has names as keys");
	else if (k.largest == (double)k.count)
		snprintf(found, sizeof(found), "an object (json.object) has "
		    "the key %s: for a name write tostring(id)", number);
	else
		snprintf(found, sizeof(found), "an array with the key %s has "
		    "a hole at %zu; for an object write tostring(id) as the "
		    "key", number, hole);
	return walk_fail_plain(&x->w, &node_any, "key", found);
}

int
lua_bad_value(struct lua_walk *x, const struct node *n, int v)
{
	char found[SCHEMA_TEXT];
	int type = lua_type(x->L, v);
	double d;

	if (type == LUA_TNUMBER) {
		d = lua_tonumber(x->L, v);
		snprintf(found, sizeof(found), "%s is no number of JSON",
		    d != d ? "NaN" : d > 0 ? "infinity" : "-infinity");
		return walk_fail_plain(&x->w, n, "number", found);
	}
	snprintf(found, sizeof(found), "%s%s is no JSON", type == LUA_TNIL ||
	    type == LUA_TNONE ? "" : "a ", type == LUA_TNONE ? "nil" :
	    type == JSON_TCDATA ? "cdata" : type == LUA_TLIGHTUSERDATA ?
	    "userdata" : lua_typename(x->L, type));
	return walk_fail_plain(&x->w, n, "value", found);
}

void
lua_number(struct lua_walk *x, int v, struct number *number)
{
	struct json_integer big;

	if (lua_type(x->L, v) == LUA_TNUMBER) {
		*number = number_of_double(lua_tonumber(x->L, v));
	} else if (json_get_integer(x->L, v, &big)) {
		*number = number_of_int(big.i);
		if (big.is_unsigned) {
			number->i = big.u;
			number->d = (double)big.u;
		}
	}
}

void
lua_describe(struct lua_walk *x, const struct node *n, int v, unsigned kind,
    char text[SCHEMA_TEXT])
{
	struct number number = {0};
	char digits[JS_NUMBER_TEXT + 1];
	const char *what = "null", *s;
	size_t len;

	switch (kind) {
	case KIND_STRING:
		s = lua_tolstring(x->L, v, &len);
		walk_describe_string(text, n, s, len);
		return;
	case KIND_INTEGER:
	case KIND_FRACTION:
		lua_number(x, v, &number);
		digits[js_double_text(digits, number.d)] = '\0';
		snprintf(text, SCHEMA_TEXT, n->secret ? "a number" :
		    "%s is a number", digits);
		return;
	case KIND_BOOLEAN:
		what = lua_toboolean(x->L, v) ? "true is a boolean" :
		    "false is a boolean";
		break;
	case KIND_ARRAY:
		what = "an array";
		break;
	case KIND_OBJECT:
		what = "an object";
		break;
	}
	snprintf(text, SCHEMA_TEXT, "%s", what);
}
