#pragma once

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "schema/schema.h"

/*
 * Lua values to JSON bytes: one walk of the table on the Lua stack that
 * checks it against a schema, fills defaults and writes. Tables are read
 * raw; of metatables only the marks of json.array and json.object count.
 *
 * Nothing here raises a Lua error but for "not enough memory", and that only
 * at the start of a call, before anything was written.
 */

/* A compiled schema made ready for one lua_State: its names, interned. */
struct encode_schema;

/* Borrows s, which must outlive it. May raise out of memory. */
struct encode_schema *encode_schema_new(lua_State *L,
    const struct schema *s);
void encode_schema_free(lua_State *L, struct encode_schema **e);

struct encode_options {
	size_t max;	/* JSON bytes at most, checked while writing; 0: no */
	bool object;	/* the value itself must be an object; {} is one */
};

/*
 * Appends the value at stack index idx as JSON, with defaults filled in.
 * schema and options may be NULL. 0, or -1 with e filled; then out is as it
 * was. The Lua stack is as it was, either way. Beside the schema's keywords,
 * e->keyword is one of
 *
 *	value    a function, userdata, thread or cdata; or nil
 *	number   NaN or an infinity
 *	key      an array with a hole, a mix of names and numbers
 *	utf8     a string or key that is not UTF-8
 *	depth    deeper than JS_DEPTH (a cycle ends here too)
 *	size     over options.max
 */
int encode_value(lua_State *L, int idx, const struct encode_schema *schema,
    const struct encode_options *options, struct buf *out,
    struct schema_error *e);

/*
 * Appends the best JSON that can be made of any value, for a dead letter:
 * "<function>" for what JSON cannot hold, U+FFFD for bad UTF-8, "<NaN>",
 * keys by tostring where they are mixed, "<too deep>" past 64 levels. At
 * most ENCODE_LOSSY_MAX bytes: what goes beyond is cut, still well-formed
 * JSON, and the result is then {"truncated": true, "value": ...}. Returns
 * whether it was cut. Never fails.
 */
#define ENCODE_LOSSY_MAX (64 * 1024)
bool encode_lossy(lua_State *L, int idx, struct buf *out);
