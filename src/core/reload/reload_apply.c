/*
 * From two catalogs to what their sensors do. Called by reload.c once all is
 * read. It must never touch a sensor that did not change, and never one whose
 * files are broken now.
 */
#include "core/reload/reload_apply.h"

#include <string.h>

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

/* A sensor that did not change goes on, on the newer catalog. */
static void
keep(struct supervisor *s, struct catalog *new, struct sensor_meta *meta)
{
	supervisor_take(s, new, meta);
	if (s->current)
		child_take(s->current, new, meta);
}

/* A sensor of the plan that has no supervisor here yet. */
static void
apply_new(struct reloading *r, struct sensor_meta *meta)
{
	struct supervisor *s;

	if (!r->core->wants || !r->core->wants(r->core, meta))
		return;
	s = fleet_add(&r->core->fleet, meta);
	reload_item_wait(r->result, reload_result_add(r->result, meta->ref,
	    HOST_STARTED), s, ITEM_START);
	supervisor_start(s);
}

/* A sensor that is not to run here any more: "removed", "disabled". */
static void
apply_stop(struct reloading *r, struct supervisor *s, const char *reason)
{
	if (supervisor_settled(s))
		return;
	if (s->state != SENSOR_STOPPING)
		supervisor_log(s, LOG_INFO, "%s; stopping", reason);
	reload_item_wait(r->result, reload_result_add(r->result, s->meta->ref,
	    HOST_STOPPED), s, ITEM_STOP);
	supervisor_stop(s, reason);
}

/* True if a sensor that did not change is to start all the same. */
static bool
waits_for_reload(const struct supervisor *s)
{
	return s->state == SENSOR_REJECTED || s->state == SENSOR_BACKING_OFF ||
	    (supervisor_settled(s) && s->state != SENSOR_FINISHED);
}

/* False if the worker that runs is bound to something else than now. */
static bool
has_bounds(const struct supervisor *s, const struct sensor_meta *meta)
{
	const struct bounds now = bounds_of(s->fleet->ctx, meta);

	return !s->current || bounds_equal(&s->current->bounds, &now);
}

/* A sensor that has a supervisor, and accepted files. */
static void
apply_known(struct reloading *r, struct catalog *new, struct supervisor *s,
    struct sensor_meta *meta)
{
	bool same = memcmp(s->meta->digest, meta->digest,
	    DIGEST_BYTES) == 0 && has_bounds(s, meta);
	struct reload_item *item;

	if (r->core->wants && !r->core->wants(r->core, meta)) {
		apply_stop(r, s, switch_look(&r->core->ctx, meta, NULL) ==
		    SWITCH_OFF ? "disabled" : "not_owned");
		keep(s, new, meta);
		return;
	}
	if (same && !waits_for_reload(s)) {
		keep(s, new, meta);
		reload_result_add(r->result, meta->ref, HOST_UNCHANGED);
		return;
	}
	item = reload_result_add(r->result, meta->ref,
	    supervisor_settled(s) ? HOST_STARTED : HOST_RELOADED);
	reload_item_wait(r->result, item, s, ITEM_START);
	supervisor_reload(s, new, meta);
	if (s->handover.step != HANDOVER_NONE && item->wait != ITEM_DONE)
		item->wait = ITEM_HANDOVER;
}

/* A sensor whose files are broken now: what runs goes on. */
static void
apply_broken(struct reloading *r, struct supervisor *s,
    const struct plan_item *planned)
{
	if (s && !supervisor_settled(s))
		supervisor_log(s, LOG_ERROR, "not reloaded, the running "
		    "version goes on: %s", planned->why);
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

/* True if the packs still have the sensor, broken or not to be read. */
static bool
is_there(const struct catalog *new, const struct sensor_meta *meta)
{
	size_t i;

	if (catalog_sensor_by_ref(new, meta->ref) ||
	    catalog_unread(new, meta->pack))
		return true;
	for (i = 0; i < catalog_sensor_count(new); i++) {
		const struct sensor_meta *other = catalog_sensor(new, i);

		if (strcmp(other->pack->name, meta->pack->name) == 0 &&
		    strcmp(other->metadata_file, meta->metadata_file) == 0)
			return true;
	}
	return false;
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
		    !is_there(new, s->meta))
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
