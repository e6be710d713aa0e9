#pragma once

#include <lua.h>

/*
 * The Lua modules sensorhost.json, sensorhost.null and sensorhost.schema.
 * Each _open function is a lua_CFunction that leaves its module on the
 * stack; fit for package.preload. The first one called in a lua_State makes
 * the null sentinel, the marks and the manners of int64 cdata (tostring
 * without suffix, concatenation); it loads ffi for itself and leaves it out
 * of package.loaded if it was not there.
 */
int bind_json_open(lua_State *L);
int bind_null_open(lua_State *L);
int bind_schema_open(lua_State *L);
