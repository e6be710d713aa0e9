#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "worker/reader.h"
#include "worker/unit.h"

/*
 * How far a sensor has got in a file and in what it was before it was
 * rotated: marks that go into the datastore with the unit in which the lines
 * were dispatched. One a name; it lives as long as the sensor, since units
 * under way may point to it.
 */
#define PLACE_READERS 64u

struct place {
	struct buf key;       /* full key in the datastore */
	struct reader *readers[PLACE_READERS];
	size_t n;
	struct reader *hand;  /* its last line is in hand; or NULL */
	struct buf notes;     /* JSON members of host/chain.lua, each with its
	                       * comma: which files beside are settled */
	struct buf last;      /* JSON, once it is closed */
	bool open;
	bool forgotten;
};

void place_release(struct place *p);

/* Takes r from the place; its marks are no longer kept. */
void place_drop(struct place *p, const struct reader *r);

/* The line in hand, if there is one, is done: true. */
bool place_done(struct place *p);

/* Writes the marks as JSON. */
void place_json(const struct place *p, struct buf *out);

/* unit_hook_fn: stores the place (arg) with the unit. */
void place_store(struct unit *u, void *arg);

/* The place no longer follows its readers; a hook still stores it. */
void place_freeze(struct place *p);
