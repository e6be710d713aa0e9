#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How much a worker may say in a stretch of time: so many lines and bytes;
 * what is beyond is counted. All zero is one whose first window is over.
 */
#define WINDOW_SECONDS 5

struct window {
	int64_t since;       /* when it began, monotonic */
	unsigned lines;      /* admitted in it */
	uint64_t bytes;      /* counted in it */
	uint64_t suppressed; /* lines, since the last report */
};

bool window_is_over(const struct window *w);

/* Begins the next one; returns how many lines were suppressed until now. */
uint64_t window_begin(struct window *w);

/* True if one more line is within so many; else it counts as suppressed. */
bool window_admits(struct window *w, unsigned most_lines);
