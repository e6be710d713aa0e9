#pragma once

#include "store/kv.h"

struct buf;

/* How items and their index are stored: for kv.c, expiry.c and verify.c. */

/* False if the bytes are no item, or not the one that was written. */
bool kv_decode(struct span name, struct span value, struct kv_item *out);

/* Copies the name and value, which lie in the store, into bytes, and has the
 * item point there: until bytes is filled anew. */
void kv_item_keep(struct kv_item *item, struct buf *bytes);

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

/*
 * When the time of an item with a ttl is over. Where the clock was set back,
 * to set_back_us (0: it never was), one that it had written before has its ttl
 * from then on, until the clock is where it was: then it counts as if nothing
 * had been. So the end in the index, expires_us, may be too early or too late
 * for a while.
 */
int64_t kv_end(const struct kv_item *item, int64_t now_us,
    int64_t set_back_us);

/*
 * Stages another end of an item with one, in both tables; its name and value
 * must not lie in the store.
 */
void kv_end_move(struct store *s, const struct kv_item *item, int64_t end_us);
