#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How often a sensor has failed, and when it starts again. */
struct backoff {
	unsigned failures;     /* in a row, without a good minute between */
	int64_t failing_since; /* Unix microseconds, of the first of them */
	int64_t running_since; /* monotonic; 0: not since the last failure */
	int64_t delay_us;      /* until the next start */
	int64_t next_start;    /* the same as a time, Unix microseconds */
};

/* True after a good minute: the next failure counts as the first. */
bool backoff_is_well(const struct backoff *b);

/*
 * Counts a failure of a sensor that polls every so many seconds (or 0);
 * returns after how many microseconds it is to start again.
 */
int64_t backoff_us(struct backoff *b, double poll_interval);
