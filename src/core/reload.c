/*
 * Reload: reads all packs anew beside the catalog that is in use, compares
 * by digest, and tells the supervisors of changed sensors. Called for SIGHUP.
 * It must never touch a sensor that did not change, and never one whose files
 * are broken now.
 */
#include "core/reload.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/catalog_options.h"
#include "core/core.h"
#include "pack/catalog.h"
#include "pack/plan.h"

struct reload {
	struct core *core;
	struct catalog_builder *builder; /* NULL: nothing is being read */
	struct catalog_options options;
	struct event *step;
	unsigned handovers; /* under way */
	bool again;         /* asked for while one was under way */
	bool cancelled;
};

/* Logs the new catalog's findings. */
static void
log_findings(const struct diags *d)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		char *text = diag_print(&d->items[i]);

		log_at(d->items[i].level == DIAG_ERROR ? LOG_ERROR :
		    LOG_WARNING, NULL, "reload: %s", text);
		free(text);
	}
}

/* The supervisor of a sensor, or NULL. */
static struct supervisor *
supervisor_of(struct core *core, const char *ref)
{
	struct supervisor *s;

	TAILQ_FOREACH(s, &core->supervisors, link)
		if (strcmp(s->meta->ref, ref) == 0)
			return s;
	return NULL;
}

/* A sensor that did not change goes on, on the newer catalog. */
static void
keep(struct supervisor *s, struct catalog *new, struct sensor_meta *meta)
{
	supervisor_take(s, new, meta);
	if (s->current)
		child_take(s->current, new, meta);
}

/* A sensor that does not run here yet. */
static void
start_new(struct reload *r, const struct plan_item *item)
{
	struct sensor_meta *meta = item->after;

	if (item->kind != PLAN_BROKEN && item->kind != PLAN_REMOVED &&
	    r->core->wants && r->core->wants(r->core, meta))
		supervisor_start(core_add(r->core, meta));
}

/* What the new catalog means for one sensor of this host. */
static void
apply_item(struct reload *r, struct catalog *new, struct plan_item *item)
{
	struct supervisor *s = supervisor_of(r->core, item->ref);

	if (!s) {
		start_new(r, item);
		return;
	}
	switch (item->kind) {
	case PLAN_UNCHANGED:
		/* What waited for a reload (a rejected sensor) starts. */
		if (s->state == SENSOR_REJECTED ||
		    s->state == SENSOR_BACKING_OFF)
			supervisor_reload(s, new, item->after);
		else
			keep(s, new, item->after);
		break;
	case PLAN_CHANGED:
	case PLAN_ADDED:
		supervisor_reload(s, new, item->after);
		if (s->handover.step != HANDOVER_NONE)
			r->handovers++;
		break;
	case PLAN_BROKEN:
		log_at(LOG_ERROR, s->meta->ref, "not reloaded, the running "
		    "version goes on: %s", item->why);
		break;
	case PLAN_REMOVED:
		log_at(LOG_WARNING, s->meta->ref, "its metadata is gone; "
		    "stopping");
		supervisor_stop(s, "removed");
		break;
	}
}

/* Everything is read: the new catalog is the one in use. */
static void
apply(struct reload *r)
{
	struct core *core = r->core;
	struct catalog *new = catalog_builder_finish(&r->builder);
	struct catalog *old = core->catalog;
	struct plan plan;
	size_t i;

	log_findings(catalog_diags(new));
	core->catalog = new;
	plan_make(&plan, old, new);
	for (i = 0; i < plan.count; i++)
		apply_item(r, new, &plan.items[i]);
	plan_release(&plan);
	catalog_unref(&old);
	log_info("packs read again");
}

/* Begins to read, unless something is under way. */
static void
begin(struct reload *r)
{
	const struct timeval now = {0};

	if (r->cancelled || r->builder || r->handovers > 0) {
		r->again = true;
		return;
	}
	r->again = false;
	catalog_options_fill(&r->options, r->core);
	r->builder = catalog_builder_new(&r->options);
	must(event_add(r->step, &now) == 0);
}

/* event_callback_fn: reads one more pack. */
static void
step_cb(evutil_socket_t fd, short events, void *arg)
{
	const struct timeval now = {0};
	struct reload *r = arg;

	(void)fd;
	(void)events;
	if (catalog_builder_step(r->builder)) {
		must(event_add(r->step, &now) == 0);
		return;
	}
	apply(r);
	if (r->again)
		begin(r);
}

struct reload *
reload_new(struct core *core)
{
	struct reload *r = xcalloc(1, sizeof(*r));

	r->core = core;
	r->step = event_new(core->base, -1, 0, step_cb, r);
	must(r->step);
	return r;
}

void
reload_free(struct reload **rp)
{
	struct reload *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	catalog_builder_free(&r->builder);
	event_free(r->step);
	free(r);
}

void
reload_request(struct reload *r)
{
	begin(r);
}

void
reload_cancel(struct reload *r)
{
	r->cancelled = true;
	catalog_builder_free(&r->builder);
	event_del(r->step);
}

void
reload_note(struct reload *r, struct supervisor *s, const char *why)
{
	(void)s;
	(void)why;
	if (r->handovers > 0)
		r->handovers--;
	if (r->handovers == 0 && r->again)
		begin(r);
}
