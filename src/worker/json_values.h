#pragma once

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How JSON's values that Lua has none for look in Lua: null, marked arrays
 * and objects, integers of 64 bits.
 */

/* Makes all of it in a lua_State, once; may raise. */
void json_values_open(lua_State *L);

/* Pushes the null sentinel; whether the value at idx is it. */
void json_push_null(lua_State *L);
bool json_null_at(lua_State *L, int idx);

/* The mark of a metatable: 0 for one that is not ours. */
enum json_mark { JSON_MARK_NONE, JSON_MARK_ARRAY, JSON_MARK_OBJECT };

/*
 * The mark of the value at the absolute index t, a table or the view of one.
 * Raises nothing.
 */
enum json_mark json_mark_of(lua_State *L, int t);

/*
 * A metatable may hold at JSON_VIEW another table, which is what its table or
 * userdata shows (readonly.h): json_see_through puts that one in place of the
 * view at the absolute index t. Raises nothing.
 */
#define JSON_VIEW 2
void json_see_through(lua_State *L, int t);

/*
 * Pushes the metatable of a mark, to be set on many tables.
 */
void json_push_mark(lua_State *L, enum json_mark mark);

/* A 64-bit integer, as it lies in a cdata. */
struct json_integer {
	bool is_unsigned;
	union {
		int64_t i;
		uint64_t u;
	};
};

/* Whether the value at idx is an int64 or uint64 cdata. Raises nothing. */
bool json_get_integer(lua_State *L, int idx, struct json_integer *out);

/* Pushes one as cdata. */
void json_push_integer(lua_State *L, struct json_integer value);

#define JSON_TCDATA 10	/* lua_type() of a cdata */
