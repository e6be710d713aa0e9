#pragma once

#include <stdint.h>

/*
 * How long the turns of core's loop last: a long one keeps every sensor and
 * every client waiting. Work is processor time, so that neither waiting for
 * events nor what else runs on the machine counts; the commit, which waits
 * for the disk, is told apart and in time that passed.
 */
struct pace {
	int64_t since_us; /* Unix: when this count began */
	uint64_t turns;
	int64_t longest_work_us;
	int64_t longest_commit_us;
	int64_t mark_ns; /* processor time at the end of the last turn */
};

/* Begins to count, at the start and with each reload. */
void pace_restart(struct pace *p);

/* A turn has ended whose commit, if it had one, took so many microseconds. */
void pace_turn(struct pace *p, int64_t commit_us);
