/*
 * The best JSON of any Lua value, for dead letters: what a payload was that
 * is none. Nothing is refused; what JSON cannot hold is named instead, and
 * what does not fit is left out. Raises nothing but for the room on the Lua
 * stack, at the start.
 */
#include <stdio.h>
#include <string.h>

#include "base/js.h"
#include "worker/encode.h"
#include "worker/encode_walk.h"

#define LEVELS 64
#define SLOTS 3
#define SPARE 32
#define CLOSING (LEVELS + 64)	/* bytes that ends of containers may take */

static const char wrapper[] = "{\"truncated\":true,\"value\":";

struct lossy {
	lua_State *L;
	struct buf *out;
	size_t end;	/* out->len from which on nothing is begun */
	unsigned depth;
	bool cut;
};

static void put_value(struct lossy *x, int v);

/* Whether there is room to begin something; notes when there is none. */
static bool
has_room(struct lossy *x)
{
	if (x->out->len >= x->end)
		x->cut = true;
	return !x->cut;
}

/* Puts as much of a string as fits. */
static void
put_text(struct lossy *x, const char *s, size_t len)
{
	size_t left = x->end > x->out->len ? x->end - x->out->len : 0;
	size_t start = x->out->len;

	if (len > left) {
		x->cut = true;
		len = left;
		while (len && (s[len] & 0xc0) == 0x80)
			len--;
	}
	js_put_string_lossy(x->out, s, len);
	while (x->out->len > x->end + 2 && len) {	/* escapes took more */
		x->cut = true;
		x->out->len = start;
		len /= 2;
		while (len && (s[len] & 0xc0) == 0x80)
			len--;
		js_put_string_lossy(x->out, s, len);
	}
}

/* Puts a name in angle brackets for what JSON has no word for. */
static void
put_named(struct lossy *x, const char *name)
{
	buf_printf(x->out, "\"<%s>\"", name);
}

static void
put_number(struct lossy *x, double d)
{
	if (d != d)
		put_named(x, "NaN");
	else if (d - d != 0)
		put_named(x, d > 0 ? "infinity" : "-infinity");
	else
		js_put_double(x->out, d);
}

/* Puts the key at stack index k as a member's name. */
static void
put_key(struct lossy *x, int k)
{
	char text[JS_NUMBER_TEXT + 8];
	const char *s;
	size_t len;
	double d;

	switch (lua_type(x->L, k)) {
	case LUA_TSTRING:
		s = lua_tolstring(x->L, k, &len);
		put_text(x, s, len);
		break;
	case LUA_TNUMBER:
		d = lua_tonumber(x->L, k);
		len = d - d == 0 ? js_double_text(text, d) :
		    (size_t)snprintf(text, sizeof(text), "%g", d);
		js_put_string_lossy(x->out, text, len);
		break;
	case LUA_TBOOLEAN:
		buf_puts(x->out, lua_toboolean(x->L, k) ? "\"true\"" :
		    "\"false\"");
		break;
	default:
		put_named(x, lua_type(x->L, k) == JSON_TCDATA ? "cdata" :
		    lua_typename(x->L, lua_type(x->L, k)));
	}
	buf_putc(x->out, ':');
}

/* Puts a table as an array when its keys are 1..n, else as an object. */
static void
put_table(struct lossy *x, int v)
{
	lua_State *L = x->L;
	struct lua_walk walk = {.L = L};
	struct lua_place it = {0};
	int top = lua_gettop(L);
	bool array = lua_look_table(L, v, &it) == KIND_ARRAY &&
	    (!it.more || lua_item_anywhere(&walk, v, &it, 0));
	size_t i = 0;

	lua_settop(L, top);
	buf_putc(x->out, array ? '[' : '{');
	for (lua_pushnil(L); (array ? i < it.count : lua_next(L, v)); i++) {
		if (!has_room(x))
			break;
		if (i)
			buf_putc(x->out, ',');
		if (array) {
			lua_rawgeti(L, v, (int)(i + 1));
		} else {
			put_key(x, top + 1);
		}
		put_value(x, top + 2);
		lua_settop(L, top + 1);
	}
	lua_settop(L, top);
	buf_putc(x->out, array ? ']' : '}');
}

static void
put_value(struct lossy *x, int v)
{
	struct json_integer big;
	const char *s;
	size_t len;

	json_see_through(x->L, v);
	switch (lua_type(x->L, v)) {
	case LUA_TSTRING:
		s = lua_tolstring(x->L, v, &len);
		put_text(x, s, len);
		return;
	case LUA_TNUMBER:
		put_number(x, lua_tonumber(x->L, v));
		return;
	case LUA_TBOOLEAN:
		buf_puts(x->out, lua_toboolean(x->L, v) ? "true" : "false");
		return;
	case LUA_TNIL:
	case LUA_TNONE:
		buf_puts(x->out, "null");
		return;
	case LUA_TTABLE:
		if (x->depth == LEVELS) {
			put_named(x, "too deep");
			return;
		}
		x->depth++;
		put_table(x, v);
		x->depth--;
		return;
	}
	if (json_null_at(x->L, v))
		buf_puts(x->out, "null");
	else if (!json_get_integer(x->L, v, &big))
		put_named(x, lua_type(x->L, v) == JSON_TCDATA ? "cdata" :
		    lua_typename(x->L, lua_type(x->L, v)));
	else if (big.is_unsigned)
		js_put_uint64(x->out, big.u);
	else
		js_put_int64(x->out, big.i);
}

bool
encode_lossy(lua_State *L, int idx, struct buf *out)
{
	struct buf text = {0};
	struct lossy x = {.L = L, .out = &text,
	    .end = ENCODE_LOSSY_MAX - sizeof(wrapper) - CLOSING};
	int top = lua_gettop(L);

	if (lua_checkstack(L, SLOTS * LEVELS + SPARE))
		put_value(&x, idx < 0 ? top + idx + 1 : idx);
	else
		put_named(&x, "no room on the Lua stack");
	lua_settop(L, top);
	if (x.cut)
		buf_puts(out, wrapper);
	buf_put(out, text.data, text.len);
	if (x.cut)
		buf_putc(out, '}');
	buf_release(&text);
	return x.cut;
}
