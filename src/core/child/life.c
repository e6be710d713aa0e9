/*
 * Starts and ends of sensors' processes, in the journal and in the store's
 * table of running ones, both in one transaction. Called by pool.c and at
 * the start of core. It must never write what a worker said of its end: a
 * secret may be in it.
 */
#include "core/child/life.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/js.h"
#include "base/xalloc.h"
#include "core/child/child.h"
#include "core/state/context.h"
#include "core/state/internal.h"
#include "pack/pack.h"
#include "store/process.h"
#include "store/registry.h"

/* A start or an end on its way to the disk. */
struct life_change {
	struct change change;
	struct context *ctx;
	struct child *child; /* a reference, to be told; or NULL */
	struct process_row row;
	struct buf payload;
};

/* change_done_fn, change_drop_fn. */
static void
life_end(struct change *change)
{
	struct life_change *c = (struct life_change *)change;

	if (c->child)
		child_unref(&c->child);
	buf_release(&c->payload);
	free(c);
}

/* change_done_fn: a start is on disk. */
static void
began_done(struct change *change)
{
	child_tell(((struct life_change *)change)->child);
	life_end(change);
}

/* change_stage_fn: a start. */
static void
began_stage(struct change *change, struct store *s)
{
	struct life_change *c = (struct life_change *)change;

	process_started(s, &c->row);
	internal_append(c->ctx, s, INTERNAL_SPAWN, &c->payload);
}

/* change_stage_fn: an end. */
static void
ended_stage(struct change *change, struct store *s)
{
	struct life_change *c = (struct life_change *)change;

	process_ended(s, c->row.sensor, c->row.generation);
	internal_append(c->ctx, s, INTERNAL_EXIT, &c->payload);
}

/* Appends ,"name":"text". */
static void
put_text(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, ",\"%s\":", name);
	js_put_string_lossy(b, text, strlen(text));
}

/* Begins the payload with what starts and ends have in common. */
static void
put_process(struct buf *b, const char *ref, const struct process_row *row,
    int64_t now_us)
{
	const char *dot = strchr(ref, '.');
	int len = dot ? (int)(dot - ref) : 0;
	char *uid = xasprintf("sensor_type:%.*s:%s", len, ref,
	    dot ? dot + 1 : ref);
	char *cmd = xasprintf("sensorhost worker %s", ref);
	char id[INTERNAL_ID];

	internal_id(uid, id);
	buf_printf(b, "{\"object\":{\"id\":\"%s\"", id);
	put_text(b, "ref", ref);
	put_text(b, "cmd", cmd);
	buf_printf(b, ",\"pid\":%d,\"generation\":%llu,\"timestamp\":%lld",
	    (int)row->pid, (unsigned long long)row->generation,
	    (long long)(now_us / 1000000));
	free(uid);
	free(cmd);
}

/* Queues a start or an end of the child; the caller may change it. */
static struct life_change *
queue(struct child *c, change_stage_fn *stage, struct buf *payload)
{
	struct life_change *l = xcalloc(1, sizeof(*l));

	l->change = (struct change){.stage = stage, .done = life_end,
	    .drop = life_end, .size = sizeof(*l) + payload->len};
	l->ctx = c->ctx;
	l->row = (struct process_row){.sensor = c->sensor,
	    .pid = c->born_pid, .generation = c->generation,
	    .started_us = clock_unix_us()};
	l->payload = *payload;
	turn_add(&c->ctx->turn, &l->change);
	return l;
}

/* The row of a child, as far as a payload shows it. */
static struct process_row
row_of(const struct child *c)
{
	return (struct process_row){.pid = c->born_pid,
	    .generation = c->generation};
}

void
life_began(struct child *c)
{
	const struct process_row row = row_of(c);
	struct life_change *l;
	struct buf b = {0};

	if (c->ctx->checking) {
		child_tell(c);
		return;
	}
	put_process(&b, c->meta->ref, &row, clock_unix_us());
	buf_puts(&b, "}}");
	l = queue(c, began_stage, &b);
	l->child = child_ref(c);
	l->change.done = began_done;
}

/* Why it ended, in a word. */
static const char *
reason_of(const struct child *c)
{
	if (c->reported && c->report != MSG_STATE_STOPPED)
		return c->report == MSG_STATE_ONCE ? "finished" :
		    msg_state_name(c->report);
	if (c->stop_reason)
		return c->stop_reason;
	return c->killed_for ? "killed" : "crashed";
}

void
life_ended(struct child *c)
{
	const struct process_row row = row_of(c);
	struct buf b = {0};

	if (c->ctx->checking || c->born_pid <= 0)
		return;
	put_process(&b, c->meta->ref, &row, clock_unix_us());
	if (WIFSIGNALED(c->status))
		buf_printf(&b, ",\"signal\":%d", WTERMSIG(c->status));
	else
		buf_printf(&b, ",\"exit_code\":%d", WEXITSTATUS(c->status));
	put_text(&b, "reason", reason_of(c));
	if (c->killed_for)
		put_text(&b, "message", c->killed_for);
	buf_puts(&b, "}}");
	queue(c, ended_stage, &b);
}

/* change_stage_fn: what is left over from a core that was killed. */
static void
recover_stage(struct change *change, struct store *s)
{
	struct life_change *c = (struct life_change *)change;
	struct view *v = store_view(s, 0);
	struct process_row row;

	while (process_first(v, &row) == READ_FOUND) {
		const char *ref = registry_sensor_ref(v, row.sensor);

		c->payload.len = 0;
		put_process(&c->payload, ref ? ref : "", &row,
		    store_turn_us(s));
		buf_puts(&c->payload, ",\"reason\":\"host_killed\"}}");
		process_ended(s, row.sensor, row.generation);
		internal_append(c->ctx, s, INTERNAL_EXIT, &c->payload);
	}
}

void
life_recover(struct context *ctx)
{
	struct life_change *c = xcalloc(1, sizeof(*c));

	c->change = (struct change){.stage = recover_stage,
	    .done = life_end, .drop = life_end};
	c->ctx = ctx;
	turn_add(&ctx->turn, &c->change);
}
