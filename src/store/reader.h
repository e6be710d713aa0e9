#pragma once

#include <stdint.h>

#include "base/err.h"
#include "store/cursor.h"
#include "store/dead_letter.h"
#include "store/instance.h"
#include "store/journal.h"
#include "store/kv.h"
#include "store/registry.h"
#include "store/seal.h"
#include "store/verify.h"
#include "store/view.h"

/*
 * The reader's door: looks at a data folder from a process of its own,
 * beside a running core or without one. Never opened in a process that has
 * the writer's door to the same folder. With it comes all that takes a view,
 * and the key file.
 */
struct store_reader;

int store_reader_open(struct store_reader **r, const char *dir, struct err *e);
void store_reader_close(struct store_reader **r);

/*
 * A view of what is committed now; ends the one before. A view held long
 * makes the file grow, so work goes in slices with a fresh view each.
 * NULL and e if that fails.
 */
struct view *store_reader_view(struct store_reader *r, int64_t now_us,
    struct err *e);

/* Figures of what the view shows; the disk's and the host's are left 0. */
enum read_result store_reader_figures(struct store_reader *r,
    struct store_figures *f);

/*
 * Reads all of it and tells w->fn what is wrong, in views of its own. Returns
 * how many faults there are.
 */
uint64_t store_reader_verify(struct store_reader *r, struct verify *w);

/* Ends the view; before any wait. */
void store_reader_rest(struct store_reader *r);

/*
 * Copies a consistent snapshot, compacted, into the folder dest, which is
 * created, or is there and empty. On failure nothing is left there. bytes
 * (may be NULL) gets the size of the copy.
 */
int store_reader_backup(struct store_reader *r, const char *dest,
    uint64_t *bytes, struct err *e);
