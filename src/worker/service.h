#pragma once

#include <lua.h>

/*
 * What the files of the sensor_service share: bind_service.c (dispatch),
 * bind_data.c (datastore), bind_unit.c (units).
 */

/* Raises unless argument 1 is the service: a dot where a colon belongs. */
void service_self(lua_State *L, const char *method);

/* Pushes the table of methods, to be filled; the same one each time. */
void service_methods(lua_State *L);

/*
 * Something was stored: warns, once a worker, if the poll has dispatched
 * before in a unit of its own. The three texts make up what it was.
 */
void service_warn_split(lua_State *L, const char *before, const char *name,
    const char *after);

/* Pushes the service object of this worker's sensor. */
void service_push(lua_State *L);
