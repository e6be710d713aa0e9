#pragma once

#include <lua.h>

/*
 * lua_CFunction readonly(table, where) -> table: the same data, decoded from
 * JSON, so that writing to it raises and names `where` it is set. An object
 * becomes an empty table that looks into the data: what reads tables raw sees
 * through it by json_see_through. An array stays a table, since # and ipairs
 * read it raw; it only takes no new items.
 */
int bind_readonly(lua_State *L);
