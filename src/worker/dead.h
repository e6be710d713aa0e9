#pragma once

#include <lua.h>

#include "schema/schema.h"
#include "worker/facts.h"

/*
 * What becomes of a payload that was rejected: a dead letter in the same
 * unit, a line in the log, and nil with an error object; or, with on_invalid:
 * raise, an error. The payload is at idx. Returns how many results.
 */
int dead_letter(lua_State *L, const char *call, const struct trigger *t,
    int idx, const struct schema_error *why);
