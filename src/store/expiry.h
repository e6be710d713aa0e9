#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * The ends of items with a ttl. Nobody is given an item whose time has come;
 * this is how it leaves the disk, and is reported (kv_on_expired).
 */

/*
 * Deletes and reports items whose time has come by the turn's time: the longest
 * expired first, and with it those that lie behind it. At most max, counting
 * ends whose item is gone, until the monotonic time until_us (0: no such
 * bound); returns how many items. Where the clock was set back, it first looks
 * at as many ends, so that no item lives longer than its ttl from then.
 */
size_t expiry_run(struct store *s, size_t max, int64_t until_us);

/* In an open turn: true if expiry_run() has something to do. */
bool expiry_due(struct store *s);

/*
 * When the next item expires; INT64_MAX: none will, or the index cannot be
 * read, which is what the view then says.
 */
int64_t expiry_next(struct view *v);

/* Items whose time has come by the view's time and that are there still. */
struct overdue {
	uint64_t items;		/* counted up to OVERDUE_MAX */
	int64_t oldest_us;	/* when the first of them was due; 0: none is */
};
#define OVERDUE_MAX 10000
enum read_result expiry_overdue(struct view *v, struct overdue *out);
