/*
 * Units of work on their way from a worker to the store. Each part of a unit is
 * checked when it arrives; the bytes are kept until the unit is committed, so
 * that it can be staged again when the disk was full. Called by the table of
 * child_messages.c and by the turn. It must never stage a byte that it has
 * not checked, nor a unit of a generation that is not the current one.
 */
#include "core/child/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "core/child/show.h"
#include "core/child/unit_ops.h"
#include "core/state/context.h"
#include "core/state/keys.h"
#include "pack/pack.h"
#include "store/dead_letter.h"
#include "store/journal.h"
#include "store/kv.h"
#include "store/registry.h"
#include "store/sensor_state.h"

/*
 * What staging an operation costs at least, as bytes: a microsecond or two,
 * however few bytes it has.
 */
#define OP_WORK 64u

/* A unit in the queue. */
struct unit {
	struct change change;
	struct child *child;
	uint32_t id;
	uint64_t overtaken_by; /* the current generation; 0: it is its own */
	void (*before)(void *arg, struct store *s); /* NULL: none */
	void (*after)(void *arg);
	void *arg;
	struct unit_parts ops;
};

/* Whether a trigger may be dispatched: it is in the registry. */
static bool
known_trigger(void *arg, uint32_t number)
{
	return registry_trigger_get(arg, number) != NULL;
}

/* Stages one operation. */
static void
stage_op(struct unit *u, struct store *s, const struct unit_op *op)
{
	struct child *c = u->child;
	struct dead_letter letter;

	switch (op->kind) {
	case MSG_OP_DISPATCH:
		journal_append(s, &(struct journal_entry){
		    .trigger = op->trigger, .sensor = c->sensor,
		    .generation = c->generation, .trace = op->trace,
		    .payload = op->payload});
		break;
	case MSG_OP_SET:
		keys_set(c->ctx, s, op->key, op->payload,
		    op->sealed ? KV_SEALED : 0, op->ttl_us);
		break;
	case MSG_OP_DELETE:
		keys_delete(c->ctx, s, op->key);
		break;
	case MSG_OP_DEAD:
		unit_op_letter(op, &letter);
		letter.sensor = span_of(c->meta->ref, strlen(c->meta->ref));
		letter.generation = c->generation;
		dead_letter_put(s, &letter);
		break;
	case MSG_OP_POLLED:
		sensor_last_poll_set(s, c->sensor, op->ttl_us);
		break;
	default:
		break;
	}
}

/* Stages the operations of one part. */
static void
stage_part(struct unit *u, struct store *s, const struct unit_part *p)
{
	struct msg_cursor at;
	struct unit_op op;

	msg_begin(&at, p->ops, p->len);
	while (unit_op_next(&at, &op)) {
		stage_op(u, s, &op);
		u->child->ctx->turn.work += OP_WORK;
	}
}

/* change_stage_fn: the whole unit, or nothing of a stale one. */
static void
unit_stage(struct change *change, struct store *s)
{
	struct unit *u = (struct unit *)change;
	const struct unit_part *p;
	struct sensor_state state;

	if (u->before)
		u->before(u->arg, s);
	u->overtaken_by = 0;
	if (sensor_state_get(store_view(s, 0), u->child->sensor, &state) ==
	    READ_FAILED)
		return; /* nor will the turn be committed */
	if (state.current != u->child->generation) {
		u->overtaken_by = state.current;
		return;
	}
	for (p = u->ops.first; p; p = p->next)
		stage_part(u, s, p);
}

/* change_drop_fn. */
static void
unit_drop(struct change *change)
{
	struct unit *u = (struct unit *)change;

	child_unref(&u->child);
	unit_parts_release(&u->ops);
	free(u);
}

/* Answers a unit. */
static void
acknowledge(struct child *c, uint32_t id)
{
	struct buf ok = {0};

	msg_put_ok(&ok);
	child_send(c, MSG_REPLY, id, &ok);
	buf_release(&ok);
}

/* Shows what `run` shows of a unit on disk. */
static void
show(const struct unit *u)
{
	const struct unit_part *p;

	for (p = u->ops.first; p; p = p->next)
		show_unit(u->child, p->ops, p->len);
}

