/*
 * From two catalogs to what their sensors do. Called by reload.c once all is
 * read. It must never touch a sensor that did not change, and never one whose
 * files are broken now.
 */
#include "core/reload/reload_apply.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "core/core.h"
#include "core/reload/reload_result.h"
#include "core/sensor/switch.h"
#include "pack/catalog.h"
#include "pack/plan.h"

/* What the steps of one reload share. */
struct reloading {
	struct core *core;
	struct reload_result *result;
};

/* A sensor of the plan that has no supervisor here yet. */
static void
apply_new(struct reloading *r, struct sensor_meta *meta)
{
	struct supervisor *s;

	if (!r->core->wants || !r->core->wants(r->core, meta))
		return;
	s = fleet_add(&r->core->fleet, meta);
	reload_item_wait(r->result, reload_result_add(r->result, meta->ref,
	    HOST_STARTED), s, ITEM_RUN);
	supervisor_start(s);
}

/* A sensor that is not to run here any more: "removed", "disabled". */
static void
apply_stop(struct reloading *r, struct supervisor *s, const char *reason)
{
	if (supervisor_settled(s))
		return;
	if (s->machine.state != STATE_STOPPING)
		supervisor_log(s, LOG_INFO, "%s; stopping", reason);
	reload_item_wait(r->result, reload_result_add(r->result,
	    supervisor_meta(s)->ref, HOST_STOPPED), s, ITEM_STOP);
	supervisor_stop(s, reason);
}

/* True if a sensor that did not change is to start all the same. */
static bool
waits_for_reload(const struct supervisor *s)
{
	const enum sensor_status status = supervisor_status(s);

	return status == STATUS_REJECTED || status == STATUS_BACKING_OFF ||
	    status == STATUS_STOPPED;
}

/* A sensor that has a supervisor, and accepted files. */
static void
apply_known(struct reloading *r, struct catalog *new, struct supervisor *s,
    struct sensor_meta *meta)
{
	const bool settled = supervisor_settled(s);

	if (r->core->wants && !r->core->wants(r->core, meta)) {
		apply_stop(r, s, switch_look(&r->core->ctx, meta, NULL) ==
		    SWITCH_OFF ? "disabled" : "not_owned");
		supervisor_adopt(s, new, meta);
		return;
	}
	if (!supervisor_reload(s, new, meta)) {
		if (!waits_for_reload(s)) {
			reload_result_add(r->result, meta->ref,
			    HOST_UNCHANGED);
			return;
		}
		supervisor_restart(s, "reload");
	}
	reload_item_wait(r->result, reload_result_add(r->result, meta->ref,
	    settled ? HOST_STARTED : HOST_RELOADED), s, ITEM_RUN);
}

/* A sensor whose files are broken now: what runs goes on. */
static void
apply_broken(struct reloading *r, struct supervisor *s,
    const struct plan_item *planned)
{
	if (s && !supervisor_settled(s)) {
		char *said = xasprintf("reload failed: %s", planned->why);

		supervisor_log(s, LOG_ERROR, "not reloaded, the %s: %s",
		    supervisor_status(s) == STATUS_RUNNING ?
		    "running version goes on" : "version before it stays",
		    planned->why);
		supervisor_note_error(s, said, NULL);
		free(said);
	}
	if (s || r->core->wants)
		reload_item_done(r->result, reload_result_add(r->result,
		    planned->ref, HOST_FAILED), planned->why);
}

/* What the new catalog means for one sensor of this host. */
static void
apply_item(struct reloading *r, struct catalog *new,
    const struct plan_item *planned)
{
	struct supervisor *s = fleet_find(&r->core->fleet, planned->ref);

	if (planned->kind == PLAN_BROKEN)
		apply_broken(r, s, planned);
	else if (planned->kind == PLAN_REMOVED && s)
		apply_stop(r, s, "removed");
	else if (planned->kind != PLAN_REMOVED && s)
		apply_known(r, new, s, planned->after);
	else if (planned->kind != PLAN_REMOVED)
		apply_new(r, planned->after);
}

/*
 * Sensors that were broken in the catalog before are in no plan when they
 * vanish, and may run all the same, from the one before that.
 */
static void
apply_vanished(struct reloading *r, const struct catalog *new)
{
	struct supervisor *s;

	TAILQ_FOREACH(s, &r->core->fleet.all, link)
		if (!s->reloading && !supervisor_settled(s) &&
		    !plan_keeps(new, supervisor_meta(s)))
			apply_stop(r, s, "removed");
}

void
reload_apply(struct core *core, struct reload_result *result,
    struct catalog *old, struct catalog *new)
{
	struct reloading r = {core, result};
	struct plan plan;
	size_t i;

	plan_make(&plan, old, new);
	for (i = 0; i < plan.count; i++)
		apply_item(&r, new, &plan.items[i]);
	apply_vanished(&r, new);
	plan_release(&plan);
}
