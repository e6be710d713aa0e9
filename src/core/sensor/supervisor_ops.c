/*
 * What a supervisor hears of its workers, the one that runs and the one that
 * is to take over at a reload. Called by pool.c and child_messages.c. It
 * must take the new one for no more than that until the handover is done.
 */
#include "core/sensor/supervisor_private.h"

#include <limits.h>
#include <math.h>

#include "base/clock.h"
#include "core/state/context.h"

/* Core's own bound behind the worker's: setup that cannot be interrupted. */
#define SETUP_SLACK INT64_C(2000000)

void
supervisor_set_up(struct supervisor *s, struct child *c)
{
	child_start(c);
	child_set_deadline(c, s->fleet->ctx->config->setup_timeout_us +
	    SETUP_SLACK, "setup did not end within setup_timeout");
}

/* child_ops.loaded. */
static void
on_loaded(struct child *c)
{
	struct supervisor *s = c->owner;

	if (c == s->handover.incoming) {
		handover_loaded(s);
		return;
	}
	supervisor_set_up(s, c);
}

/* child_ops.running. */
static void
on_running(struct child *c)
{
	struct supervisor *s = c->owner;

	if (c == s->handover.incoming) {
		child_bad(c, "it runs before its setup is on disk");
		return;
	}
	if (s->state == SENSOR_STOPPING)
		return;
	child_clear_deadline(c);
	s->backoff.running_since = clock_mono_us();
	s->started = clock_unix_us();
	s->next_poll = 0;
	supervisor_set_state(s, SENSOR_RUNNING);
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

/* child_ops.polled. */
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

/* child_ops.quiet. */
static void
on_quiet(struct child *c)
{
	handover_quiet(c->owner);
}

/* child_ops.setup_unit. */
static bool
on_setup_unit(struct child *c, uint32_t id, const void *body, size_t len)
{
	struct supervisor *s = c->owner;

	if (c != s->handover.incoming)
		return false;
	handover_setup_unit(s, id, body, len);
	return true;
}

/* child_ops.cleanup_unit: of a new version whose setup has failed. */
static bool
on_cleanup_unit(struct child *c)
{
	struct supervisor *s = c->owner;

	return c == s->handover.incoming && handover_discards(s);
}

/* child_ops.reported. */
static void
on_reported(struct child *c)
{
	struct supervisor *s = c->owner;

	if (c == s->handover.incoming)
		handover_incoming_failed(s);
}

const struct child_ops supervisor_child_ops = {
	.loaded = on_loaded,
	.running = on_running,
	.polled = on_polled,
	.quiet = on_quiet,
	.setup_unit = on_setup_unit,
	.cleanup_unit = on_cleanup_unit,
	.reported = on_reported,
	.gone = supervisor_gone,
};
