/*
 * The host as its API sees it. Called by api/ through handlers that run in
 * core's loop; translates between what core keeps and what may be known
 * outside. It must never hand out what core could free before the caller
 * returns to the loop.
 */
#include "core/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "base/xalloc.h"
#include "core/core.h"
#include "core/reload/reload.h"
#include "core/sensor/roster.h"
#include "core/sensor/switch.h"
#include "http/server.h"
#include "pack/catalog.h"
#include "store/registry.h"
#include "store/sensor_state.h"

const char *
host_unready(struct core *core)
{
	if (core->fleet.stopping)
		return "stopping";
	if (!core->ready)
		return "starting";
	return core->ctx.short_of_room ? core->ctx.short_of_room :
	    host_unread(core);
}

const char *
host_unread(struct core *core)
{
	return store_failure(core->ctx.store);
}

enum read_result
host_status(struct core *core, struct host_status *out)
{
	const struct pace *p = &core->pace;

	*out = (struct host_status){.started_us = core->started_us,
	    .uptime_us = clock_mono_us() - core->began_us,
	    .state = core->fleet.stopping ? "stopping" :
	    core->ready ? "running" : "starting",
	    .data_dir = core->ctx.config->data_dir,
	    .config_file = core->ctx.config->file,
	    .connections = http_connection_count(core->http),
	    .loop = {p->since_us, p->turns, p->longest_work_us,
	    p->longest_commit_us}};
	if (store_figures(core->ctx.store, &out->store) == READ_FAILED)
		return READ_FAILED;
	store_clock(core->ctx.store, clock_unix_us(), &out->clock);
	return expiry_overdue(store_view(core->ctx.store, clock_unix_us()),
	    &out->overdue);
}

const char *
host_address(struct core *core, size_t i)
{
	return http_listener_name(core->http, i);
}

/* StackStorm's ids are 24 hex digits; ours come from the ref. */
static void
make_id(const struct sensor_meta *meta, char id[INTERNAL_ID])
{
	char *uid = xasprintf("sensor_type:%s:%s", meta->pack->name,
	    meta->class_name);

	internal_id(uid, id);
	free(uid);
}

/* True after a good minute: its next failure counts as the first. */
static bool
is_well(const struct supervisor *s)
{
	return supervisor_status(s) == STATUS_RUNNING &&
	    backoff_is_well(&s->backoff);
}

/* When it polls next: at a fixed rate from what the worker said last. */
static int64_t
next_poll(const struct supervisor *s)
{
	int64_t late = clock_unix_us() - s->next_poll;

	if (s->next_poll <= 0 || s->poll_every <= 0)
		return s->next_poll;
	/* The clock was set back since. */
	if (late < -s->poll_every)
		return s->next_poll - -late / s->poll_every * s->poll_every;
	if (late <= 0)
		return s->next_poll;
	return s->next_poll + (late / s->poll_every + 1) * s->poll_every;
}

/* What a supervisor knows. */
static void
fill_running(struct host_sensor *out, const struct supervisor *s)
{
	if (s->failing) {
		out->failures = s->failed_polls;
		out->failing_since_us = s->polls_failing_since;
	} else if (!is_well(s) && s->backoff.failures > 0) {
		out->failures = s->backoff.failures;
		out->failing_since_us = s->backoff.failing_since;
	}
	out->error = s->last_error;
	out->traceback = s->last_traceback;
	out->error_us = s->last_error_at;
	out->skipped = s->skipped;
	if (supervisor_status(s) == STATUS_BACKING_OFF)
		out->next_start_us = s->backoff.next_start;
	if (!s->current)
		return;
	out->generation = s->current->generation;
	out->pid = s->current->pid > 0 ? s->current->pid : 0;
	if (supervisor_status(s) != STATUS_STARTING) {
		out->started_us = s->started;
		out->next_poll_us = next_poll(s);
	}
}

const char *
host_sensor_state(struct core *core, const struct sensor_meta *meta,
    bool *failing)
{
	const struct supervisor *s = fleet_find(&core->fleet, meta->ref);
	const bool runs = s && !supervisor_settled(s);
	enum sensor_status status = s ? supervisor_status(s) : STATUS_STOPPED;
	struct sensor_state kept = {0};
	enum switch_known known = switch_look(&core->ctx, meta, &kept);

	*failing = s && s->failing;
	if (known == SWITCH_UNKNOWN)
		return NULL;
	/* What broken files say of `enabled` counts for nothing. */
	if (known == SWITCH_OFF && !runs && (!meta->rejected ||
	    kept.by_operator == SWITCH_DISABLED))
		status = STATUS_DISABLED;
	else if (status == STATUS_STOPPED && meta->rejected)
		status = STATUS_REJECTED;
	else if (status == STATUS_STOPPED &&
	    (core->wants ? !core->wants(core, meta) : !s))
		status = STATUS_NOT_OWNED;
	return sensor_status_name(status);
}

void
host_sensor_fill(struct core *core, const struct sensor_meta *meta,
    struct host_sensor *out)
{
	const struct supervisor *s = fleet_find(&core->fleet, meta->ref);
	struct sensor_state kept;

	*out = (struct host_sensor){.meta = meta};
	make_id(meta, out->id);
	out->state = host_sensor_state(core, meta, &out->failing);
	if (!out->state)
		return;
	out->enabled = switch_look(&core->ctx, meta, &kept) == SWITCH_ON;
	if (kept.by_operator != SWITCH_NONE) {
		snprintf(out->who, sizeof(out->who), "%.*s",
		    SENSOR_STATE_WHO - 1, kept.switched_by);
		out->by = out->who;
		out->switched_us = kept.switched_us;
	}
	if (s)
		fill_running(out, s);
	if (meta->rejected && !out->error)
		out->error = meta->why.text;
}

