/*
 * Reload: reads all packs anew beside the catalog that is in use, has them
 * applied, and waits until every sensor that was touched has come to
 * something. Called for SIGHUP and by the API. It must never lose a request,
 * nor let one wait for the sensors of the one before: what that still waits
 * for becomes the next one's.
 */
#include "core/reload/reload.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/ends.h"
#include "core/core.h"
#include "core/reload/reconfigure.h"
#include "core/reload/reload_apply.h"
#include "core/reload/reload_result.h"
#include "core/sensor/declared.h"
#include "core/state/catalog_options.h"
#include "core/system/service.h"
#include "pack/catalog.h"

/* Beyond the time that a stop and a setup may take. */
#define SLACK_US INT64_C(10000000)

/* Somebody who wants to know what a reload comes to. */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	uint64_t number; /* of the reload */
	host_reloaded_fn *done;
	void *arg;
};

struct reload {
	struct core *core;
	struct catalog_builder *builder; /* NULL: nothing is being read */
	struct catalog_options options;
	struct event *step;
	struct event *deadline;
	uint64_t number; /* of the last one that began */
	int64_t began_us;
	struct reload_result *going; /* its sensors; NULL: none waited for */
	struct reload_result *last;
	TAILQ_HEAD(, waiter) waiters;
	bool again; /* asked for while files were being read */
	bool cancelled;
};

/* Tells those who waited for reloads up to this one. */
static void
tell(struct reload *r, const struct host_reload *result)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&r->waiters); w; w = next) {
		next = TAILQ_NEXT(w, link);
		if (result && w->number > result->number)
			continue;
		TAILQ_REMOVE(&r->waiters, w, link);
		w->done(w->arg, result);
		free(w);
	}
}

/* Ends the reload if nothing is waited for any more. */
static void
end_if_done(struct reload *r)
{
	struct reload_result *result = r->going;
	double took;
	char *text;

	if (!result || result->waiting > 0)
		return;
	event_del(r->deadline);
	r->going = NULL;
	reload_result_free(&r->last);
	r->last = result;
	result->facts.ended_us = clock_unix_us();
	took = (double)(result->facts.ended_us - result->facts.began_us);
	text = reload_result_text(result);
	log_info("packs read again in %.3f s: %s", took / 1e6, text);
	free(text);
	tell(r, &result->facts);
	if (!r->builder)
		service_reloaded(r->core->service);
}

/* Begins to read, unless files are being read. */
static void
begin(struct reload *r)
{
	const struct timeval now = {0};

	if (r->cancelled)
		return;
	r->again = r->builder != NULL;
	if (r->again)
		return;
	r->number++;
	service_reloading(r->core->service);
	pace_restart(&r->core->pace);
	r->began_us = clock_unix_us();
	reconfigure(r->core);
	catalog_options_fill(&r->options, &r->core->ctx);
	r->builder = catalog_builder_new(&r->options);
	must(event_add(r->step, &now) == 0);
}

/* Everything is read: the new catalog is the one in use. */
static void
apply(struct reload *r)
{
	const struct host_config *h = r->core->ctx.config;
	int64_t us = h->stop_timeout_us + 2 * h->setup_timeout_us + SLACK_US;
	const struct timeval tv = {.tv_sec = us / 1000000};
	struct core *core = r->core;
	struct catalog *new = catalog_builder_finish(&r->builder);
	struct catalog *old = core->ctx.catalog;
	struct reload_result *before = r->going;

	if (before)
		reload_result_let_go(before);
	findings_log(catalog_diags(new), "reload: ");
	core->ctx.catalog = new;
	declared_check(core->fleet.declared);
	findings_gather(&core->findings, catalog_diags(new));
	r->going = reload_result_new(r->number, catalog_sensor_count(new) +
	    catalog_sensor_count(old) + fleet_count(&core->fleet),
	    &core->findings.all);
	r->going->facts.began_us = r->began_us;
	/* Held back, so that it does not end while it is being filled. */
	r->going->waiting++;
	reload_apply(core, r->going, old, new);
	ends_check(fleet_active(&core->fleet));
	r->going->waiting--;
	catalog_unref(&old);
	if (before)
		reload_result_merge(r->going, before);
	else
		must(event_add(r->deadline, &tv) == 0);
	reload_result_free(&before);
	if (r->again)
		begin(r);
	end_if_done(r);
}

