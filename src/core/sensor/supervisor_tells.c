/*
 * What is said of a sensor's decisions: in its log, in its status, and to
 * the reload that waits for it. Called by the machine before it does what it
 * has decided. Nothing here decides anything.
 */
#include "core/sensor/supervisor_private.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "core/sensor/obituary.h"
#include "core/state/context.h"
#include "pack/pack.h"

/* The current worker failed: it starts again later, or that is the end. */
static void
tell_failed(struct supervisor *s)
{
	const struct sensor_log log = supervisor_log_of(s);
	int64_t us = backoff_us(&s->backoff,
	    supervisor_meta(s)->poll_interval);

	supervisor_note_error(s, s->why, s->traceback);
	s->once_failed = s->machine.once;
	obituary_log(&log, &s->backoff, s->why, s->traceback,
	    s->machine.once ? -1 : us);
}

static void
tell_finished(struct supervisor *s)
{
	const struct sensor_log log = supervisor_log_of(s);
	const struct child *c = s->ended;

	if (c->report == MSG_STATE_ONCE)
		s->once_failed = json_is_true(json_object_get(c->details,
		    "failed")) || json_object_get(c->details, "cleanup_error");
	else
		obituary_log_why(&log, LOG_INFO, "finished", c->details);
}

static void
tell_rejected(struct supervisor *s)
{
	const struct sensor_log log = supervisor_log_of(s);
	const char *why = json_string_value(json_object_get(s->ended->details,
	    "why"));

	obituary_log_why(&log, LOG_ERROR, "rejected", s->ended->details);
	supervisor_note_error(s, why ? why : "rejected", NULL);
}

/* Asked to stop: worth a word if it did not do so by itself. */
static void
tell_stopped(const struct supervisor *s)
{
	const struct child *c = s->ended;

	if (c->reported && c->report != MSG_STATE_FAILED)
		return;
	if (c->units_waiting > 0 && s->fleet->ctx->short_of_room)
		child_log(c, LOG_WARNING, "stopped without an orderly end: "
		    "its last unit has waited for room on the disk");
	else
		child_log(c, LOG_WARNING, "stopped without an orderly end: %s",
		    s->why);
}

/* The worker of the version before is gone: as it was to, or not. */
static void
tell_old_ended(struct supervisor *s)
{
	const struct child *c = s->ended;

	if (c->reported && c->report == MSG_STATE_STOPPED)
		return;
	child_log(c, LOG_WARNING, "the version before the reload ended: %s",
	    s->why);
	supervisor_note_error(s, s->why, s->traceback);
}

/* A new version failed; how is what that leads to. */
static void
tell_refused(struct supervisor *s, const char *how)
{
	const bool was_quiet = s->machine.state == STATE_NEW_SETTING_UP;
	const char *word = s->rejects ? "rejected: " : "";
	const struct fleet *fleet = s->fleet;
	char *said = xasprintf("reload failed: %s%s", word, s->why);

	supervisor_log(s, LOG_ERROR, "reload failed, %s: %s%s%s%s%s%s", how,
	    word, s->why, was_quiet ? "; if it holds what only one may hold, "
	    "say \"reload: restart\" in " : "",
	    was_quiet ? supervisor_meta(s)->metadata_file : "",
	    s->traceback ? "\n" : "", s->traceback ? s->traceback : "");
	supervisor_note_error(s, said, s->traceback);
	free(said);
	fleet->ops->refused(fleet->arg, s, s->why);
}

static void
tell_dropped(struct supervisor *s)
{
	static const char why[] = "it was stopped or restarted before its new "
	    "version had loaded; reload again to take that in";
	const struct fleet *fleet = s->fleet;

	if (fleet->stopping)
		return;
	supervisor_log(s, LOG_WARNING, "not reloaded: %s", why);
	fleet->ops->refused(fleet->arg, s, why);
}

static void
tell_reloaded(const struct supervisor *s)
{
	const struct child *c = s->incoming ? s->incoming : s->current;

	child_log(c, LOG_INFO, "reloaded (generation %llu)",
	    (unsigned long long)c->generation);
}

void
supervisor_tell(void *arg, enum machine_note note)
{
	struct supervisor *s = arg;

	switch (note) {
	case NOTE_FAILED:
		tell_failed(s);
		break;
	case NOTE_FINISHED:
		tell_finished(s);
		break;
	case NOTE_REJECTED:
		tell_rejected(s);
		break;
	case NOTE_STOPPED:
		tell_stopped(s);
		break;
	case NOTE_OLD_ENDED:
		tell_old_ended(s);
		break;
	case NOTE_KEPT:
		tell_refused(s, "the running version goes on");
		break;
	case NOTE_RETURNED:
		tell_refused(s, s->machine.versions.last_good.done ?
		    "the version before it has finished" :
		    "the version before it is started again");
		break;
	case NOTE_DROPPED:
		tell_dropped(s);
		break;
	case NOTE_RELOADED:
		tell_reloaded(s);
		break;
	case NOTE_NONE:
		break;
	}
}
