#pragma once

#include <lua.h>

/*
 * lua_CFunction readonly(table, where) -> view: the same data, decoded from
 * JSON, so that writing to it raises and names `where` it is set. What C reads
 * raw sees through a view by json_see_through, what Lua reads raw by
 * lua/host/views.lua.
 *
 * An object becomes an empty table that looks into the data. A list becomes a
 * userdata that does: nothing else refuses `list[1] = x` of an item that is
 * there and has a `#`, which Lua 5.1 asks no metatable of a table about.
 */
int bind_readonly(lua_State *L);
