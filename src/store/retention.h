#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/*
 * How long and how much the journal and the dead letters keep. Every turn
 * that appends deletes about as much as it appended where a limit is passed;
 * core's timer calls retention_run() for the rest.
 */
struct retention {
	int64_t journal_age_us;		/* 0: no limit */
	uint64_t journal_size;		/* bytes; 0: no limit */
	bool journal_drop_held;		/* at journal_size: drop what is held */
	int64_t dead_letter_age_us;
	uint64_t dead_letter_size;
};

/* 7 days and 10 GiB, wait; 30 days and 1 GiB: what applies before any set. */
void retention_default(struct retention *r);
void retention_set(struct store *s, const struct retention *r);

/*
 * Stages the deletion of at most max records of each kind, in an open turn,
 * until the monotonic time until_us (0: no such bound); true if more is due.
 * Does nothing at all while nothing is due.
 */
bool retention_run(struct store *s, unsigned max, int64_t until_us);

/*
 * How far the journal is from being held by a consumer, for warning at 80;
 * all zero if that cannot be read.
 */
struct retention_state {
	unsigned percent;	/* of journal_size in use; 0: no limit */
	bool held;		/* the oldest record is wanted by a cursor */
	char holder[256];	/* whose, if so */
};
enum read_result retention_look(struct store *s, struct retention_state *out);
