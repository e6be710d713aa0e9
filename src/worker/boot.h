#pragma once

#include <lua.h>

/*
 * Loads boot.lua of the folder dir, which loads the host's Lua library and
 * leaves the table of entries: the functions through which a sensor's life
 * is driven. Raises.
 */
void boot_open(lua_State *L, const char *dir);

/* Pushes an entry ("load", "poll", ...). */
void boot_entry(lua_State *L, const char *name);
