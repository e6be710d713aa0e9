#pragma once

#include <stdint.h>

struct child;
struct pool;
struct event;

/*
 * Looks at every worker's page at each tick. A worker that was in the same
 * turn of Lua for longer than limits.slice is killed, and so is one that
 * sleeps on after the time of its next poll (a stopped process): that it does
 * not for anything that core holds back. Time is counted in core's own ticks,
 * so that a host that stood still accuses nobody.
 */
struct watchdog {
	struct pool *pool;
	struct event *tick;
	int64_t ticked_us; /* monotonic, the last time */
};

#define WATCHDOG_TICK_US 250000

/* Longer for an interpreted worker, which is to name the line before. */
#define WATCHDOG_SLACK_US 2000000

/* Beyond the slice, for a worker to wake: on a machine that is busy. */
#define WATCHDOG_WAKE_US 5000000

void watchdog_init(struct watchdog *w, struct pool *pool);
void watchdog_release(struct watchdog *w);

/* One look at one worker; slice in microseconds. */
void watchdog_look(struct child *c, int64_t slice_us);
