/*
 * The supervisor of one sensor, as others see it: what may be asked of it,
 * and what it says of itself. Called by the fleet, the reload and the API.
 * It knows whether there is anything to reload; what becomes of that, and of
 * any other event, is decided by its machine, never here.
 */
#include "core/sensor/supervisor.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/sensor/supervisor_private.h"
#include "core/state/context.h"
#include "pack/pack.h"
#include "store/registry.h"

#define SECOND INT64_C(1000000)

void
supervisor_event(struct supervisor *s, enum machine_event event)
{
	sensor_machine_event(&s->machine, event);
}

bool
supervisor_awaits_new(const struct supervisor *s)
{
	return s->machine.state == STATE_NEW_LOADING ||
	    s->machine.state == STATE_NEW_SETTING_UP;
}

/*
 * True if what the state waits for is not the sensor's to do: a unit of it
 * waits for room on the disk, or the spawner, which has a deadline of its
 * own, has not made its worker yet.
 */
static bool
is_held_up(const struct supervisor *s)
{
	const struct child *c = supervisor_awaits_new(s) ? s->incoming :
	    s->current;

	return c && (c->birth || (c->units_waiting > 0 &&
	    s->fleet->ctx->short_of_room));
}

/* event_callback_fn: the state has lasted as long as it may. */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	struct supervisor *s = arg;
	const struct timeval again = {.tv_sec = s->deadline_us / SECOND,
	    .tv_usec = s->deadline_us % SECOND};

	(void)fd;
	(void)events;
	if (is_held_up(s))
		must(event_add(s->timer, &again) == 0);
	else
		supervisor_event(s, EVENT_DEADLINE);
}

struct supervisor *
supervisor_new(struct fleet *fleet, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));

	s->fleet = fleet;
	s->number = registry_sensor(fleet->ctx->store, meta->ref);
	sensor_machine_init(&s->machine, &supervisor_acts, s, catalog, meta);
	s->machine.once = fleet->ctx->once;
	s->timer = event_new(fleet->ctx->base, -1, 0, deadline_cb, s);
	must(s->timer);
	return s;
}

/* Lets go of a worker that may still be there: core ends. */
static void
let_go(struct child **c)
{
	if (*c)
		(*c)->owner = NULL;
	child_unref(c);
}

void
supervisor_free(struct supervisor **sp)
{
	struct supervisor *s = *sp;

	*sp = NULL;
	let_go(&s->current);
	let_go(&s->incoming);
	sensor_machine_release(&s->machine);
	event_free(s->timer);
	buf_release(&s->held);
	free(s->why);
	free(s->last_error);
	free(s->last_traceback);
	free(s);
}

void
supervisor_start(struct supervisor *s)
{
	supervisor_event(s, EVENT_ENABLE);
}

void
supervisor_stop(struct supervisor *s, const char *reason)
{
	s->reason = reason;
	supervisor_event(s, EVENT_STOP);
}

void
supervisor_restart(struct supervisor *s, const char *reason)
{
	s->backoff.failures = 0;
	s->reason = reason;
	supervisor_event(s, EVENT_RESTART);
}

/* True if the worker, if there is one, is bound to what it would be now. */
static bool
has_bounds(const struct child *c, const struct sensor_meta *meta)
{
	const struct bounds now = bounds_of(c->ctx, meta);

	return bounds_equal(&c->bounds, &now);
}

/* True if the version is what meta says, and its worker bound as it is. */
static bool
is_same(const struct version *v, const struct child *c,
    const struct sensor_meta *meta)
{
	return v->meta && memcmp(v->meta->digest, meta->digest,
	    DIGEST_BYTES) == 0 && (!c || has_bounds(c, meta));
}

/* The same version in a newer catalog, for its worker too. */
static void
renew(struct version *v, struct child *c, struct catalog *catalog,
    struct sensor_meta *meta)
{
	version_renew(v, catalog, meta);
	if (c && memcmp(c->meta->digest, meta->digest, DIGEST_BYTES) == 0)
		child_take(c, catalog, meta);
}

bool
supervisor_reload(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct versions *v = &s->machine.versions;

	if (is_same(&v->offered, s->incoming, meta)) {
		renew(&v->offered, s->incoming, catalog, meta);
		return true;
	}
	if (is_same(&v->accepted, s->current, meta)) {
		renew(&v->accepted, s->current, catalog, meta);
		if (v->offered.meta)
			supervisor_log(s, LOG_INFO, "the change was taken "
			    "back; the running version goes on");
		if (v->offered.meta)
			supervisor_event(s, EVENT_TAKE_BACK);
		return false;
	}
	s->backoff.failures = 0;
	s->reason = "reload";
	sensor_machine_reload(&s->machine, catalog, meta);
	return true;
}

void
supervisor_adopt(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta)
{
	struct versions *v = &s->machine.versions;

	if (memcmp(v->accepted.meta->digest, meta->digest,
	    DIGEST_BYTES) == 0) {
		renew(&v->accepted, s->current, catalog, meta);
		return;
	}
	sensor_machine_adopt(&s->machine, catalog, meta);
}

const struct sensor_meta *
supervisor_meta(const struct supervisor *s)
{
	return s->machine.versions.accepted.meta;
}

enum sensor_status
supervisor_status(const struct supervisor *s)
{
	return machine_state_status(s->machine.state);
}

bool
supervisor_settled(const struct supervisor *s)
{
	return machine_state_settled(s->machine.state);
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

struct sensor_log
supervisor_log_of(const struct supervisor *s)
{
	return (struct sensor_log){s->fleet->ctx, supervisor_meta(s),
	    s->generation};
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