const struct sensor_meta **
host_sensors(struct core *core)
{
	struct roster r;

	roster_make(&r, &core->fleet, core->ctx.catalog);
	return r.metas;
}

/* The sensor of an id. */
static const struct sensor_meta *
by_id(struct core *core, const char *id)
{
	const struct sensor_meta *found = NULL;
	struct roster r;
	char its[INTERNAL_ID];
	size_t i;

	if (strlen(id) != sizeof(its) - 1)
		return NULL;
	roster_make(&r, &core->fleet, core->ctx.catalog);
	for (i = 0; i < r.count && !found; i++) {
		make_id(r.metas[i], its);
		if (strcmp(its, id) == 0)
			found = r.metas[i];
	}
	roster_release(&r);
	return found;
}

bool
host_sensor_find(struct core *core, const char *ref_or_id,
    struct host_sensor *out)
{
	const struct sensor_meta *meta = roster_find(&core->fleet,
	    core->ctx.catalog, ref_or_id);

	if (!meta)
		meta = by_id(core, ref_or_id);
	if (meta)
		host_sensor_fill(core, meta, out);
	return meta != NULL;
}

const char *
host_sensor_nearest(struct core *core, const char *ref)
{
	const char **names, *near;
	struct roster r;
	size_t i;

	roster_make(&r, &core->fleet, core->ctx.catalog);
	names = xcalloc(r.count + 1, sizeof(*names));
	for (i = 0; i < r.count; i++)
		names[i] = r.metas[i]->ref;
	near = nearest(ref, names, r.count);
	free(names);
	roster_release(&r);
	return near;
}

/* 0, or -1 with e if nothing can be asked of the host's sensors any more. */
static int
check_open(const struct core *core, struct err *e)
{
	return core->fleet.stopping ? err_set(e, "the host is stopping") : 0;
}

/* An operator's switch, on its way to the disk. */
struct switching {
	struct change change;
	struct core *core;
	uint32_t number;
	char *ref;
	bool enable;
	char who[SENSOR_STATE_WHO];
	host_done_fn *done;
	void *arg;
};

/* Frees it after telling who waits. */
static void
switch_end(struct switching *c, const char *error)
{
	c->done(c->arg, error);
	free(c->ref);
	free(c);
}

/* change_stage_fn. */
static void
switch_stage(struct change *change, struct store *store)
{
	const struct switching *c = (const struct switching *)change;

	sensor_switch_set(store, c->number, c->enable ? SWITCH_ENABLED :
	    SWITCH_DISABLED, c->who);
}

/*
 * Lets the sensor do what the switch says. What it starts with is the version
 * that it was accepted with; a change of its files is a reload's to take in.
 */
static void
switch_apply(struct core *core, const char *ref, bool enable)
{
	struct sensor_meta *meta = catalog_sensor_by_ref(core->ctx.catalog,
	    ref);
	struct supervisor *s = fleet_find(&core->fleet, ref);

	if (core->fleet.stopping)
		return;
	if (!enable) {
		if (s)
			supervisor_stop(s, "disabled");
	} else if (s) {
		if (core->wants && core->wants(core, supervisor_meta(s)))
			supervisor_start(s);
	} else if (meta && !meta->rejected && core->wants &&
	    core->wants(core, meta)) {
		supervisor_start(fleet_add(&core->fleet, meta));
	}
}

/* change_done_fn. */
static void
switch_done(struct change *change)
{
	struct switching *c = (struct switching *)change;

	switch_apply(c->core, c->ref, c->enable);
	switch_end(c, NULL);
}

/* change_drop_fn. */
static void
switch_drop(struct change *change)
{
	switch_end((struct switching *)change, "the host stops; nothing was "
	    "changed");
}

int
host_sensor_switch(struct core *core, const char *ref, bool enable,
    const char *who, host_done_fn *done, void *arg, struct err *e)
{
	struct switching *c;

	if (check_open(core, e) != 0)
		return -1;
	c = xcalloc(1, sizeof(*c));
	c->change = (struct change){.stage = switch_stage,
	    .done = switch_done, .drop = switch_drop};
	c->core = core;
	c->number = registry_sensor(core->ctx.store, ref);
	c->ref = xstrdup(ref);
	c->enable = enable;
	snprintf(c->who, sizeof(c->who), "%s", who);
	c->done = done;
	c->arg = arg;
	turn_add(&core->ctx.turn, &c->change);
	return 0;
}

int
host_sensor_restart(struct core *core, const char *ref, struct err *e)
{
	struct supervisor *s = fleet_find(&core->fleet, ref);
	struct host_sensor h;

	if (check_open(core, e) != 0)
		return -1;
	if (!host_sensor_find(core, ref, &h))
		return err_set(e, "there is no sensor \"%s\"", ref);
	if (!h.state)
		return err_set(e, "%s", host_unread(core));
	if (h.meta->rejected && !s)
		return err_set(e, "\"%s\" is rejected: %s", ref,
		    h.meta->why.text);
	if (!h.enabled)
		return err_set(e, "\"%s\" is disabled; enable it first", ref);
	if (!s && (!core->wants || !core->wants(core, h.meta)))
		return err_set(e, "\"%s\" does not run on this host", ref);
	if (!s)
		s = fleet_add(&core->fleet, (struct sensor_meta *)h.meta);
	supervisor_restart(s, "restart");
	return 0;
}

void
host_reload(struct core *core, host_reloaded_fn *done, void *arg)
{
	reload_request_wait(core->reload, done, arg);
}

const struct diags *
host_findings(struct core *core)
{
	return &core->findings.all;
}

const struct host_reload *
host_last_reload(struct core *core)
{
	return reload_last(core->reload);
}
