#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * The datastore: full key names (`<pack>.<class_name>:<name>`, or a global
 * name) to JSON values. The caller has checked that a name has 1 to
 * KV_NAME_MAX bytes of UTF-8 and that a value is JSON.
 */
#define KV_NAME_MAX 480

#define KV_SEALED 1u	/* the value is what seal_encrypt() made */

struct kv_item {
	struct span name;
	struct span value;
	uint32_t flags;
	int64_t created_us;
	int64_t modified_us;
	int64_t expires_us;	/* 0: never */
	int64_t ttl_us;		/* as it was given; 0: none */
};

/* Missing as well: it has expired by the view's time. */
enum read_result kv_get(struct view *v, const char *name, size_t len,
    struct kv_item *out);

/* Called for each item; false ends the listing. No staging call inside. */
typedef bool kv_item_fn(void *arg, const struct kv_item *item);

struct kv_range {
	struct span prefix;	/* empty: all */
	struct span after;	/* only names greater than this; empty: all */
	size_t offset;		/* so many are passed over */
	size_t limit;		/* at most so many are given */
};

/*
 * Lists by name, byte by byte: found if it gave any. It fails at the first
 * item that cannot be read, after giving those before it; whoever wants those
 * behind it goes on after kv_failed(), which is empty if that is not possible.
 */
enum read_result kv_list(struct view *v, const struct kv_range *range,
    kv_item_fn *fn, void *arg);
struct span kv_failed(const struct view *v);

/*
 * Called inside staging calls for each item that ends by its ttl, whether
 * expiry_run() took it or a write found it expired: in the same turn, so
 * that what it stages (a delete trigger) is on disk together with it. The
 * item is valid during the call, also across staging calls.
 */
typedef void kv_expired_fn(void *arg, const struct kv_item *item);
void kv_on_expired(struct store *s, kv_expired_fn *fn, void *arg);

/*
 * Stages an item. ttl_us counts from the turn's time; 0: none. True if the
 * name is new (an expired item of that name was reported and is gone).
 */
bool kv_set(struct store *s, const char *name, size_t len, struct span value,
    uint32_t flags, int64_t ttl_us);

/* Stages a deletion; false if there was none, or only an expired one. */
bool kv_delete(struct store *s, const char *name, size_t len);
