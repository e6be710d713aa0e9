/*
 * The host configuration of a running core. Called at the beginning of each
 * reload. It must never let a row take effect halfway, nor free a value that
 * somebody else still borrows: at this point nobody does.
 */
#include "core/reload/reconfigure.h"

#include "base/log.h"
#include "core/child/sensor_log.h"
#include "core/core.h"
#include "core/sensor/declared.h"
#include "core/sensor/partition.h"
#include "core/state/internal.h"
#include "core/state/upkeep.h"
#include "core/system/front.h"
#include "pack/pack.h"

int
reconfigure_partition(struct core *core, struct err *e)
{
	struct partition *p = partition_new(&core->ctx, e);

	if (!p)
		return err_prefix(e, "partition");
	partition_free(&core->partition);
	core->partition = p;
	return 0;
}

/* Both configurations, while they are compared. */
struct comparison {
	struct host_config *old, *new;
	unsigned changes;
};

/* host_config_changed_fn: what has to wait keeps its value. */
static void
on_changed(void *arg, const char *option, bool reloadable)
{
	struct comparison *c = arg;
	const char *file = c->new->file ? c->new->file : "configuration";

	if (reloadable) {
		log_info("%s: \"%s\" has changed", file, option);
		c->changes++;
		return;
	}
	log_warning("%s: \"%s\" has changed, which takes effect when the "
	    "host starts again", file, option);
	host_config_swap(c->old, c->new, option);
}

/* The levels of the log: core's own, and what workers need not send. */
static void
set_levels(struct core *core)
{
	const struct host_config *h = core->ctx.config;
	struct child *c;

	if (!core->ctx.verbose)
		log_set_level((enum log_level)log_level_parse(h->log_level));
	log_set_json(h->log_json);
	TAILQ_FOREACH(c, &core->pool.all, link) {
		struct buf body = {0};

		if (c->reported)
			continue;
		msg_put_u8(&body, (uint8_t)sensor_log_level(&core->ctx,
		    c->meta->ref));
		child_send(c, MSG_LEVEL, 0, &body);
		buf_release(&body);
	}
}

/* Hands the new values to those who keep them. */
static void
hand_out(struct core *core)
{
	upkeep_configure(&core->upkeep);
	internal_configure(&core->ctx);
	declared_configure(core->fleet.declared);
	front_configure(core);
	set_levels(core);
}

void
reconfigure(struct core *core)
{
	struct comparison c = {.old = core->ctx.config};
	struct err e;

	if (!core->read_config)
		return;
	findings_restart(&core->findings);
	c.new = core->read_config(core, &core->findings.own);
	findings_log(&core->findings.own, "reload: ");
	if (c.new) {
		host_config_compare(c.old, c.new, on_changed, &c);
		core->ctx.config = c.new;
		if (c.changes > 0)
			hand_out(core);
		host_config_free(&c.old);
	} else {
		log_error("reload: the host configuration has errors; the one "
		    "in use stays");
	}
	if (core->partition && reconfigure_partition(core, &e) != 0)
		findings_note(&core->findings, core->ctx.config->file, NULL,
		    "%s; the sensors of before stay", e.text);
}
