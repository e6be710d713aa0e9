/*
 * The operations inside a unit: reading and checking them. Pure functions
 * over bytes that a hostile worker may have written; called by intake.c when
 * a unit arrives (check) and when it is staged (read). A fuzz target.
 */
#include "core/child/unit_ops.h"

#include <string.h>

#include "base/js.h"
#include "store/dead_letter.h"
#include "store/journal.h"

#define PAYLOAD_MAX (8u * 1024u * 1024u)
#define DEAD_REST_MAX (DEAD_LETTER_PAYLOAD_MAX + 64u * 1024u)
#define TTL_MAX_US (INT64_C(1) << 53)
#define LETTER_REF_MAX 512u
#define LETTER_TEXT_MAX 8192u

/* n bytes as a span. */
static struct span
take(struct msg_cursor *at, size_t n)
{
	return span_of(msg_get_raw(at, n), at->bad ? 0 : n);
}

bool
unit_op_next(struct msg_cursor *at, struct unit_op *op)
{
	uint8_t flags;
	uint16_t small;
	uint32_t large;

	if (at->bad || at->at == at->end)
		return false;
	*op = (struct unit_op){.kind = msg_get_u8(at)};
	flags = msg_get_u8(at);
	small = msg_get_u16(at);
	op->sealed = flags & MSG_SET_SEALED;
	op->cut = flags & 1;
	switch (op->kind) {
	case MSG_OP_DISPATCH:
		op->trigger = msg_get_u32(at);
		large = msg_get_u32(at);
		op->trace = take(at, small);
		op->payload = take(at, large);
		break;
	case MSG_OP_SET:
		large = msg_get_u32(at);
		op->ttl_us = msg_get_i64(at);
		op->key = take(at, small);
		op->payload = take(at, large);
		break;
	case MSG_OP_DELETE:
		op->key = take(at, small);
		break;
	case MSG_OP_DEAD:
	case MSG_OP_SKIP:
		large = msg_get_u32(at);
		op->payload = take(at, large);
		break;
	case MSG_OP_POLLED:
		msg_get_u32(at);
		op->ttl_us = msg_get_i64(at);
		break;
	default:
		at->bad = true;
	}
	return !at->bad;
}

/* A key: 1 to MSG_KEY_MAX bytes of UTF-8. */
static int
check_key(struct span key, struct err *e)
{
	if (key.len == 0 || key.len > MSG_KEY_MAX)
		return err_set(e, "a key of %zu bytes", key.len);
	if (!js_utf8_valid(key.data, key.len))
		return err_set(e, "a key that is not UTF-8");
	return 0;
}

/* A dispatch: a known trigger, JSON objects. */
static int
check_dispatch(const struct unit_op *op, unit_trigger_fn *known, void *arg,
    struct err *e)
{
	if (op->payload.len > PAYLOAD_MAX)
		return err_set(e, "a payload of %zu bytes", op->payload.len);
	if (!known(arg, op->trigger))
		return err_set(e, "no trigger has the number %u", op->trigger);
	if (js_check_object(op->payload.data, op->payload.len, JS_DEPTH, e))
		return err_prefix(e, "a payload");
	if (op->trace.len && js_check_object(op->trace.data, op->trace.len,
	    JS_DEPTH, e))
		return err_prefix(e, "a trace context");
	return 0;
}

/* A value to be stored. */
static int
check_set(const struct unit_op *op, struct err *e)
{
	if (op->ttl_us < 0 || op->ttl_us > TTL_MAX_US)
		return err_set(e, "a time to live out of range");
	if (check_key(op->key, e))
		return -1;
	if (js_check_value(op->payload.data, op->payload.len, JS_DEPTH, e))
		return err_prefix(e, "a value");
	return 0;
}

/* Reads the fields of a dead letter; false if they are malformed. */
static bool
read_letter(const struct unit_op *op, struct dead_letter *l)
{
	struct span *const texts[] = {&l->trigger, &l->kind, &l->path,
	    &l->keyword, &l->message, &l->place};
	struct msg_cursor m;
	bool fits = true;
	size_t i;

	*l = (struct dead_letter){.truncated = op->cut};
	msg_begin(&m, op->payload.data, op->payload.len);
	l->id = take(&m, MSG_KEY_DEAD_ID);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		texts[i]->data = msg_get_bytes(&m, &texts[i]->len);
		fits = fits && texts[i]->len <= LETTER_TEXT_MAX &&
		    js_utf8_valid(texts[i]->data, texts[i]->len);
	}
	l->payload.data = msg_get_bytes(&m, &l->payload.len);
	return msg_end(&m) && fits && l->trigger.len <= LETTER_REF_MAX;
}

/* A dead letter. */
static int
check_dead(const struct unit_op *op, struct err *e)
{
	struct dead_letter l;

	if (op->payload.len > DEAD_REST_MAX || !read_letter(op, &l) ||
	    !dead_letter_id_valid(l.id.data, l.id.len))
		return err_set(e, "a malformed dead letter");
	if (l.payload.len > DEAD_LETTER_PAYLOAD_MAX ||
	    !js_utf8_valid(l.payload.data, l.payload.len))
		return err_set(e, "a dead letter with a bad payload");
	return 0;
}

/* One operation. */
static int
check_op(const struct unit_op *op, unit_trigger_fn *known, void *arg,
    struct err *e)
{
	switch (op->kind) {
	case MSG_OP_DISPATCH:
		return check_dispatch(op, known, arg, e);
	case MSG_OP_SET:
		return check_set(op, e);
	case MSG_OP_DELETE:
		return check_key(op->key, e);
	case MSG_OP_DEAD:
		return check_dead(op, e);
	case MSG_OP_POLLED:
		return op->ttl_us < 0 ? err_set(e, "a poll before 1970") : 0;
	default:
		return 0;
	}
}

int
unit_ops_check(const void *ops, size_t len, unit_trigger_fn *known,
    void *arg, struct err *e)
{
	struct msg_cursor at;
	struct unit_op op;

	msg_begin(&at, ops, len);
	while (unit_op_next(&at, &op))
		if (check_op(&op, known, arg, e))
			return -1;
	return at.bad ? err_set(e, "a broken operation") : 0;
}

void
unit_op_letter(const struct unit_op *op, struct dead_letter *letter)
{
	read_letter(op, letter);
}