/* event_callback_fn: reads one more pack. */
static void
step_cb(evutil_socket_t fd, short events, void *arg)
{
	const struct timeval now = {0};
	struct reload *r = arg;

	(void)fd;
	(void)events;
	if (catalog_builder_step(r->builder))
		must(event_add(r->step, &now) == 0);
	else
		apply(r);
}

/* Gives up on what has come to nothing for too long. */
static void
give_up(struct reload *r)
{
	size_t i;

	for (i = 0; r->going && i < r->going->facts.count; i++) {
		struct reload_item *item = &r->going->items[i];
		enum machine_state state;
		char *why;

		if (item->wait == ITEM_DONE)
			continue;
		state = item->s->machine.state;
		why = xasprintf("it is still %s%s",
		    sensor_status_name(machine_state_status(state)),
		    state == STATE_NEW_LOADING ?
		    ", its new version still loads" : "");
		reload_item_done(r->going, item, why);
		free(why);
	}
	end_if_done(r);
}

/* event_callback_fn: it takes too long. */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	give_up(arg);
}

struct reload *
reload_new(struct core *core)
{
	struct reload *r = xcalloc(1, sizeof(*r));

	r->core = core;
	TAILQ_INIT(&r->waiters);
	r->step = event_new(core->ctx.base, -1, 0, step_cb, r);
	r->deadline = event_new(core->ctx.base, -1, 0, deadline_cb, r);
	must(r->step && r->deadline);
	return r;
}

void
reload_free(struct reload **rp)
{
	struct reload *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	tell(r, NULL);
	reload_result_free(&r->going);
	reload_result_free(&r->last);
	catalog_builder_free(&r->builder);
	event_free(r->step);
	event_free(r->deadline);
	free(r);
}

void
reload_request(struct reload *r)
{
	begin(r);
}

void
reload_request_wait(struct reload *r, host_reloaded_fn *done, void *arg)
{
	struct waiter *w;

	begin(r);
	if (r->cancelled) {
		done(arg, NULL);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->number = r->number + (r->again ? 1 : 0);
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&r->waiters, w, link);
}

void
reload_cancel(struct reload *r)
{
	r->cancelled = true;
	r->again = false;
	catalog_builder_free(&r->builder);
	event_del(r->step);
	tell(r, NULL);
}

/* What a start came to, if it came to something; false if not yet. */
static bool
start_ended(const struct supervisor *s, const char **why)
{
	*why = NULL;
	if (s->machine.versions.offered.meta)
		return false;
	switch (supervisor_status(s)) {
	case STATUS_RUNNING:
	case STATUS_FINISHED:
		return true;
	case STATUS_BACKING_OFF:
	case STATUS_REJECTED:
		*why = s->last_error;
		return true;
	case STATUS_STOPPED:
		*why = "it was stopped before its new version ran";
		return true;
	default:
		return false;
	}
}

void
reload_watch(struct reload *r, struct supervisor *s)
{
	struct reload_item *item = s->reloading;
	const char *why = NULL;

	if (!item)
		return;
	if (item->wait == ITEM_STOP ? supervisor_settled(s) :
	    start_ended(s, &why)) {
		reload_item_done(r->going, item, why);
		end_if_done(r);
	}
}

void
reload_refused(struct reload *r, struct supervisor *s, const char *why)
{
	if (!s->reloading)
		return;
	reload_item_done(r->going, s->reloading, why);
	end_if_done(r);
}

const struct host_reload *
reload_last(const struct reload *r)
{
	return r->last ? &r->last->facts : NULL;
}
