#pragma once

#include <stdbool.h>

/*
 * What the store needs from time to time: items that expire, journal and dead
 * letters past retention, a warning when a consumer holds the journal.
 */
struct context;

struct upkeep {
	struct context *ctx;
	bool held_told; /* that a consumer holds the journal was said */
};

/* Takes the limits of retention from the configuration in use. */
void upkeep_configure(struct upkeep *u);

/* To be called once a second: queues a slice of what is due. */
void upkeep_run(struct upkeep *u);
