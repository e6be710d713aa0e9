/*
 * The configuration as a sensor sees it: read-only. Called once, when the
 * sensor is made.
 */
#include "worker/readonly.h"

#include <lauxlib.h>
#include <stdio.h>

#include "worker/bind/bind.h"
#include "worker/json_values.h"

#define DEPTH_MAX 128
#define PATH_SHOWN 128 /* bytes of a path in a message */

/* lua_CFunction __newindex; upvalues: where it is set, the table's path. */
static int
on_write(lua_State *L)
{
	const char *where = lua_tostring(L, lua_upvalueindex(1));
	const char *path = lua_tostring(L, lua_upvalueindex(2));

	lua_settop(L, 2);
	bind_raise(L, "config is read-only: \"%s%s%s\" is set in %s; keep "
	    "what changes in self", path, *path ? "." : "",
	    lua_isstring(L, 2) ? lua_tostring(L, 2) : "?",
	    where ? where : "the pack's configuration");
}

/* lua_CFunction __pairs; upvalues: the data, next. */
static int
on_pairs(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushnil(L);
	return 3;
}

/* lua_CFunction __len; upvalue: the data. */
static int
on_len(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)lua_objlen(L, lua_upvalueindex(1)));
	return 1;
}

/* lua_CFunction __tostring of a list, which says that it is a table. */
static int
on_tostring(lua_State *L)
{
	lua_pushfstring(L, "table: %p", lua_topointer(L, 1));
	return 1;
}

/*
 * Gives the view on top its metatable: it shows the data at idx and refuses
 * writing.
 */
static void
set_guard(lua_State *L, int idx, const char *where, const char *path,
    enum json_mark mark)
{
	lua_createtable(L, 2, 6);
	lua_pushstring(L, where);
	lua_pushstring(L, path);
	lua_pushcclosure(L, on_write, 2);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	json_push_mark(L, mark);
	lua_rawgeti(L, -1, 1);
	lua_rawseti(L, -3, 1);
	lua_pop(L, 1);
	lua_pushvalue(L, idx);
	lua_rawseti(L, -2, JSON_VIEW);
	lua_pushvalue(L, idx);
	lua_setfield(L, -2, "__index");
	lua_pushvalue(L, idx);
	lua_getglobal(L, "next");
	lua_pushcclosure(L, on_pairs, 2);
	lua_setfield(L, -2, "__pairs");
	if (mark == JSON_MARK_ARRAY) {
		lua_pushvalue(L, idx);
		lua_pushcclosure(L, on_len, 1);
		lua_setfield(L, -2, "__len");
		lua_pushcfunction(L, on_tostring);
		lua_setfield(L, -2, "__tostring");
	}
	lua_setmetatable(L, -2);
}

static void guard(lua_State *L, const char *where, const char *path,
    int depth);

/* Replaces the value on top, a table under the key below it. */
static void
guard_member(lua_State *L, const char *where, const char *path, int depth)
{
	char inside[PATH_SHOWN];
	bool named = lua_type(L, -2) == LUA_TSTRING;

	if (named)
		snprintf(inside, sizeof(inside), "%s%s%s", path,
		    *path ? "." : "", lua_tostring(L, -2));
	else
		snprintf(inside, sizeof(inside), "%s.%d", path,
		    (int)lua_tointeger(L, -2));
	guard(L, where, inside, depth);
}

/* Replaces the table on top by its read-only form. */
static void
guard(lua_State *L, const char *where, const char *path, int depth)
{
	int idx = lua_gettop(L);
	enum json_mark mark = json_mark_of(L, idx);

	luaL_checkstack(L, 12, "config");
	if (depth > DEPTH_MAX)
		luaL_error(L, "the configuration is nested too deep");
	for (lua_pushnil(L); lua_next(L, idx);) {
		if (!lua_istable(L, -1)) {
			lua_pop(L, 1);
			continue;
		}
		guard_member(L, where, path, depth + 1);
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, idx); /* an existing key: the walk goes on */
	}
	if (mark == JSON_MARK_ARRAY)
		lua_newuserdata(L, 0);
	else
		lua_newtable(L);
	set_guard(L, idx, where, path, mark);
	lua_replace(L, idx);
}

int
bind_readonly(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	lua_pushvalue(L, 1);
	guard(L, lua_tostring(L, 2), "", 0);
	return 1;
}
