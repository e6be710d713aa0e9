#pragma once

#include <lua.h>

/*
 * The openers of the bindings that have no header of their own: each is a
 * lua_CFunction that leaves its module on the stack.
 */
int bind_data_open(lua_State *L);
int bind_error_open(lua_State *L);
int bind_log_open(lua_State *L);
int bind_sensor_open(lua_State *L);
int bind_service_open(lua_State *L);
int bind_spawn_open(lua_State *L);
int bind_time_open(lua_State *L);
int bind_unit_open(lua_State *L);
