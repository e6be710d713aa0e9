/*
 * What a supervisor knows of its sensor: its state, its facts, its last error;
 * and how its workers are made. Called by supervisor.c and handover.c. What
 * is to happen next is decided there, never here.
 */
#include "core/sensor/supervisor_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "core/child/pool.h"
#include "core/sensor/spec.h"
#include "pack/catalog.h"

static const char *const state_names[] = {
	[SENSOR_STARTING] = "starting",
	[SENSOR_RUNNING] = "running",
	[SENSOR_QUIETED] = "quieted",
	[SENSOR_BACKING_OFF] = "backing_off",
	[SENSOR_STOPPING] = "stopping",
	[SENSOR_STOPPED] = "stopped",
	[SENSOR_FINISHED] = "finished",
	[SENSOR_DISABLED] = "disabled",
	[SENSOR_REJECTED] = "rejected",
	[SENSOR_NOT_OWNED] = "not_owned",
};

const char *
supervisor_state_name(enum supervisor_state state)
{
	return state_names[state];
}

void
supervisor_set_state(struct supervisor *s, enum supervisor_state state)
{
	if (s->state == state)
		return;
	s->state = state;
	if (state != SENSOR_RUNNING)
		s->failing = false;
	supervisor_log(s, LOG_DEBUG, "%s", state_names[state]);
	s->fleet->ops->changed(s->fleet->arg, s);
	if (supervisor_settled(s))
		s->fleet->ops->settled(s->fleet->arg, s);
}

bool
supervisor_settled(const struct supervisor *s)
{
	return !s->current && s->handover.step == HANDOVER_NONE &&
	    !s->restart && (s->state == SENSOR_STOPPED ||
	    s->state == SENSOR_FINISHED || s->state == SENSOR_DISABLED ||
	    s->state == SENSOR_REJECTED || s->state == SENSOR_NOT_OWNED);
}

void
supervisor_note_error(struct supervisor *s, const char *what,
    const char *traceback)
{
	free(s->last_error);
	free(s->last_traceback);
	s->last_error = xstrdup(what);
	s->last_traceback = traceback ? xstrdup(traceback) : NULL;
	s->last_error_at = clock_unix_us();
}

void
supervisor_take(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct catalog *old = s->catalog;

	s->catalog = catalog_ref(catalog);
	s->meta = meta;
	catalog_unref(&old);
}

struct child *
supervisor_spawn(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta, uint64_t generation)
{
	const struct fleet *fleet = s->fleet;
	bool interpreted = s->interpreted && memcmp(s->overran, meta->digest,
	    DIGEST_BYTES) == 0;
	const struct spec_start start = {s->number, interpreted,
	    s->first_delay};
	struct child *c;

	s->first_delay = 0;
	c = pool_spawn(fleet->pool, catalog, meta, s->number, generation,
	    spec_make(fleet->ctx, fleet->declared, meta, &start),
	    &supervisor_child_ops, s);
	c->interpreted = interpreted;
	return c;
}

struct sensor_log
supervisor_log_of(const struct supervisor *s)
{
	return (struct sensor_log){s->fleet->ctx, s->meta, s->generation};
}

void
supervisor_log(const struct supervisor *s, enum log_level level,
    const char *fmt, ...)
{
	const struct sensor_log log = supervisor_log_of(s);
	va_list ap;

	va_start(ap, fmt);
	sensor_vlog(&log, level, fmt, ap);
	va_end(ap);
}
