/*
 * The state machine of one sensor. Owns its worker and the clock of its next
 * start. Called by the fleet (start, stop, reload) and, through child_ops,
 * by what its workers do. It must never leave a sensor that should run
 * without a worker and without a time for the next one.
 */
#include "core/sensor/supervisor.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/sensor/obituary.h"
#include "core/sensor/supervisor_private.h"
#include "core/state/context.h"
#include "pack/catalog.h"
#include "store/registry.h"
#include "store/sensor_state.h"

#define SECOND INT64_C(1000000)

/* A start that waits for its generation to be on disk. */
struct start_change {
	struct change change;
	struct supervisor *s;
	uint64_t generation;
};

/* change_stage_fn: the next generation, current at once. */
static void
start_stage(struct change *change, struct store *store)
{
	struct start_change *c = (struct start_change *)change;

	c->generation = sensor_generation_allot(store, c->s->number);
	sensor_current_set(store, c->s->number, c->generation);
}

/* change_drop_fn. */
static void
start_drop(struct change *change)
{
	free(change);
}

/* change_done_fn: the worker may be made now. */
static void
start_done(struct change *change)
{
	struct start_change *c = (struct start_change *)change;
	struct supervisor *s = c->s;

	s->generation = c->generation;
	if (s->state == SENSOR_STARTING && !s->current) {
		s->current = supervisor_spawn(s, s->catalog, s->meta,
		    c->generation);
	} else if (s->state == SENSOR_STOPPING && !s->current)
		supervisor_set_state(s, SENSOR_STOPPED);
	if (s->restart && !s->current && s->state == SENSOR_STOPPED)
		supervisor_start(s);
	free(c);
}

void
supervisor_start(struct supervisor *s)
{
	struct start_change *c = xcalloc(1, sizeof(*c));

	must(!s->current);
	event_del(s->timer);
	s->restart = false;
	supervisor_set_state(s, SENSOR_STARTING);
	c->change = (struct change){.stage = start_stage,
	    .done = start_done, .drop = start_drop};
	c->s = s;
	turn_add(&s->fleet->ctx->turn, &c->change);
}

/* event_callback_fn: the backoff is over. */
static void
timer_cb(evutil_socket_t fd, short events, void *arg)
{
	struct supervisor *s = arg;

	(void)fd;
	(void)events;
	if (s->state == SENSOR_BACKING_OFF)
		supervisor_start(s);
}

struct supervisor *
supervisor_new(struct fleet *fleet, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));

	s->fleet = fleet;
	s->catalog = catalog_ref(catalog);
	s->meta = meta;
	s->number = registry_sensor(fleet->ctx->store, meta->ref);
	s->state = SENSOR_STOPPED;
	s->timer = event_new(fleet->ctx->base, -1, 0, timer_cb, s);
	must(s->timer);
	return s;
}

void
supervisor_free(struct supervisor **sp)
{
	struct supervisor *s = *sp;

	*sp = NULL;
	if (s->current)
		s->current->owner = NULL;
	child_unref(&s->current);
	handover_release(s);
	event_free(s->timer);
	catalog_unref(&s->catalog);
	free(s->last_error);
	free(s->last_traceback);
	free(s);
}

/* Logs how it ended and arranges the next start. */
static void
start_later(struct supervisor *s, const char *what, const char *traceback)
{
	const struct sensor_log log = supervisor_log_of(s);
	int64_t us = backoff_us(&s->backoff, s->meta->poll_interval);
	const struct timeval tv = {.tv_sec = us / SECOND,
	    .tv_usec = us % SECOND};

	supervisor_note_error(s, what, traceback);
	if (s->fleet->ctx->once) {
		obituary_log(&log, &s->backoff, what, traceback, -1);
		s->once_failed = true;
		supervisor_set_state(s, SENSOR_STOPPED);
		return;
	}
	obituary_log(&log, &s->backoff, what, traceback, us);
	supervisor_set_state(s, SENSOR_BACKING_OFF);
	must(event_add(s->timer, &tv) == 0);
}

