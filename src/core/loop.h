#pragma once

#include "core/core.h"

/*
 * The life of the supervisor process: what opens it, turns its loop, stops
 * and closes it.
 */

/*
 * Starts spawner, store and loop by core->ctx.config. -1 with e; loop_close
 * is to be called in any case.
 */
int loop_open(struct core *core, struct err *e);
void loop_close(struct core *core);

/* Reads the packs, with datastore templates rendered. */
void loop_read_catalog(struct core *core);

/* Turns until loop_stop has come to its end. */
void loop_run(struct core *core);

/* Stops every sensor in order, then the loop. */
void loop_stop(struct core *core, const char *reason);
