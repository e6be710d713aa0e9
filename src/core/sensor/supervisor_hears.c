/*
 * What a supervisor hears of its workers, the current one and that of a new
 * version, translated into events of the machine. Called by core/child/. It
 * must believe a worker nothing but what concerns that worker.
 */
#include "core/sensor/supervisor_private.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "core/sensor/obituary.h"
#include "core/state/context.h"
#include "pack/pack.h"

/* What self:reject() was given; NULL: it was not called. */
static const char *
rejection(const struct child *c, const json_t *details)
{
	if (json_object_get(details, "error") ||
	    (c->reported && c->report != MSG_STATE_REJECTED))
		return NULL;
	return json_string_value(json_object_get(details, "why"));
}

/* Keeps how a worker ended for what is told of it, until forget(). */
static void
note_end(struct supervisor *s, struct child *c, const json_t *details)
{
	const char *why = rejection(c, details);

	s->ended = c;
	s->rejects = why != NULL;
	s->why = why ? xstrdup(why) : c->reported ? obituary_of_report(c) :
	    child_obituary(c);
	s->traceback = json_string_value(json_object_get(details,
	    "traceback"));
}

/* The event has been handled. */
static void
forget(struct supervisor *s)
{
	free(s->why);
	s->why = NULL;
	s->traceback = NULL;
	s->ended = NULL;
}

/* child_ops.loaded */
static void
on_loaded(struct child *c)
{
	struct supervisor *s = c->owner;

	supervisor_event(s, c == s->incoming ? EVENT_NEW_LOADED :
	    EVENT_LOADED);
}

/* child_ops.running */
static void
on_running(struct child *c)
{
	struct supervisor *s = c->owner;

	if (c == s->incoming) {
		child_bad(c, "it runs before its setup is on disk");
		return;
	}
	s->backoff.running_since = clock_mono_us();
	s->started = clock_unix_us();
	s->next_poll = 0;
	supervisor_event(s, EVENT_RUNS);
}

/* Microseconds of a worker's seconds, which may be any number. */
static int64_t
us_of(const json_t *details, const char *key)
{
	double s = json_number_value(json_object_get(details, key));

	return (int64_t)(1e6 * fmax(0, fmin(s, 1e11)));
}

/* How many polls have failed in a row, which a worker may say wrongly. */
static void
note_streak(struct supervisor *s, const json_t *details)
{
	json_int_t streak = json_integer_value(json_object_get(details,
	    "streak"));
	bool failing = json_is_true(json_object_get(details, "failing"));

	if (failing && (!s->failing || streak <= 1))
		s->polls_failing_since = clock_unix_us();
	s->failing = failing;
	s->failed_polls = streak < 1 ? 1 : streak > INT_MAX ? INT_MAX :
	    (unsigned)streak;
}

/* child_ops.polled */
static void
on_polled(struct child *c, const json_t *details)
{
	struct supervisor *s = c->owner;
	const char *error = json_string_value(json_object_get(details,
	    "error"));

	note_streak(s, details);
	s->next_poll = us_of(details, "next");
	s->poll_every = us_of(details, "every");
	s->skipped += (uint64_t)json_integer_value(json_object_get(details,
	    "skipped"));
	if (s->failing && error)
		supervisor_note_error(s, error, NULL);
}

/* child_ops.quiet */
static void
on_quiet(struct child *c)
{
	struct supervisor *s = c->owner;

	if (c == s->current)
		supervisor_event(s, EVENT_QUIET);
}

/* child_ops.setup_unit */
static bool
on_setup_unit(struct child *c, uint32_t id, const void *body, size_t len)
{
	struct supervisor *s = c->owner;

	if (c != s->incoming)
		return false;
	if (s->machine.state != STATE_NEW_SETTING_UP) {
		child_bad(c, "a second unit of setup");
		return true;
	}
	s->held_id = id;
	s->held.len = 0;
	buf_put(&s->held, body, len);
	supervisor_event(s, EVENT_NEW_SET_UP);
	return true;
}

/* child_ops.cleanup_unit: of a new version whose setup has failed. */
static bool
on_cleanup_unit(struct child *c)
{
	const struct supervisor *s = c->owner;

	return c == s->incoming &&
	    s->machine.state == STATE_NEW_SETTING_UP;
}

/* child_ops.rejects: it will reject itself, and says so at once. */
static void
on_rejects(struct child *c, const json_t *details)
{
	struct supervisor *s = c->owner;

	if (c != s->incoming)
		return;
	note_end(s, c, details);
	supervisor_event(s, EVENT_NEW_REJECTED);
	forget(s);
}

/* child_ops.reported: a new version that failed is given up at once. */
static void
on_reported(struct child *c)
{
	struct supervisor *s = c->owner;

	if (c != s->incoming)
		return;
	note_end(s, c, c->details);
	supervisor_event(s, c->report == MSG_STATE_REJECTED ?
	    EVENT_NEW_REJECTED : EVENT_NEW_FAILED);
	forget(s);
	if (!c->owner)
		obituary_log_cleanup(c);
}

/* What the end of the current worker is to the machine. */
static enum machine_event
ending_of(const struct child *c)
{
	if (!c->reported)
		return EVENT_FAILED;
	switch (c->report) {
	case MSG_STATE_FINISHED:
	case MSG_STATE_ONCE:
		return EVENT_FINISHED;
	case MSG_STATE_REJECTED:
		return EVENT_REJECTED;
	case MSG_STATE_STOPPED:
		return EVENT_STOPPED;
	default:
		return EVENT_FAILED;
	}
}

void
supervisor_lost(struct supervisor *s, struct child *c)
{
	note_end(s, c, c->details);
	supervisor_event(s, ending_of(c));
	forget(s);
	obituary_log_cleanup(c);
	child_unref(&c);
}

/* child_ops.gone */
static void
on_gone(struct child *c)
{
	struct supervisor *s = c->owner;

	c->owner = NULL;
	if (c->overran) {
		s->interpreted = true;
		memcpy(s->overran, c->meta->digest, DIGEST_BYTES);
	} else if (c == s->current && backoff_is_well(&s->backoff)) {
		s->interpreted = false;
	}
	if (c == s->current) {
		s->current = NULL;
		supervisor_lost(s, c);
		return;
	}
	note_end(s, c, c->details);
	supervisor_event(s, EVENT_NEW_FAILED);
	forget(s);
}

const struct child_ops supervisor_hears = {
	.loaded = on_loaded,
	.running = on_running,
	.polled = on_polled,
	.quiet = on_quiet,
	.setup_unit = on_setup_unit,
	.cleanup_unit = on_cleanup_unit,
	.rejects = on_rejects,
	.reported = on_reported,
	.gone = on_gone,
};
