/*
 * Handover, step by step: load beside the old one, quiet the old one, run
 * setup of the new one with its unit withheld, let the old one clean up, then
 * one commit that writes the new generation and setup's unit. Called by
 * supervisor.c. It must never leave a sensor without a worker that runs: up
 * to the last step every failure ends with the old one going on.
 */
#include "core/sensor/supervisor_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/intake.h"
#include "core/sensor/obituary.h"
#include "core/state/context.h"
#include "pack/catalog.h"
#include "store/sensor_state.h"

/*
 * What a version that is to be quiet has beyond stop_timeout and the slice of
 * Lua that it may be in.
 */
#define QUIET_SLACK INT64_C(2000000)

/* The allotment of the incoming worker's generation. */
struct allot_change {
	struct change change;
	struct supervisor *s;
	uint64_t generation;
};

/* Forgets the handover; the incoming worker, if any, is let go of. */
static void
clear(struct supervisor *s)
{
	struct handover *h = &s->handover;

	h->step = HANDOVER_NONE;
	h->meta = NULL;
	catalog_unref(&h->catalog);
	buf_release(&h->unit);
}

/* Kills the incoming worker and lets go of it. */
static void
discard_incoming(struct supervisor *s, const char *why)
{
	struct child *c = s->handover.incoming;

	if (!c)
		return;
	s->handover.incoming = NULL;
	c->owner = NULL;
	if (c->state != CHILD_GONE)
		child_kill(c, why);
	child_unref(&c);
}

/* The new one failed: the old one goes on. */
static void
give_up(struct supervisor *s, const char *why, const char *traceback)
{
	bool both = s->current && s->handover.step == HANDOVER_SETUP;
	char *said;

	supervisor_log(s, LOG_ERROR, "reload failed, the running version "
	    "goes on: %s%s%s%s%s", why, both ? "; if it holds what only one "
	    "may hold, say \"reload: restart\" in " : "",
	    both ? s->meta->metadata_file : "",
	    traceback ? "\n" : "", traceback ? traceback : "");
	said = xasprintf("reload failed: %s", why);
	supervisor_note_error(s, said, traceback);
	free(said);
	discard_incoming(s, "its reload failed");
	if (s->current && (s->handover.step == HANDOVER_QUIETING ||
	    s->handover.step == HANDOVER_SETUP)) {
		child_clear_deadline(s->current);
		child_resume(s->current);
		supervisor_set_state(s, SENSOR_RUNNING);
	}
	clear(s);
	s->fleet->ops->handed_over(s->fleet->arg, s, why);
	if (!s->current && s->state != SENSOR_STOPPING)
		supervisor_start(s);
}

/* change_stage_fn. */
static void
allot_stage(struct change *change, struct store *store)
{
	struct allot_change *c = (struct allot_change *)change;

	c->generation = sensor_generation_allot(store, c->s->number);
}

/* change_drop_fn. */
static void
allot_drop(struct change *change)
{
	free(change);
}

/* change_done_fn: the incoming worker may be made. */
static void
allot_done(struct change *change)
{
	struct allot_change *c = (struct allot_change *)change;
	struct supervisor *s = c->s;

	if (s->handover.step == HANDOVER_LOADING && !s->handover.incoming)
		s->handover.incoming = supervisor_spawn(s,
		    s->handover.catalog, s->handover.meta, c->generation);
	free(c);
}

void
handover_begin(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct allot_change *c = xcalloc(1, sizeof(*c));

	must(s->handover.step == HANDOVER_NONE && s->current);
	s->handover.step = HANDOVER_LOADING;
	s->handover.catalog = catalog_ref(catalog);
	s->handover.meta = meta;
	c->change = (struct change){.stage = allot_stage,
	    .done = allot_done, .drop = allot_drop};
	c->s = s;
	turn_add(&s->fleet->ctx->turn, &c->change);
}

void
handover_abandon(struct supervisor *s)
{
	if (s->handover.step == HANDOVER_NONE ||
	    s->handover.step == HANDOVER_FLIPPING)
		return;
	discard_incoming(s, "it is not wanted any more");
	clear(s);
}

void
handover_release(struct supervisor *s)
{
	discard_incoming(s, "core stops");
	clear(s);
}

/* Starts the incoming worker: the old one is quiet, or gone. */
static void
start_incoming(struct supervisor *s)
{
	s->handover.step = HANDOVER_SETUP;
	supervisor_set_up(s, s->handover.incoming);
}

