/*
 * What a sensor's state machine decides, done: commits, workers, deadlines.
 * Called by the machine alone. It must never decide anything.
 */
#include "core/sensor/supervisor_private.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/intake.h"
#include "core/child/pool.h"
#include "core/sensor/spec.h"
#include "core/state/context.h"
#include "pack/pack.h"
#include "store/sensor_state.h"

#define SECOND INT64_C(1000000)

/*
 * What a worker has beyond the time that it counts by itself, or that the
 * watchdog gives it.
 */
#define LOAD_SLACK (10 * SECOND)
#define SETUP_SLACK (2 * SECOND)
#define QUIET_SLACK (2 * SECOND)

/* A generation on its way to the disk. */
struct generation_change {
	struct change change;
	struct supervisor *s;
	enum machine_commit what;
	uint64_t generation;
};

/* Stages that the new worker's generation is the current one. */
static void
stage_new_current(void *arg, struct store *store)
{
	struct supervisor *s = arg;

	sensor_current_set(store, s->number, s->incoming->generation);
}

/* change_stage_fn. */
static void
generation_stage(struct change *change, struct store *store)
{
	struct generation_change *c = (struct generation_change *)change;

	if (c->what == COMMIT_PROMOTE) {
		stage_new_current(c->s, store);
		return;
	}
	c->generation = sensor_generation_allot(store, c->s->number);
	if (c->what == COMMIT_START)
		sensor_current_set(store, c->s->number, c->generation);
}

/* change_drop_fn. */
static void
generation_drop(struct change *change)
{
	free(change);
}

/* What was asked for is on disk. */
static void
committed(void *arg)
{
	struct supervisor *s = arg;
	struct child *c;

	s->commit = NULL;
	supervisor_event(s, EVENT_COMMITTED);
	c = s->current;
	if (c && c->state == CHILD_GONE) {
		/* The new worker died before this commit, which counts. */
		s->current = NULL;
		supervisor_lost(s, c);
	}
}

/* change_done_fn. */
static void
generation_done(struct change *change)
{
	struct generation_change *c = (struct generation_change *)change;
	struct supervisor *s = c->s;

	if (c->what != COMMIT_PROMOTE)
		s->allotted = c->generation;
	if (c->what == COMMIT_START)
		s->generation = c->generation;
	free(c);
	committed(s);
}

/* The change of a generation; it waits for room as units do, so that it stays
 * behind those of the worker before. */
static struct change *
generation_change(struct supervisor *s, enum machine_commit what)
{
	struct generation_change *c = xcalloc(1, sizeof(*c));

	c->change = (struct change){.stage = generation_stage,
	    .done = generation_done, .drop = generation_drop,
	    .size = sizeof(*c), .takes_in = true};
	c->s = s;
	c->what = what;
	return &c->change;
}

/* ops.commit */
static void
act_commit(void *arg, enum machine_commit what)
{
	struct supervisor *s = arg;

	must(!s->commit);
	s->commit = what == COMMIT_FLIP ? intake_held_unit(s->incoming,
	    s->held_id, s->held.data, s->held.len, stage_new_current,
	    committed, s) : generation_change(s, what);
	turn_add(&s->fleet->ctx->turn, s->commit);
}

/* ops.withdraw */
static void
act_withdraw(void *arg)
{
	struct supervisor *s = arg;

	must(s->commit);
	turn_withdraw(&s->fleet->ctx->turn, s->commit);
	s->commit = NULL;
}

/* Makes a worker of a version. */
static struct child *
spawn(struct supervisor *s, const struct version *v)
{
	const struct fleet *fleet = s->fleet;
	const bool interpreted = s->interpreted && memcmp(s->overran,
	    v->meta->digest, DIGEST_BYTES) == 0;
	const struct spec_start start = {s->number, interpreted,
	    s->first_delay};
	struct child *c;

	s->first_delay = 0;
	c = pool_spawn(fleet->pool, v->catalog, v->meta, s->number,
	    s->allotted, spec_make(fleet->ctx, fleet->declared, v->meta,
	    &start), &supervisor_hears, s);
	c->interpreted = interpreted;
	return c;
}

/* ops.spawn */
static void
act_spawn(void *arg, enum machine_worker w)
{
	struct supervisor *s = arg;

	if (w == WORKER_CURRENT)
		s->current = spawn(s, &s->machine.versions.accepted);
	else
		s->incoming = spawn(s, &s->machine.versions.offered);
}

