#pragma once

#include "core/child/child.h"
#include "core/child/sensor_log.h"
#include "core/sensor/supervisor.h"

/*
 * What the files of the supervisor share. supervisor.c takes what is asked,
 * supervisor_hears.c what its workers say; the machine decides, and then
 * supervisor_acts.c does it and supervisor_tells.c says what came of it.
 */

/* What the machine decides is done by these; arg is a supervisor. */
extern const struct machine_ops supervisor_acts;

/* What the supervisor hears of its workers, the incoming one too. */
extern const struct child_ops supervisor_hears;

/* True while it is the new version's worker that is waited for. */
bool supervisor_awaits_new(const struct supervisor *s);

/* Hands an event to the machine. */
void supervisor_event(struct supervisor *s, enum machine_event event);

/* machine_ops.tell */
void supervisor_tell(void *arg, enum machine_note note);

/* The current worker is gone; c is its last reference. */
void supervisor_lost(struct supervisor *s, struct child *c);

/* Whose log it is. */
struct sensor_log supervisor_log_of(const struct supervisor *s);
