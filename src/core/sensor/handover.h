#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct child;
struct sensor_meta;
struct supervisor;

/*
 * The handover of a changed sensor that runs: the new worker loads beside the
 * old one, and takes over in one commit, or the old one goes on.
 */
void handover_begin(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta);

/* Ends one that is under way without a word (the sensor is stopped). */
void handover_abandon(struct supervisor *s);

/* Frees what a handover holds, wherever it is: core ends. */
void handover_release(struct supervisor *s);

/* What happens on the way; called by supervisor.c. */
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
