/*
 * null, marks and 64-bit integers in a lua_State. Opened once, before any
 * code of a sensor runs; the ffi library serves here alone and must never be
 * reachable from a sensor. A mark is a metatable that holds the address of
 * a variable in slot 1, which Lua code cannot make up.
 */
#include "worker/json_values.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

/* Addresses that stand for something: the marks, and our registry entry. */
static char array_mark, object_mark, registry_key;

/* What the registry entry, a table, holds. */
enum { ARRAY_MT = 1, OBJECT_MT, INT64, UINT64, ISTYPE, FFI };

/* Pushes one thing of the registry entry. */
static void
push_kept(lua_State *L, int what)
{
	lua_pushlightuserdata(L, &registry_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	lua_rawgeti(L, -1, what);
	lua_remove(L, -2);
}

/* lua_CFunction: index or newindex of null */
static int
null_index(lua_State *L)
{
	if (lua_type(L, 2) == LUA_TSTRING)
		return luaL_error(L, "field '%s' of JSON null",
		    lua_tostring(L, 2));
	return luaL_error(L, "a field of JSON null");
}

/* lua_CFunction: any other operation on null; the upvalue is its words. */
static int
null_operation(lua_State *L)
{
	return luaL_error(L, "%s JSON null: compare with json.null first, or "
	    "decode with {null = \"drop\"}",
	    lua_tostring(L, lua_upvalueindex(1)));
}

/* lua_CFunction: tostring of a light userdata, which null is one of */
static int
null_tostring(lua_State *L)
{
	if (lua_touserdata(L, 1))
		lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
	else
		lua_pushliteral(L, "null");
	return 1;
}

/* Gives light userdata, of which null is one, null's manners. */
static void
open_null(lua_State *L)
{
	static const luaL_Reg manners[] = {
		{"__index", null_index}, {"__newindex", null_index},
		{"__tostring", null_tostring}, {NULL, NULL},
	};

	static const struct {
		const char *event, *words;
	} refused[] = {
		{"__concat", "concatenation with"}, {"__len", "length of"},
		{"__add", "arithmetic on"},
		{"__sub", "arithmetic on"}, {"__mul", "arithmetic on"},
		{"__div", "arithmetic on"}, {"__mod", "arithmetic on"},
		{"__pow", "arithmetic on"}, {"__unm", "arithmetic on"},
		{"__lt", "comparison with"}, {"__le", "comparison with"},
	};

	lua_pushlightuserdata(L, NULL);
	lua_createtable(L, 0, 16);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		lua_pushstring(L, refused[i].words);
		lua_pushcclosure(L, null_operation, 1);
		lua_setfield(L, -2, refused[i].event);
	}
	for (const luaL_Reg *m = manners; m->name; m++) {
		lua_pushcfunction(L, m->func);
		lua_setfield(L, -2, m->name);
	}
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}

/* Makes a mark's metatable and keeps it. */
static void
open_mark(lua_State *L, int entry, int what, void *mark)
{
	lua_createtable(L, 1, 1);
	lua_pushlightuserdata(L, mark);
	lua_rawseti(L, -2, 1);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_rawseti(L, entry, what);
}

/*
 * Pushes the ffi module and leaves package.loaded as it was. LuaJIT hangs
 * the table of cdata finalizers on the module, so somebody must keep it.
 */
static void
push_ffi(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
	if (lua_istable(L, -1)) {
		lua_getfield(L, -1, LUA_FFILIBNAME);
		if (lua_istable(L, -1)) {
			lua_remove(L, -2);
			return;
		}
		lua_pop(L, 1);
	}
	lua_pushcfunction(L, luaopen_ffi);
	lua_pushliteral(L, LUA_FFILIBNAME);
	lua_call(L, 1, 1);
	if (lua_istable(L, -2)) {
		lua_pushnil(L);
		lua_setfield(L, -3, LUA_FFILIBNAME);
	}
	lua_remove(L, -2);
}

/* Writes a 64-bit integer as text; returns its length. */
static int
integer_text(char text[24], const struct json_integer *value)
{
	return value->is_unsigned ?
	    snprintf(text, 24, "%llu", (unsigned long long)value->u) :
	    snprintf(text, 24, "%lld", (long long)value->i);
}

/* Replaces an integer cdata at idx by its digits; false for others. */
static bool
integer_to_text(lua_State *L, int idx)
{
	struct json_integer value;
	char text[24];

	if (!json_get_integer(L, idx, &value))
		return false;
	lua_pushlstring(L, text, (size_t)integer_text(text, &value));
	lua_replace(L, idx);
	return true;
}