/* Counts what is in a unit. */
static void
count(const struct unit *u, unsigned *dispatches, unsigned *values)
{
	const struct unit_part *p;
	struct msg_cursor at;
	struct unit_op op;

	for (p = u->ops.first; p; p = p->next) {
		msg_begin(&at, p->ops, p->len);
		while (unit_op_next(&at, &op)) {
			*dispatches += op.kind == MSG_OP_DISPATCH;
			*values += op.kind == MSG_OP_SET ||
			    op.kind == MSG_OP_DELETE;
		}
	}
}

/* A unit of a worker that has been replaced: nobody was told it counted. */
static void
drop_stale(const struct unit *u)
{
	unsigned dispatches = 0, values = 0;

	count(u, &dispatches, &values);
	child_log(u->child, LOG_WARNING, "a unit of generation %llu (%u "
	    "dispatches, %u values) came after generation %llu had taken "
	    "over, and is undone",
	    (unsigned long long)u->child->generation, dispatches, values,
	    (unsigned long long)u->overtaken_by);
	child_kill(u->child, "its generation is over");
}

/* change_done_fn: acknowledges, and shows what `run` shows. */
static void
unit_done(struct change *change)
{
	struct unit *u = (struct unit *)change;

	u->child->units_waiting--;
	if (u->overtaken_by) {
		drop_stale(u);
	} else {
		show(u);
		acknowledge(u->child, u->id);
	}
	if (u->after)
		u->after(u->arg);
	unit_drop(change);
}

/*
 * Makes the change of a COMMIT whose body has been checked; what was sent
 * ahead is in it, or undone.
 */
static struct unit *
unit_new(struct child *c, uint32_t id, const uint8_t *body, size_t len)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	u->child = child_ref(c);
	u->id = id;
	if (body[0] & MSG_UNIT_AHEAD)
		u->ops = unit_parts_take(&c->ahead);
	else
		unit_parts_release(&c->ahead);
	unit_parts_add(&u->ops, body + 1, len - 1);
	u->change = (struct change){.stage = unit_stage, .done = unit_done,
	    .drop = unit_drop, .size = sizeof(*u) + u->ops.len,
	    .takes_in = true};
	c->units_waiting++;
	return u;
}

/* The body of a PART or COMMIT; -1: the worker is ended for it. */
static int
check_body(struct child *c, const struct frame *f)
{
	size_t ahead = 0;
	struct err e;

	if (c->state < CHILD_STARTED || c->reported) {
		child_bad(c, "a unit out of place");
		return -1;
	}
	if (f->len < 1 || unit_ops_check(f->body + 1, f->len - 1,
	    known_trigger, store_view(c->ctx->store, 0), &e) != 0) {
		child_bad(c, "a malformed unit: %s",
		    f->len < 1 ? "it is empty" : e.text);
		return -1;
	}
	if (f->body[0] & MSG_UNIT_AHEAD)
		ahead = c->ahead.len;
	if (ahead + f->len > c->peer.max_message) {
		child_bad(c, "a unit that is too large");
		return -1;
	}
	return 0;
}

void
intake_part(struct child *c, const struct frame *f)
{
	if (check_body(c, f) != 0)
		return;
	if (!(f->body[0] & MSG_UNIT_AHEAD))
		unit_parts_release(&c->ahead);
	if (f->len >= MSG_PART_MIN)
		unit_parts_add(&c->ahead, f->body + 1, f->len - 1);
	else if (f->len > 1)
		child_bad(c, "a part of %u bytes", f->len);
}

void
intake_commit(struct child *c, const struct frame *f)
{
	if (check_body(c, f) != 0)
		return;
	if ((f->body[0] & MSG_UNIT_SETUP) && c->owner &&
	    c->ops->setup_unit(c, f->id, f->body, f->len))
		return;
	if ((f->body[0] & MSG_UNIT_LAST) && c->owner &&
	    c->ops->cleanup_unit(c)) {
		acknowledge(c, f->id);
		return;
	}
	turn_add(&c->ctx->turn,
	    &unit_new(c, f->id, f->body, f->len)->change);
}

struct change *
intake_held_unit(struct child *c, uint32_t id, const void *body, size_t len,
    void (*before)(void *arg, struct store *s), void (*done)(void *arg),
    void *arg)
{
	struct unit *u = unit_new(c, id, body, len);

	u->before = before;
	u->after = done;
	u->arg = arg;
	return &u->change;
}
