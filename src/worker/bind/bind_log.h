#pragma once

#include <lua.h>

/* Pushes the logger of that name below the sensor's ("": its own). */
void bind_log_push(lua_State *L, const char *name);
