#pragma once

#include <stdbool.h>

#include "core/state/turn.h"

/*
 * What the store needs from time to time: items that expire, journal and dead
 * letters past retention, a warning when a consumer holds the journal, or when
 * the clock makes a step.
 */
struct context;

struct upkeep {
	struct context *ctx;
	unsigned steps_told; /* of the clock */
	bool rest_told; /* of a time without deletion, from before the start */
	bool held_told; /* that a consumer holds the journal was said */
	struct change change; /* the one slice */
	bool queued;          /* it waits for a turn */
	bool more;            /* it left something that is due */
	unsigned slice;       /* how much of each kind is done in a turn */
	int64_t began_ns;     /* processor time when it was staged */
};

void upkeep_init(struct upkeep *u, struct context *ctx);

/* Takes the limits of retention from the configuration in use. */
void upkeep_configure(struct upkeep *u);

/*
 * To be called once a second: queues a slice of what is due, which goes on in
 * the turns after it until nothing is.
 */
void upkeep_run(struct upkeep *u);

/* Says what the clock has done since it was last said. */
void upkeep_tell(struct upkeep *u);
