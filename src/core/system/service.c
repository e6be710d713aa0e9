/*
 * Core's side of a service manager. Called by the roles, the reload, the stop
 * and a timer of its own. It must never claim a health that it did not see.
 */
#include "core/system/service.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/core.h"
#include "core/system/notify.h"

#define SECOND INT64_C(1000000)
#define STATUS_MAX 512
/* Beyond setup_timeout and stop_timeout: for the processes, the commits. */
#define SLACK (20 * SECOND)
#define EXTEND (5 * SECOND)
/* An idle host commits once a second. */
#define UPKEEP (3 * SECOND)

struct service {
	struct core *core;
	struct notify notify;
	struct event *tick; /* NULL: nobody is told anything */
	int64_t began;           /* monotonic */
	bool ready;
	bool reloading;
	int64_t stopping_since;  /* monotonic; 0: it does not */
	char status[STATUS_MAX]; /* the last one told */
};

/* The states that are worth a word beside those that run. */
static const enum sensor_status notable[] = {
	STATUS_STARTING, STATUS_QUIETED, STATUS_BACKING_OFF,
	STATUS_STOPPING, STATUS_REJECTED, STATUS_FINISHED,
};

/* Appends how the sensors do. */
static void
put_counts(const struct core *core, struct buf *text)
{
	unsigned counts[SENSOR_STATUSES] = {0}, all = 0, failing = 0;
	const struct supervisor *s;
	size_t i;

	TAILQ_FOREACH(s, &core->fleet.all, link) {
		counts[supervisor_status(s)]++;
		failing += s->failing;
		all++;
	}
	buf_printf(text, "%u of %u sensor%s run", counts[STATUS_RUNNING],
	    all, all == 1 ? "" : "s");
	if (failing > 0)
		buf_printf(text, ", %u of them failing", failing);
	for (i = 0; i < sizeof(notable) / sizeof(notable[0]); i++)
		if (counts[notable[i]] > 0)
			buf_printf(text, ", %u %s", counts[notable[i]],
			    sensor_status_name(notable[i]));
}

/* Tells how the host does, if that is news. */
static void
tell_status(struct service *s)
{
	const char *what = s->stopping_since ? "stopping: " :
	    s->reloading ? "reloading: " : s->ready ? "" : "starting: ";
	struct buf text = {0};
	char *words, *at;

	buf_puts(&text, what);
	put_counts(s->core, &text);
	if (s->core->ctx.short_of_room)
		buf_printf(&text, "; waits for room: %.200s",
		    s->core->ctx.short_of_room);
	words = buf_cstr(&text);
	for (at = words; *at; at++)
		if (*at == '\n')
			*at = ' '; /* an assignment is a line */
	if (strncmp(words, s->status, STATUS_MAX - 1) != 0) {
		snprintf(s->status, STATUS_MAX, "%s", words);
		notify_send(&s->notify, false, "STATUS=%s", s->status);
	}
	buf_release(&text);
}

/* True if all that must go on has gone on lately. */
static bool
is_healthy(const struct service *s)
{
	const struct core *core = s->core;
	int64_t interval = s->notify.watchdog_us;
	int64_t since = clock_mono_us() - (interval > UPKEEP ? interval :
	    UPKEEP);

	return core->watchdog.ticked_us > since &&
	    (core->ctx.turn.committed_us > since || core->ctx.short_of_room);
}

/* While sensors start or stop, and not for ever: asks for more time. */
static void
extend(const struct service *s)
{
	const struct host_config *h = s->core->ctx.config;
	int64_t since = s->stopping_since ? s->stopping_since : s->began;
	int64_t most = s->stopping_since ? h->stop_timeout_us :
	    h->setup_timeout_us;

	if ((s->stopping_since || !s->ready) &&
	    clock_mono_us() - since < most + SLACK)
		notify_send(&s->notify, false, "EXTEND_TIMEOUT_USEC=%lld",
		    (long long)EXTEND);
}

/* event_callback_fn */
static void
tick_cb(evutil_socket_t fd, short events, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)events;
	tell_status(s);
	extend(s);
	if (s->notify.watchdog_us > 0 && is_healthy(s))
		notify_send(&s->notify, false, "WATCHDOG=1");
}

struct service *
service_new(struct core *core)
{
	struct service *s = xcalloc(1, sizeof(*s));
	int64_t us = SECOND;
	struct timeval tv;

	s->core = core;
	s->began = clock_mono_us();
	notify_init(&s->notify);
	if (s->notify.fd < 0)
		return s;
	if (s->notify.watchdog_us > 0 && s->notify.watchdog_us / 2 < us)
		us = s->notify.watchdog_us / 2;
	tv = (struct timeval){.tv_sec = us / SECOND, .tv_usec = us % SECOND};
	s->tick = event_new(core->ctx.base, -1, EV_PERSIST, tick_cb, s);
	must(s->tick && event_add(s->tick, &tv) == 0);
	return s;
}

void
service_free(struct service **sp)
{
	struct service *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	notify_release(&s->notify);
	if (s->tick)
		event_free(s->tick);
	free(s);
}

void
service_ready(struct service *s)
{
	s->ready = true;
	if (!s->tick)
		return;
	notify_send(&s->notify, true, "READY=1");
	tell_status(s);
}

void
service_reloading(struct service *s)
{
	if (s->reloading)
		return;
	s->reloading = true;
	if (!s->tick)
		return;
	notify_send(&s->notify, true, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_mono_us());
	tell_status(s);
}

void
service_reloaded(struct service *s)
{
	s->reloading = false;
	/* Neither before the first READY nor after STOPPING. */
	if (s->ready && !s->stopping_since)
		service_ready(s);
}

void
service_stopping(struct service *s)
{
	s->stopping_since = clock_mono_us();
	if (!s->tick)
		return;
	notify_send(&s->notify, true, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
	    (long long)EXTEND);
	tell_status(s);
}
