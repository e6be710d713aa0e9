#pragma once

#include <lua.h>

/*
 * The Lua module host.kept: what the host's own modules keep in the
 * datastore for a sensor, under names that begin with a dot and that the
 * sensor cannot write itself. `call` is the sensor's call, for errors. All of
 * it joins the running task's unit, and sees it.
 *
 *	kept.name(kind, ...) → ".kind:a:b"; parts that are long or no text
 *	    become digests
 *	kept.get(call, name) → value | nil
 *	kept.set(call, name, value [, ttl])
 *	kept.key(call, name) → the full key, for move
 *	kept.move(call, key, value)  as set, for what is set all the time
 *	kept.delete(call, name)
 *	kept.service() → the sensor_service: it can list these names
 */
int bind_kept_open(lua_State *L);
