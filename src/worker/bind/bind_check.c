/*
 * host.check: errors at the sensor's line and error objects, for the modules
 * under lua/sensorhost/ that are written in Lua.
 */
#include "worker/bind/bind_check.h"

#include "worker/bind/bind.h"
#include "worker/vm.h"

#define NAMES_MAX 64

/* check.raise(message) */
static int
check_raise(lua_State *L)
{
	bind_raise(L, "%s", luaL_checkstring(L, 1));
}

/* check.error(kind, op, target, message) → err */
static int
check_error(lua_State *L)
{
	bind_error(L, luaL_checkstring(L, 1), luaL_optstring(L, 2, NULL),
	    luaL_optstring(L, 3, NULL), "%s", luaL_checkstring(L, 4));
	return 1;
}

/* check.fail(kind, op, target, message) → nil, err */
static int
check_fail(lua_State *L)
{
	check_error(L);
	lua_pushnil(L);
	lua_insert(L, -2);
	return 2;
}

/* check.nearest(written, names) → name | nil */
static int
check_nearest(lua_State *L)
{
	const char *written = luaL_checkstring(L, 1), *name;
	const char *names[NAMES_MAX];
	size_t n = 0;

	luaL_checktype(L, 2, LUA_TTABLE);
	luaL_checkstack(L, NAMES_MAX, "names");
	while (n < NAMES_MAX) {
		lua_rawgeti(L, 2, (int)n + 1);
		if (!lua_isstring(L, -1))
			break;
		names[n++] = lua_tostring(L, -1);
	}
	name = bind_nearest(written, names, n);
	if (!name)
		return 0;
	lua_pushstring(L, name);
	return 1;
}

/* check.warn(text) */
static int
check_warn(lua_State *L)
{
	vm_log(vm_of(L), LOG_WARNING, "%s", luaL_checkstring(L, 1));
	return 0;
}

int
bind_check_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "raise", check_raise },
		{ "error", check_error },
		{ "fail", check_fail },
		{ "nearest", check_nearest },
		{ "warn", check_warn },
		{ NULL, NULL },
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
