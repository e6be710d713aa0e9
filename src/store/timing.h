#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/env.h"
#include "store/view.h"

/*
 * The time of turns. It follows the machine's clock: where that is a little
 * behind the newest turn, time holds still; where it is further behind, it
 * was set back and is taken as it is. What lies in the store then may have
 * times that are still to come.
 */
#define TIMING_HOLD_US (INT64_C(10) * 1000000)

/* How the clock stands to the newest turn: what a turn's time is. */
static inline int64_t
timing_follow(int64_t newest_us, int64_t now_us)
{
	bool holds = now_us < newest_us && newest_us - now_us <= TIMING_HOLD_US;

	return holds ? newest_us : now_us;
}

/* The last time that the clock was set back, kept in the table of facts. */
struct set_back {
	int64_t time_us;	/* the time after it; 0: it never was */
	int64_t newest_us;	/* the latest that a turn had before it */
	uint64_t seq;		/* instances up to this one are of before it */
	uint64_t dead_seq;	/* the same of dead letters */
	uint64_t sweeping;	/* not 0: ends in the index are too late */
};
enum read_result set_back_load(struct txn *t, struct set_back *b);
void set_back_save(struct txn *t, const struct set_back *b);

/* The latest time that a turn has had. */
struct head;
int64_t set_back_newest(const struct set_back *b, const struct head *head);

/* Stages in an open turn, whose time it is, that the clock was set back. */
struct store;
void set_back_take(struct store *s);

/* What a record's time passes for; seq and the number are of one table. */
static inline int64_t
set_back_cap(const struct set_back *b, int64_t time_us, bool of_before)
{
	return of_before && time_us > b->time_us ? b->time_us : time_us;
}

/* The clocks as they were looked at last. */
struct timing {
	int64_t grace_us;	/* store_options.grace_us */
	int64_t unix_us;
	int64_t mono_us;	/* 0: never looked */
	int64_t held_until_us;	/* monotonic: nothing is aged out before */
	/* How much of that was left, in the table of facts; 0: no fact. */
	int64_t kept_us;	/* as committed */
	int64_t turn_kept_us;	/* as staged */
	unsigned steps;		/* that the clock made, since the start */
	int64_t step_us;	/* the last one */
	bool at_open;		/* it was found at the first look */
	int64_t newest_us;	/* the newest turn's time before it */
};

/* To be called at the begin of each turn, with the newest turn's time. */
void timing_look(struct timing *t, int64_t newest_us, int64_t now_us);

/* True while what is old may only seem to be. */
bool timing_holds(const struct timing *t);

/*
 * How much of that time is left is kept over a restart: read at the open, and
 * staged last in a turn that found a leap, in each that writes until it is
 * over, and at least once a minute. It costs nothing while there is none.
 */
enum read_result timing_load(struct txn *t, struct timing *timing);
void timing_keep(struct timing *t, struct txn *txn);
