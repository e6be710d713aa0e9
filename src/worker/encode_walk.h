#pragma once

#include <lua.h>

#include "schema/program.h"
#include "worker/encode.h"
#include "worker/json_values.h"

/*
 * How schema/walk.h looks at Lua values; internal to encode*.c. A value is
 * an absolute index of the Lua stack. Looking at a table leaves the key and
 * value of its entry on the stack, the value last, until lua_next ends it or
 * whoever gave up restores the top.
 */
struct lua_walk {
	struct walk w;
	lua_State *L;
	const struct encode_schema *schema;	/* or NULL */
	struct buf *out;
	size_t start;	/* of what is written, in out */
	size_t end;	/* out->len may not pass this */
	int top;	/* of the Lua stack, at the start */
};

struct lua_place {
	bool more;
	bool by_index;	/* an array whose items lua_next gives in disorder */
	int key;	/* the value is at key + 1 */
	size_t index;	/* by_index: of the item, and how many there are */
	size_t count;
	const char *name;
	size_t len;
	int value;
};

/* The steps that walk.h leaves to a file of its own: seldom, or long. */
bool lua_item_anywhere(struct lua_walk *x, int v, struct lua_place *it,
    size_t i);
int lua_bad_key(struct lua_walk *x, int v);
bool lua_is_torn(struct lua_walk *x, int v);
int lua_bad_value(struct lua_walk *x, const struct node *n, int v);
void lua_describe(struct lua_walk *x, const struct node *n, int v,
    unsigned kind, char text[SCHEMA_TEXT]);
void lua_number(struct lua_walk *x, int v, struct number *number);
int lua_sorted_text(struct lua_walk *x, int v, unsigned kind,
    struct buf *b);

const struct property *lua_find_property(const struct lua_walk *x,
    const struct object_rules *rules, const char *name);
bool lua_has_property(const struct lua_walk *x, int v,
    const struct object_rules *rules, const struct property *p);

/* Integral or not; 0 for NaN and the infinities. */
static inline unsigned
lua_number_kind(double d)
{
	if (d > -0x1p62 && d < 0x1p62)
		return d == (double)(int64_t)d ? KIND_INTEGER : KIND_FRACTION;
	return d - d == 0 ? KIND_INTEGER : 0;
}

/* Looks at a table: goes to its first entry. */
static __attribute__((noinline, unused)) unsigned
lua_look_table(lua_State *L, int v, struct lua_place *it)
{
	enum json_mark mark = json_mark_of(L, v);

	if (mark == JSON_MARK_OBJECT)
		json_see_through(L, v);
	it->by_index = false;
	it->key = lua_gettop(L) + 1;
	it->value = it->key + 1;
	lua_pushnil(L);
	it->more = lua_next(L, v);
	if (mark != JSON_MARK_NONE)
		return mark == JSON_MARK_ARRAY ? KIND_ARRAY : KIND_OBJECT;
	if (!it->more)
		return KIND_EMPTY;
	return lua_type(L, it->key) == LUA_TNUMBER ? KIND_ARRAY : KIND_OBJECT;
}

/* V_LOOK */
static inline __attribute__((always_inline)) unsigned
lua_look(struct lua_walk *x, int v, struct lua_place *it)
{
	struct json_integer big;

	it->more = false;
	switch (lua_type(x->L, v)) {
	case LUA_TSTRING:
		return KIND_STRING;
	case LUA_TNUMBER:
		return lua_number_kind(lua_tonumber(x->L, v));
	case LUA_TTABLE:
		return lua_look_table(x->L, v, it);
	case LUA_TUSERDATA:
		json_see_through(x->L, v);
		return lua_istable(x->L, v) ? lua_look_table(x->L, v, it) : 0;
	case LUA_TBOOLEAN:
		return KIND_BOOLEAN;
	case LUA_TLIGHTUSERDATA:
		return lua_touserdata(x->L, v) ? 0 : KIND_NULL;
	case JSON_TCDATA:
		return json_get_integer(x->L, v, &big) ? KIND_INTEGER : 0;
	}
	return 0;
}

/* V_AT_MEMBER */
static inline bool
lua_at_member(struct lua_walk *x, struct lua_place *it)
{
	if (lua_type(x->L, it->key) != LUA_TSTRING)
		return false;
	it->name = lua_tolstring(x->L, it->key, &it->len);
	return true;
}

/* V_AT_ITEM */
static inline bool
lua_at_item(struct lua_walk *x, int v, struct lua_place *it, size_t i)
{
	if (!it->by_index && lua_type(x->L, it->key) == LUA_TNUMBER &&
	    lua_tonumber(x->L, it->key) == (double)(i + 1))
		return true;
	return lua_item_anywhere(x, v, it, i);
}

/* V_NEXT */
static inline void
lua_go_on(struct lua_walk *x, int v, struct lua_place *it)
{
	lua_settop(x->L, it->key);
	if (!it->by_index)
		it->more = lua_next(x->L, v);
	else if (!(it->more = ++it->index < it->count))
		lua_settop(x->L, it->key - 1);
}

#define WALKER struct lua_walk
#define VALUE int
#define ITER struct lua_place
#define V_LOOK(x, v, it) lua_look(x, v, it)
#define V_AT_ITEM(x, v, it, i) lua_at_item(x, v, it, i)
#define V_AT_MEMBER(x, v, it) lua_at_member(x, it)
#define V_NEXT(x, v, it) lua_go_on(x, v, it)
#define V_TOP(x) lua_gettop((x)->L)
#define V_RESET(x, top) lua_settop((x)->L, top)
#define V_IS_NULL(x, v) json_null_at((x)->L, v)
#define V_STRING(x, v, len) lua_tolstring((x)->L, v, len)
#define V_NUMBER(x, v, number) lua_number(x, v, number)
#define V_TRUE(x, v) lua_toboolean((x)->L, v)
#define V_HAS(x, v, rules, p) lua_has_property(x, v, rules, p)
#define V_PROPERTY(x, rules, it) lua_find_property(x, rules, (it)->name)
#define V_TEXT(x, v, kind, buf) lua_sorted_text(x, v, kind, buf)
#define V_DESCRIBE(x, n, v, kind, text) lua_describe(x, n, v, kind, text)
#define V_BAD(x, n, v) lua_bad_value(x, n, v)
#define V_BAD_KEY(x, v) lua_bad_key(x, v)
#define V_TORN(x, v, kind) ((kind) == KIND_ARRAY && lua_is_torn(x, v))
