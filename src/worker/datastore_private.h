#pragma once

#include "worker/datastore.h"
#include "worker/decode.h"

/* What the files of the datastore share; nobody else includes it. */
struct data_view {
	bool sealed;
	int64_t expires; /* Unix microseconds, or 0 */
	const uint8_t *value; /* borrowed until the next call to core */
	size_t len;
};

/* As data_get, but borrowed. */
bool data_fetch(lua_State *L, const char *call, const char *key, size_t len,
    bool decrypt, struct data_view *d);

/* Pushes the value of JSON text. */
void data_push(lua_State *L, const char *call, const uint8_t *text,
    size_t len);

/* service:list_values([is_local [, prefix [, limit [, offset]]]]) */
int data_list(lua_State *L);
void data_list_open(lua_State *L);

/* Pushes {name, key, value, expires, encrypted}. */
void data_push_item(lua_State *L, const char *call, const char *key,
    size_t keylen, size_t skip, const struct data_view *d);
