/*
 * The Lua modules sensorhost.json and sensorhost.null: JSON texts from Lua
 * values and back, null and the marks. Called by sensors; what is wrong in a
 * call is raised at the sensor's line, what is wrong in a text is returned.
 */
#include "worker/bind/bind_json.h"

#include <lauxlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/js.h"
#include "worker/bind/bind.h"
#include "worker/decode.h"
#include "worker/encode.h"
#include "worker/json_values.h"

#define KEPT (64 * 1024)	/* bytes of a buffer kept between calls */

/* The buffers of encode, which outlive an error raised in between. */
struct scratch {
	struct buf text;
	struct buf formatted;
};

/* lua_CFunction: __gc of the scratch userdata */
static int
scratch_gc(lua_State *L)
{
	struct scratch *s = lua_touserdata(L, 1);

	buf_release(&s->text);
	buf_release(&s->formatted);
	return 0;
}

/* Pushes a new scratch. */
static void
push_scratch(lua_State *L)
{
	struct scratch *s = lua_newuserdata(L, sizeof(*s));

	memset(s, 0, sizeof(*s));
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, scratch_gc);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
}

/*
 * lua_CFunction: json.encode(value [, {pretty=, sort_keys=}]) → text. Raises
 * for what is no JSON, with its path. The upvalue is the scratch.
 */
static int
encode(lua_State *L)
{
	static const struct bind_option options[] = {
		{"pretty", LUA_TBOOLEAN, NULL},
		{"sort_keys", LUA_TBOOLEAN, NULL}, {NULL, 0, NULL},
	};
	struct scratch *s = lua_touserdata(L, lua_upvalueindex(1));
	struct buf *result = &s->text;
	struct schema_error e;
	bool pretty = false, sorted = false;

	bind_dot(L, "json.encode");
	if (lua_isnone(L, 1))
		bind_raise(L, "json.encode: the value is missing");
	if (!lua_isnoneornil(L, 2)) {
		int first = bind_options(L, 2, "json.encode", options);

		pretty = lua_toboolean(L, first);
		sorted = lua_toboolean(L, first + 1);
	}
	buf_reset(&s->text, KEPT);
	buf_reset(&s->formatted, KEPT);
	if (encode_value(L, 1, NULL, NULL, &s->text, &e))
		bind_raise(L, "json.encode: %s%s%s", e.path,
		    *e.path ? ": " : "", e.message);
	if (pretty || sorted) {
		result = &s->formatted;
		js_put_formatted(result, (const char *)s->text.data,
		    s->text.len, pretty, sorted);
	}
	lua_pushlstring(L, (const char *)result->data, result->len);
	return 1;
}

/* Whether option value `at` is the string `is`; raises for others. */
static bool
option_is(lua_State *L, int at, const char *name, const char *is)
{
	if (lua_isnil(L, at))
		return false;
	if (strcmp(lua_tostring(L, at), is))
		bind_raise(L, "json.decode: option \"%s\" must be \"%s\", not "
		    "\"%s\"", name, is, lua_tostring(L, at));
	return true;
}

/*
 * lua_CFunction: json.decode(text [, {null="drop", big="string"}]) → value, or
 * nil and an error object with kind "syntax" and offset.
 */
static int
decode(lua_State *L)
{
	static const struct bind_option names[] = {
		{"null", LUA_TSTRING, NULL}, {"big", LUA_TSTRING, NULL},
		{NULL, 0, NULL},
	};
	struct decode_options options = {0};
	const char *text;
	size_t len, offset;
	struct err e;

	bind_dot(L, "json.decode");
	text = bind_text(L, 1, "json.decode", "text", &len);
	if (!lua_isnoneornil(L, 2)) {
		int first = bind_options(L, 2, "json.decode", names);

		options.drop_null = option_is(L, first, "null", "drop");
		options.big_string = option_is(L, first + 1, "big", "string");
	}
	if (!decode_value(L, text, len, &options, &offset, &e))
		return 1;
	lua_pushnil(L);
	bind_error(L, "syntax", "json.decode", NULL, "%s", e.text);
	lua_pushinteger(L, (lua_Integer)offset);
	lua_setfield(L, -2, "offset");
	return 2;
}

/* Marks the table at 1, or a new one; returns it. */
static int
mark(lua_State *L, const char *call, enum json_mark as)
{
	bool is_view;

	bind_dot(L, call);
	lua_settop(L, 1);
	if (lua_isnil(L, 1)) {
		lua_newtable(L);
		lua_replace(L, 1);
	}
	lua_pushvalue(L, 1);
	json_see_through(L, 2);
	is_view = !lua_rawequal(L, 1, 2);
	lua_settop(L, 1);
	if (is_view && json_mark_of(L, 1) != as)
		bind_raise(L, "%s: the configuration is read-only: its %s",
		    call, as == JSON_MARK_ARRAY ? "object stays an object" :
		    "list stays a list");
	if (is_view)
		return 1;
	if (!lua_istable(L, 1))
		bind_raise(L, "%s: the argument must be a table, not a %s",
		    call, luaL_typename(L, 1));
	if (lua_getmetatable(L, 1)) {
		lua_pop(L, 1);
		if (json_mark_of(L, 1) == JSON_MARK_NONE)
			bind_raise(L, "%s: the table has a metatable of its "
			    "own", call);
	}
	json_push_mark(L, as);
	lua_setmetatable(L, 1);
	return 1;
}

/* lua_CFunction: json.array([t]) → t, which encodes as an array */
static int
array(lua_State *L)
{
	return mark(L, "json.array", JSON_MARK_ARRAY);
}

/* lua_CFunction: json.object([t]) → t, which encodes as an object */
static int
object(lua_State *L)
{
	return mark(L, "json.object", JSON_MARK_OBJECT);
}

/*
 * lua_CFunction: json.is_array(value) → whether it would encode as an array:
 * marked, or unmarked with an item 1
 */
static int
is_array(lua_State *L)
{
	enum json_mark is;
	bool array = false;

	bind_dot(L, "json.is_array");
	lua_settop(L, 1);
	json_see_through(L, 1);
	if (lua_istable(L, 1)) {
		is = json_mark_of(L, 1);
		lua_rawgeti(L, 1, 1);
		array = is == JSON_MARK_ARRAY ||
		    (is == JSON_MARK_NONE && !lua_isnil(L, -1));
	}
	lua_pushboolean(L, array);
	return 1;
}

int
bind_json_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"decode", decode}, {"array", array},
		{"object", object}, {"is_array", is_array},
		{NULL, NULL},
	};

	json_values_open(L);
	lua_createtable(L, 0, 6);
	for (const luaL_Reg *f = functions; f->name; f++) {
		lua_pushcfunction(L, f->func);
		lua_setfield(L, -2, f->name);
	}
	push_scratch(L);
	lua_pushcclosure(L, encode, 1);
	lua_setfield(L, -2, "encode");
	json_push_null(L);
	lua_setfield(L, -2, "null");
	return 1;
}

int
bind_null_open(lua_State *L)
{
	json_values_open(L);
	json_push_null(L);
	return 1;
}