void
handover_loaded(struct supervisor *s)
{
	if (!s->current) {
		start_incoming(s);
		return;
	}
	s->handover.step = HANDOVER_QUIETING;
	supervisor_set_state(s, SENSOR_QUIETED);
	child_quiet(s->current, s->fleet->ctx->config->stop_timeout_us);
	child_set_deadline(s->current, s->fleet->ctx->config->stop_timeout_us +
	    child_slice_us(s->current) + QUIET_SLACK,
	    "did not become quiet within stop_timeout");
}

void
handover_quiet(struct supervisor *s)
{
	if (s->handover.step != HANDOVER_QUIETING)
		return;
	child_clear_deadline(s->current);
	start_incoming(s);
}

/* Stages the flip: the new generation, in front of setup's own unit. */
static void
flip_stage(void *arg, struct store *store)
{
	struct supervisor *s = arg;

	sensor_current_set(store, s->number, s->handover.incoming->generation);
}

/* The flip is on disk: the incoming worker is the current one. */
static void
flip_done(void *arg)
{
	struct supervisor *s = arg;
	struct child *c = s->handover.incoming;

	s->current = c;
	s->generation = c->generation;
	s->handover.incoming = NULL;
	supervisor_take(s, s->handover.catalog, s->handover.meta);
	clear(s);
	s->backoff.failures = 0;
	if (c->state == CHILD_GONE) {
		/* It died between its unit and now: what it sent counts. */
		c->owner = s;
		supervisor_child_ops.gone(c);
	} else if (s->fleet->stopping || s->state == SENSOR_STOPPED) {
		/* Stopped while the flip was on its way to the disk. */
		supervisor_set_state(s, SENSOR_RUNNING);
		supervisor_stop(s, s->fleet->stopping ? "shutdown" :
		    "disabled");
	} else {
		supervisor_set_state(s, SENSOR_STARTING);
		child_set_deadline(c, s->fleet->ctx->config->setup_timeout_us,
		    "it did not run after its setup");
		supervisor_log(s, LOG_INFO, "reloaded (generation %llu)",
		    (unsigned long long)c->generation);
	}
	s->fleet->ops->handed_over(s->fleet->arg, s, NULL);
}

/* The old one is out of the way: the flip. */
static void
flip(struct supervisor *s)
{
	struct handover *h = &s->handover;

	h->step = HANDOVER_FLIPPING;
	turn_add(&s->fleet->ctx->turn, intake_held_unit(h->incoming, h->unit_id,
	    h->unit.data, h->unit.len, flip_stage, flip_done, s));
}

void
handover_setup_unit(struct supervisor *s, uint32_t id, const void *body,
    size_t len)
{
	int64_t half = s->fleet->ctx->config->stop_timeout_us / 2;

	if (s->handover.step != HANDOVER_SETUP) {
		child_bad(s->handover.incoming, "a second unit of setup");
		return;
	}
	child_clear_deadline(s->handover.incoming);
	s->handover.unit_id = id;
	buf_put(&s->handover.unit, body, len);
	if (!s->current) {
		flip(s);
		return;
	}
	s->handover.step = HANDOVER_CLEANUP;
	child_stop(s->current, "reload", 0, half);
}

bool
handover_discards(const struct supervisor *s)
{
	return s->handover.step == HANDOVER_SETUP;
}

void
handover_incoming_failed(struct supervisor *s)
{
	struct child *c = s->handover.incoming;
	char *what;

	if (s->handover.step == HANDOVER_CLEANUP ||
	    s->handover.step == HANDOVER_FLIPPING)
		return; /* its setup is done; it is restarted after the flip */
	what = obituary_of_report(c);
	child_ref(c);
	give_up(s, what, json_string_value(json_object_get(c->details,
	    "traceback")));
	obituary_log_cleanup(c);
	child_unref(&c);
	free(what);
}

void
handover_incoming_gone(struct supervisor *s)
{
	char *what;

	if (s->handover.step == HANDOVER_CLEANUP ||
	    s->handover.step == HANDOVER_FLIPPING)
		return; /* flip_done sees that it is gone */
	what = child_obituary(s->handover.incoming);
	give_up(s, what, NULL);
	free(what);
}

bool
handover_current_gone(struct supervisor *s, struct child *c)
{
	char *what;

	if (s->handover.step == HANDOVER_NONE)
		return false;
	if (!(c->reported && c->report == MSG_STATE_STOPPED)) {
		what = c->reported ? obituary_of_report(c) :
		    child_obituary(c);
		child_log(c, LOG_WARNING, "the version before the reload "
		    "ended: %s", what);
		free(what);
	}
	if (s->handover.step == HANDOVER_QUIETING)
		start_incoming(s);
	else if (s->handover.step == HANDOVER_CLEANUP)
		flip(s);
	return true;
}
