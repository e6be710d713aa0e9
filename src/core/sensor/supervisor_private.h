#pragma once

#include "core/child/sensor_log.h"
#include "core/sensor/supervisor.h"

/*
 * What the files of the supervisor share: supervisor.c, supervisor_ops.c,
 * supervisor_state.c and handover.c.
 */

/* Starts a worker of the sensor, of the catalog's meta, for the supervisor. */
struct child *supervisor_spawn(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta, uint64_t generation);

/* Has a worker's setup run, for as long as it may. */
void supervisor_set_up(struct supervisor *s, struct child *c);

/* child_ops.gone; all that the supervisor hears of its workers, of the
 * incoming one too. */
void supervisor_gone(struct child *c);
extern const struct child_ops supervisor_child_ops;

/* Whose log it is. */
struct sensor_log supervisor_log_of(const struct supervisor *s);

/*
 * The handover of a changed sensor that runs: the new worker loads beside the
 * old one, and takes over in one commit, or the old one goes on.
 */
void handover_begin(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta);

/*
 * Ends one that is under way without a word: the sensor is stopped, or a
 * newer version has come. One that is about to be on disk goes on.
 */
void handover_abandon(struct supervisor *s);

/* Frees what a handover holds, wherever it is: core ends. */
void handover_release(struct supervisor *s);

/* What happens on the way. */
void handover_loaded(struct supervisor *s);
void handover_quiet(struct supervisor *s);
void handover_setup_unit(struct supervisor *s, uint32_t id, const void *body,
    size_t len);
/* Whether what the incoming worker's cleanup does counts for nothing. */
bool handover_discards(const struct supervisor *s);
void handover_incoming_failed(struct supervisor *s);
void handover_incoming_gone(struct supervisor *s);

/*
 * The old worker c is gone; true if the handover goes on without it, so that
 * nothing else is to be done about its end.
 */
bool handover_current_gone(struct supervisor *s, struct child *c);