/* What a worker reported before it went. */
static void
after_report(struct supervisor *s, struct child *c)
{
	const struct sensor_log log = supervisor_log_of(s);
	const char *what;
	char *said;

	switch (c->report) {
	case MSG_STATE_FINISHED:
		obituary_log_why(&log, LOG_INFO, "finished", c->details);
		supervisor_set_state(s, SENSOR_FINISHED);
		break;
	case MSG_STATE_REJECTED:
		obituary_log_why(&log, LOG_ERROR, "rejected", c->details);
		what = json_string_value(json_object_get(c->details, "why"));
		supervisor_note_error(s, what ? what : "rejected", NULL);
		s->refused = true;
		supervisor_set_state(s, SENSOR_REJECTED);
		break;
	case MSG_STATE_ONCE:
		s->once_failed = json_is_true(json_object_get(c->details,
		    "failed")) || json_object_get(c->details, "cleanup_error");
		supervisor_set_state(s, SENSOR_FINISHED);
		break;
	case MSG_STATE_STOPPED:
		supervisor_set_state(s, SENSOR_STOPPED);
		break;
	default:
		said = obituary_of_report(c);
		start_later(s, said, json_string_value(
		    json_object_get(c->details, "traceback")));
		free(said);
	}
}

/* The worker went: what now? */
static void
after_end(struct supervisor *s, struct child *c)
{
	char *what;

	if (s->state == SENSOR_STOPPING && c->report != MSG_STATE_REJECTED) {
		if (!c->reported || c->report == MSG_STATE_FAILED) {
			what = c->reported ? obituary_of_report(c) :
			    child_obituary(c);
			child_log(c, LOG_WARNING, "stopped without an "
			    "orderly end: %s", what);
			free(what);
		}
		supervisor_set_state(s, SENSOR_STOPPED);
	} else if (c->reported) {
		after_report(s, c);
	} else {
		what = child_obituary(c);
		start_later(s, what, NULL);
		free(what);
	}
	if (s->restart)
		supervisor_start(s);
}

void
supervisor_gone(struct child *c)
{
	struct supervisor *s = c->owner;

	c->owner = NULL;
	if (c->overran) {
		s->interpreted = true;
		memcpy(s->overran, c->meta->digest, DIGEST_BYTES);
	} else if (c == s->current && backoff_is_well(&s->backoff)) {
		s->interpreted = false;
	}
	if (c == s->handover.incoming) {
		handover_incoming_gone(s);
		return;
	}
	must(c == s->current);
	s->current = NULL;
	if (handover_current_gone(s, c))
		; /* the handover goes on without it */
	else
		after_end(s, c);
	obituary_log_cleanup(c);
	child_unref(&c);
}

void
supervisor_stop(struct supervisor *s, const char *reason)
{
	int64_t half = s->fleet->ctx->config->stop_timeout_us / 2;

	handover_abandon(s);
	s->restart = false;
	if (supervisor_settled(s) || s->state == SENSOR_STOPPING)
		return;
	event_del(s->timer);
	if (!s->current) {
		/* A start under way ends in start_done. */
		supervisor_set_state(s, s->state == SENSOR_STARTING ?
		    SENSOR_STOPPING : SENSOR_STOPPED);
		return;
	}
	supervisor_set_state(s, SENSOR_STOPPING);
	child_stop(s->current, reason, half, half);
}

void
supervisor_restart(struct supervisor *s, const char *reason)
{
	s->backoff.failures = 0;
	s->refused = false;
	if (s->current || s->state == SENSOR_STOPPING) {
		supervisor_stop(s, reason);
		s->restart = true;
	} else if (s->state != SENSOR_STARTING) {
		supervisor_start(s);
	}
}

void
supervisor_reload(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta)
{
	if (s->state == SENSOR_RUNNING && s->meta->reload == RELOAD_HANDOVER &&
	    meta->reload == RELOAD_HANDOVER) {
		/* One that still loads is older than this one. */
		handover_abandon(s);
		handover_begin(s, catalog, meta);
		return;
	}
	supervisor_take(s, catalog, meta);
	supervisor_restart(s, "reload");
}
