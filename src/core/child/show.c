/*
 * What `run` shows on stderr of each committed unit: dead letters as JSON
 * lines and, in a dry run, the changes of the datastore. Called after the
 * commit. It must never show the plain text of a sealed value, nor a secret.
 */
#include "core/child/show.h"

#include <string.h>

#include "base/js.h"
#include "base/log.h"
#include "core/child/unit_ops.h"
#include "core/state/context.h"
#include "pack/pack.h"
#include "store/dead_letter.h"
#include "store/instance.h"

#define VALUE_SHOWN 1000u

/* Appends text in quotes. */
static void
put_text(struct buf *b, struct span text)
{
	js_put_string_lossy(b, text.data, text.len);
}

/* A dead letter as one JSON line. */
static void
put_letter(struct buf *b, const struct unit_op *op, const char *sensor)
{
	struct dead_letter l = {0};

	unit_op_letter(op, &l);
	l.sensor = span_of(sensor, strlen(sensor));
	l.time_us = 0;
	letter_put_json(b, &l);
	buf_putc(b, '\n');
}

/* What a dry run would have stored. */
static void
put_write(struct buf *b, const struct unit_op *op)
{
	size_t shown = op->payload.len < VALUE_SHOWN ? op->payload.len :
	    VALUE_SHOWN;

	if (op->kind == MSG_OP_DELETE) {
		buf_puts(b, "dry run: would delete ");
		put_text(b, op->key);
		buf_putc(b, '\n');
		return;
	}
	buf_puts(b, "dry run: would set ");
	put_text(b, op->key);
	buf_puts(b, " = ");
	buf_put(b, op->payload.data, shown);
	if (shown < op->payload.len)
		buf_printf(b, "... (%zu bytes)", op->payload.len);
	if (op->ttl_us)
		buf_printf(b, " for %.6g s", (double)op->ttl_us / 1e6);
	buf_putc(b, '\n');
}

void
show_unit(const struct child *c, const void *ops, size_t len)
{
	struct buf text = {0};
	struct msg_cursor at;
	struct unit_op op;

	c->ctx->fresh = true;
	if (!c->ctx->shows)
		return;
	msg_begin(&at, ops, len);
	while (unit_op_next(&at, &op)) {
		if (op.kind == MSG_OP_DEAD)
			put_letter(&text, &op, c->meta->ref);
		else if (c->ctx->dry_run && (op.kind == MSG_OP_SET ||
		    op.kind == MSG_OP_DELETE))
			put_write(&text, &op);
		if (text.len == 0)
			continue;
		child_mask(c, &text, false);
		log_lines(&text);
		text.len = 0;
	}
	buf_release(&text);
}
