#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/buf.h"

/*
 * The datastore as a binding sees it: reads go to core and hold the worker
 * for a round trip, and see what the running task has written and not yet
 * sent. Writes go into the task's unit (unit_set).
 */
struct data_item {
	bool sealed;
	int64_t expires; /* Unix microseconds, or 0 */
	struct buf value; /* JSON text; released by the caller */
};

/* Raised for every failure: of the datastore, of decryption. */
bool data_get(lua_State *L, const char *call, const char *key, size_t len,
    bool decrypt, struct data_item *item);

/*
 * Pushes the full key of a name of this sensor, `<pack>.<class>:<name>`, and
 * returns it; raises when it is empty or over MSG_KEY_MAX bytes. Modules keep
 * theirs under names that begin with a dot: ".tail:/var/log/syslog".
 */
const char *data_key(lua_State *L, const char *call, const char *name,
    size_t len, bool local, size_t *keylen);
