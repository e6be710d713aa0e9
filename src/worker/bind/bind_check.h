#pragma once

#include <lua.h>

/*
 * The Lua module host.check: what the host's Lua modules need to fail as
 * those in C do.
 *
 *	check.raise(message)     at the sensor's line
 *	check.fail(kind, op, target, message) → nil, err
 *	check.error(kind, op, target, message) → err
 *	check.nearest(written, {name, ...}) → name | nil
 *	check.warn(text)         to the sensor's log
 */
int bind_check_open(lua_State *L);
