/*
 * Joins units: what a task did that ended while its sensor was set up goes
 * with the unit of setup. Called by task_setup.c. Operations are written anew,
 * so that the unit knows them as its own; none may be lost or cut on the way.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "worker/unit.h"

/* One operation of DISPATCH; the cursor is behind its first two fields. */
static int
join_dispatch(struct unit *u, struct msg_cursor *m, struct err *e)
{
	uint16_t trace_len = msg_get_u16(m);
	uint32_t trigger = msg_get_u32(m), len = msg_get_u32(m);
	const char *trace = (const char *)msg_get_raw(m, trace_len);
	size_t head = unit_open_dispatch(u, trigger, trace, trace_len);

	buf_put(&u->body, msg_get_raw(m, len), len);
	return unit_close_dispatch(u, head, e);
}

/* One of SET; a sealed value can be read by this unit, too. */
static int
join_set(struct unit *u, const struct unit *from, uint8_t flags,
    struct msg_cursor *m, struct err *e)
{
	uint16_t key_len = msg_get_u16(m);
	uint32_t len = msg_get_u32(m);
	int64_t ttl = msg_get_i64(m);
	const char *key = (const char *)msg_get_raw(m, key_len);
	const uint8_t *value = msg_get_raw(m, len);
	const char *plain = unit_plain(from, key, key_len);

	if (flags & MSG_SET_SEALED && plain)
		unit_set_plain(u, key, key_len, plain, strlen(plain));
	return unit_set(u, key, key_len, value, len, ttl,
	    flags & MSG_SET_SEALED, e);
}

/* One of DEAD. */
static int
join_dead(struct unit *u, uint8_t flags, struct msg_cursor *m, struct err *e)
{
	struct unit_dead d = {.cut = flags & 1};
	char *texts[6];
	size_t i;
	int r;

	msg_get_u16(m);
	msg_get_u32(m);
	memcpy(d.id, msg_get_raw(m, MSG_KEY_DEAD_ID), MSG_KEY_DEAD_ID);
	for (i = 0; i < 6; i++)
		texts[i] = msg_get_text(m);
	d.trigger = texts[0];
	d.kind = texts[1];
	d.path = texts[2];
	d.keyword = texts[3];
	d.message = texts[4];
	d.place = texts[5];
	d.payload = msg_get_bytes(m, &d.len);
	r = unit_dead(u, &d, e);
	for (i = 0; i < 6; i++)
		free(texts[i]);
	return r;
}

/* The operation at the cursor. */
static int
join_op(struct unit *u, const struct unit *from, struct msg_cursor *m,
    struct err *e)
{
	uint8_t op = msg_get_u8(m), flags = msg_get_u8(m);
	uint16_t n;

	switch (op) {
	case MSG_OP_DISPATCH:
		return join_dispatch(u, m, e);
	case MSG_OP_SET:
		return join_set(u, from, flags, m, e);
	case MSG_OP_DELETE:
		n = msg_get_u16(m);
		return unit_delete(u, (const char *)msg_get_raw(m, n), n, e);
	case MSG_OP_DEAD:
		return join_dead(u, flags, m, e);
	default:
		must(op == MSG_OP_SKIP); /* POLLED is a poll's alone */
		msg_get_u16(m);
		msg_get_raw(m, msg_get_u32(m));
		return 0;
	}
}

int
unit_join(struct unit *u, struct unit *from, struct err *e)
{
	const size_t limit = u->limit;
	struct unit_point before;
	struct msg_cursor m;
	int r = 0;

	if (unit_empty(from))
		return 0;
	unit_seal(from);
	before = unit_mark(u);
	if (unit_empty(u))
		u->limit += from->body.len; /* what fits there fits here */
	msg_begin(&m, from->body.data + 1, from->body.len - 1);
	while (r == 0 && m.at != m.end) {
		r = join_op(u, from, &m, e);
		must(!m.bad);
	}
	u->limit = limit;
	if (r != 0) {
		unit_rewind(u, before);
		return -1;
	}
	unit_accept(u, before);
	unit_reset(from);
	return 0;
}
