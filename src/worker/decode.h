#pragma once

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * JSON text to Lua values. Arrays and objects come marked (json.is_array),
 * so that a value encodes back as it came, {} and [] too. Integers beyond
 * 2^53 are int64 or uint64 cdata, beyond those doubles; with big_string both
 * are strings as written. null is the sentinel; with drop_null members and
 * items that are null are left out. Of duplicate names the last counts.
 * A number that no double can hold is an error.
 */
struct decode_options {
	bool drop_null;
	bool big_string;
};

/*
 * Pushes the value of the n bytes at text; 0. Or pushes nothing and returns
 * -1 with e and *offset (bytes from the start) filled. options may be NULL.
 * Raises only "not enough memory"; holds no C memory while it could.
 */
int decode_value(lua_State *L, const char *text, size_t n,
    const struct decode_options *options, size_t *offset, struct err *e);
