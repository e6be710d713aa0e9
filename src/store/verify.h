#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/view.h"

/*
 * Reads everything and compares it: each record with its checksum, each table
 * with the others. The reader's door gives the views.
 */

/* Called for each fault: one line of plain words, without a line end. */
typedef void verify_fn(void *arg, const char *what);

struct verify {
	verify_fn *fn;
	void *arg;
	uint64_t faults;	/* told of */
	uint64_t instances, dead_letters, items, expiries, sensors, triggers,
	    consumers;
	uint64_t next;		/* the sequence looked at next; 0: the first */
};

/*
 * A slice of the journal; true while there is more, for which a fresh view
 * will do.
 */
bool verify_journal(struct verify *w, struct view *v);

/* All the rest, in one view. */
void verify_tables(struct verify *w, struct view *v);

/* Whether a table has as many entries as it says, in the order of its keys. */
enum read_result verify_items_whole(struct view *v);
enum read_result verify_letters_whole(struct view *v);
