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
	return s->state == SENSOR_RUNNING && backoff_is_well(&s->backoff);
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
	if (s->state == SENSOR_BACKING_OFF)
		out->next_start_us = s->backoff.next_start;
	if (!s->current)
		return;
	out->generation = s->current->generation;
	out->pid = s->current->pid > 0 ? s->current->pid : 0;
	if (s->state != SENSOR_STARTING) {
		out->started_us = s->started;
		out->next_poll_us = next_poll(s);
	}
}

const char *
host_sensor_state(struct core *core, const struct sensor_meta *meta,
    bool *failing)
{
	const struct supervisor *s = fleet_find(&core->fleet, meta->ref);
	enum supervisor_state state = SENSOR_STOPPED;
	enum switch_known known = switch_look(&core->ctx, meta, NULL);

	*failing = s && s->failing;
	if (known == SWITCH_UNKNOWN)
		return NULL;
	if (s && s->state != SENSOR_STOPPED)
		state = s->state;
	else if (meta->rejected)
		state = SENSOR_REJECTED;
	else if (known == SWITCH_OFF)
		state = SENSOR_DISABLED;
	else if (core->wants ? !core->wants(core, meta) : !s)
		state = SENSOR_NOT_OWNED;
	return supervisor_state_name(state);
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

size_t
host_sensor_count(struct core *core)
{
	return catalog_sensor_count(core->ctx.catalog);
}

const struct sensor_meta *
host_sensor_meta(struct core *core, size_t i)
{
	const struct sensor_meta *meta = catalog_sensor(core->ctx.catalog, i);

	return meta->ref && meta->class_name ? meta : NULL;
}

/* The sensor of an id. */
static const struct sensor_meta *
by_id(struct core *core, const char *id)
{
	size_t i, count = host_sensor_count(core);
	char its[25];

	for (i = 0; strlen(id) == 24 && i < count; i++) {
		const struct sensor_meta *meta = host_sensor_meta(core, i);

		if (meta)
			make_id(meta, its);
		if (meta && strcmp(its, id) == 0)
			return meta;
	}
	return NULL;
}

bool
host_sensor_find(struct core *core, const char *ref_or_id,
    struct host_sensor *out)
{
	const struct sensor_meta *meta = catalog_sensor_by_ref(
	    core->ctx.catalog, ref_or_id);

	if (!meta || !meta->class_name)
		meta = by_id(core, ref_or_id);
	if (meta)
		host_sensor_fill(core, meta, out);
	return meta != NULL;
}

const char *
host_sensor_nearest(struct core *core, const char *ref)
{
	size_t i, count = catalog_sensor_count(core->ctx.catalog);
	const char **names = xcalloc(count + 1, sizeof(*names)), *near;

	for (i = 0; i < count; i++)
		names[i] = catalog_sensor(core->ctx.catalog, i)->ref;
	near = nearest(ref, names, count);
	free(names);
	return near;
}

/* True with e if the host or the sensor cannot be told anything now. */
static bool
is_between(struct core *core, const struct supervisor *s, struct err *e)
{
	if (core->fleet.stopping) {
		err_set(e, "the host is stopping");
		return true;
	}
	if (s && s->handover.step == HANDOVER_FLIPPING) {
		err_set(e, "\"%s\" is just being reloaded; try again",
		    s->meta->ref);
		return true;
	}
	return false;
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

/* Lets the sensor do what the switch says. */
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
		return;
	}
	if (!meta || meta->rejected || !core->wants ||
	    !core->wants(core, meta))
		return;
	if (!s)
		supervisor_start(fleet_add(&core->fleet, meta));
	else if (supervisor_settled(s) || s->state == SENSOR_STOPPING)
		supervisor_reload(s, core->ctx.catalog, meta);
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

	if (is_between(core, fleet_find(&core->fleet, ref), e))
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

	if (is_between(core, s, e))
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