/* lua_CFunction: __tostring of cdata; ffi's own is the upvalue */
static int
cdata_tostring(lua_State *L)
{
	lua_settop(L, 1);
	if (integer_to_text(L, 1))
		return 1;
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

/* lua_CFunction: __concat of cdata; ffi's own is the upvalue */
static int
cdata_concat(lua_State *L)
{
	bool ours;

	lua_settop(L, 2);
	ours = integer_to_text(L, 1);
	ours = integer_to_text(L, 2) || ours;
	if (ours && lua_isstring(L, 1) && lua_isstring(L, 2)) {
		lua_concat(L, 2);
		return 1;
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

/* Wraps a metamethod of cdata, whose metatable is on top. */
static void
wrap(lua_State *L, const char *name, lua_CFunction fn)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, fn, 1);
	lua_setfield(L, -2, name);
}

/* Keeps what makes and knows 64-bit integers, and gives them manners. */
static void
open_integers(lua_State *L, int entry)
{
	static const char *const types[] = {"int64_t", "uint64_t"};
	int ffi;

	push_ffi(L);
	ffi = lua_gettop(L);
	lua_pushvalue(L, ffi);
	lua_rawseti(L, entry, FFI);
	for (int i = 0; i < 2; i++) {
		lua_getfield(L, ffi, "typeof");
		lua_pushstring(L, types[i]);
		lua_call(L, 1, 1);
		lua_rawseti(L, entry, INT64 + i);
	}
	lua_getfield(L, ffi, "istype");
	lua_rawseti(L, entry, ISTYPE);
	lua_rawgeti(L, entry, INT64);
	must(lua_getmetatable(L, -1));
	wrap(L, "__tostring", cdata_tostring);
	wrap(L, "__concat", cdata_concat);
	lua_settop(L, ffi - 1);
}

void
json_values_open(lua_State *L)
{
	int entry;

	lua_pushlightuserdata(L, &registry_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	if (lua_istable(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	lua_pop(L, 1);
	lua_createtable(L, FFI, 0);
	entry = lua_gettop(L);
	open_null(L);
	open_mark(L, entry, ARRAY_MT, &array_mark);
	open_mark(L, entry, OBJECT_MT, &object_mark);
	lua_pushlightuserdata(L, &registry_key);
	lua_pushvalue(L, entry);
	lua_rawset(L, LUA_REGISTRYINDEX);
	open_integers(L, entry);
	lua_pop(L, 1);
}

enum json_mark
json_mark_of(lua_State *L, int t)
{
	const void *mark;

	if (!lua_getmetatable(L, t))
		return JSON_MARK_NONE;
	lua_rawgeti(L, -1, 1);
	mark = lua_touserdata(L, -1);
	lua_pop(L, 2);
	return mark == &array_mark ? JSON_MARK_ARRAY :
	    mark == &object_mark ? JSON_MARK_OBJECT : JSON_MARK_NONE;
}

void
json_see_through(lua_State *L, int t)
{
	int type = lua_type(L, t);

	if ((type != LUA_TTABLE && type != LUA_TUSERDATA) ||
	    json_mark_of(L, t) == JSON_MARK_NONE || !lua_getmetatable(L, t))
		return;
	lua_rawgeti(L, -1, JSON_VIEW);
	if (lua_istable(L, -1)) {
		lua_replace(L, t);
		lua_pop(L, 1);
	} else {
		lua_pop(L, 2);
	}
}

void
json_push_mark(lua_State *L, enum json_mark mark)
{
	push_kept(L, mark == JSON_MARK_ARRAY ? ARRAY_MT : OBJECT_MT);
}

bool
json_get_integer(lua_State *L, int idx, struct json_integer *out)
{
	const void *payload = lua_topointer(L, idx);
	int top = lua_gettop(L);

	if (lua_type(L, idx) != JSON_TCDATA)
		return false;
	if (idx < 0)
		idx += top + 1;
	lua_pushlightuserdata(L, &registry_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	for (int i = 0; i < 2 && lua_istable(L, top + 1); i++) {
		bool is;

		lua_rawgeti(L, top + 1, ISTYPE);
		lua_rawgeti(L, top + 1, INT64 + i);
		lua_pushvalue(L, idx);
		is = !lua_pcall(L, 2, 1, 0) && lua_toboolean(L, -1);
		lua_pop(L, 1);
		if (is) {
			out->is_unsigned = i;
			memcpy(&out->u, payload, sizeof(out->u));
			lua_settop(L, top);
			return true;
		}
	}
	lua_settop(L, top);
	return false;
}

void
json_push_integer(lua_State *L, struct json_integer value)
{
	push_kept(L, value.is_unsigned ? UINT64 : INT64);
	lua_call(L, 0, 1);
	memcpy((void *)(uintptr_t)lua_topointer(L, -1), &value.u,
	    sizeof(value.u));
}

void
json_push_null(lua_State *L)
{
	lua_pushlightuserdata(L, NULL);
}

bool
json_null_at(lua_State *L, int idx)
{
	return lua_type(L, idx) == LUA_TLIGHTUSERDATA &&
	    !lua_touserdata(L, idx);
}