/* ops.set_up */
static void
act_set_up(void *arg, enum machine_worker w)
{
	struct supervisor *s = arg;

	s->held.len = 0;
	child_start(w == WORKER_CURRENT ? s->current : s->incoming);
}

/* ops.kill */
static void
act_kill(void *arg, enum machine_worker w)
{
	struct supervisor *s = arg;

	child_kill(w == WORKER_CURRENT ? s->current : s->incoming,
	    s->deadline_why);
}

/* ops.quiet */
static void
act_quiet(void *arg)
{
	struct supervisor *s = arg;

	child_quiet(s->current, s->fleet->ctx->config->stop_timeout_us);
}

/* ops.resume */
static void
act_resume(void *arg)
{
	struct supervisor *s = arg;

	child_resume(s->current);
}

/* ops.stop */
static void
act_stop(void *arg, bool quieted)
{
	struct supervisor *s = arg;
	int64_t half = s->fleet->ctx->config->stop_timeout_us / 2;

	child_stop(s->current, quieted ? "reload" : s->reason,
	    quieted ? 0 : half, half);
}

/* ops.discard */
static void
act_discard(void *arg)
{
	struct supervisor *s = arg;

	s->incoming->owner = NULL;
	if (s->incoming->state != CHILD_GONE)
		child_kill(s->incoming, "its version is not taken in");
	child_unref(&s->incoming);
}

/* ops.swap */
static void
act_swap(void *arg)
{
	struct supervisor *s = arg;

	must(!s->current);
	s->current = s->incoming;
	s->incoming = NULL;
	s->generation = s->current->generation;
	s->backoff.failures = 0;
}

/* ops.hands_over */
static bool
act_hands_over(void *arg)
{
	const struct versions *v = &((struct supervisor *)arg)->
	    machine.versions;

	return v->accepted.meta->reload == RELOAD_HANDOVER &&
	    v->offered.meta->reload == RELOAD_HANDOVER;
}

/* How long the state may last, and what is said when it has; 0: for ever. */
static int64_t
deadline_of(const struct supervisor *s, const char **why)
{
	const struct context *ctx = s->fleet->ctx;

	switch (s->machine.state) {
	case STATE_LOADING:
		*why = "its file did not load in time";
		return child_slice_us(s->current) + LOAD_SLACK;
	case STATE_NEW_LOADING:
		*why = "its file did not load in time";
		return child_slice_us(s->incoming) + LOAD_SLACK;
	case STATE_SETTING_UP:
	case STATE_NEW_SETTING_UP:
		*why = "setup did not end within setup_timeout";
		return ctx->config->setup_timeout_us + SETUP_SLACK;
	case STATE_TAKING_OVER:
		*why = "it did not run after its setup";
		return ctx->config->setup_timeout_us + SETUP_SLACK;
	case STATE_QUIETING:
		*why = "did not become quiet within stop_timeout";
		return ctx->config->stop_timeout_us +
		    child_slice_us(s->current) + QUIET_SLACK;
	case STATE_BACKING_OFF:
		*why = NULL;
		return s->backoff.delay_us;
	default:
		/* child_stop() has one of its own; a commit that finds no
		 * room waits, until it is withdrawn. */
		return 0;
	}
}

/* ops.entered */
static void
act_entered(void *arg)
{
	struct supervisor *s = arg;
	const struct fleet *fleet = s->fleet;

	s->deadline_us = deadline_of(s, &s->deadline_why);
	event_del(s->timer);
	if (s->deadline_us > 0) {
		const struct timeval tv = {.tv_sec = s->deadline_us / SECOND,
		    .tv_usec = s->deadline_us % SECOND};

		must(event_add(s->timer, &tv) == 0);
	}
	if (supervisor_status(s) != STATUS_RUNNING)
		s->failing = false;
	supervisor_log(s, LOG_DEBUG, "%s",
	    machine_state_name(s->machine.state));
	fleet->ops->changed(fleet->arg, s);
	if (supervisor_settled(s))
		fleet->ops->settled(fleet->arg, s);
}

const struct machine_ops supervisor_acts = {
	.commit = act_commit,
	.withdraw = act_withdraw,
	.spawn = act_spawn,
	.set_up = act_set_up,
	.kill = act_kill,
	.quiet = act_quiet,
	.resume = act_resume,
	.stop = act_stop,
	.discard = act_discard,
	.swap = act_swap,
	.hands_over = act_hands_over,
	.tell = supervisor_tell,
	.entered = act_entered,
};
