#pragma once

#include "store/kv.h"

/* How items and their index are stored: for kv.c and verify.c. */

/* False if the bytes are no item, or not the one that was written. */
bool kv_decode(struct span name, struct span value, struct kv_item *out);

/* The key of the index: the end, big-endian so that it sorts, and the name. */
#define TTL_END_BYTES 8
struct ttl_key {
	uint8_t bytes[TTL_END_BYTES + KV_NAME_MAX];
	size_t len;
};
struct span ttl_key_make(struct ttl_key *key, int64_t expires_us,
    struct span name);

/* False if that is no such key. */
bool ttl_key_read(struct span key, int64_t *expires_us, struct span *name);
