/*
 * The words for how a sensor's worker ended. Called by the supervisor, whose
 * machine decides what is done about it; it must never decide.
 */
#include "core/sensor/obituary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "core/child/child.h"
#include "core/sensor/backoff.h"

/* A member of details as text; fallback if it is none. */
static const char *
text_of(const json_t *details, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(details, key));

	return text ? text : fallback;
}

/* ", unit undone (2 dispatches, 1 value)", or nothing. */
static void
undone_text(const json_t *details, char *out, size_t size)
{
	const json_t *undone = json_object_get(details, "undone");
	json_int_t dispatches = json_integer_value(
	    json_object_get(undone, "dispatches"));
	json_int_t values = json_integer_value(
	    json_object_get(undone, "values"));

	*out = '\0';
	if (dispatches || values)
		snprintf(out, size, ", unit undone (%lld dispatch%s, %lld "
		    "value%s)", (long long)dispatches,
		    dispatches == 1 ? "" : "es", (long long)values,
		    values == 1 ? "" : "s");
}

/* That run came to its end, so many seconds after it began. */
static char *
returned_text(double seconds)
{
	char after[32] = "at once";

	if (seconds >= 0.001)
		snprintf(after, sizeof(after), "after %.3g s", seconds);
	return xasprintf("run() returned %s; call self:finish() if it is done",
	    after);
}

char *
obituary_of_report(const struct child *c)
{
	char undone[96];

	if (c->report == MSG_STATE_RETURNED)
		return returned_text(json_number_value(json_object_get(
		    c->details, "after")));
	if (!json_object_get(c->details, "error") &&
	    (c->report == MSG_STATE_FINISHED ||
	    c->report == MSG_STATE_REJECTED))
		return xasprintf("%s: %s", msg_state_name(c->report),
		    text_of(c->details, "why", "no reason was given"));
	undone_text(c->details, undone, sizeof(undone));
	return xasprintf("failed in %s%s: %s",
	    text_of(c->details, "entry", "?"), undone,
	    text_of(c->details, "error", "no error was given"));
}

void
obituary_log(const struct sensor_log *l, const struct backoff *b,
    const char *what, const char *traceback, int64_t us)
{
	char since[CLOCK_TEXT], again[160] = "";
	size_t head = strcspn(what, "\n");

	if (us >= 0) {
		clock_rfc3339(b->failing_since, since);
		snprintf(again, sizeof(again), "; starts again in %.3g s "
		    "(%u%s time since %.19sZ)", (double)us / 1e6, b->failures,
		    units_ordinal(b->failures), since);
	}
	sensor_log(l, LOG_ERROR, "%.*s%s%s%s%s", (int)head, what, again,
	    what + head, traceback && *traceback ? "\n" : "",
	    traceback ? traceback : "");
}

void
obituary_log_why(const struct sensor_log *l, enum log_level level,
    const char *how, const json_t *details)
{
	const char *why = text_of(details, "why", NULL);

	sensor_log(l, level, "%s%s%s", how, why ? ": " : "",
	    why ? why : "");
}

void
obituary_log_cleanup(const struct child *c)
{
	const char *error = text_of(c->details, "cleanup_error", NULL);

	if (error)
		child_log(c, LOG_ERROR, "failed in cleanup: %s", error);
}
