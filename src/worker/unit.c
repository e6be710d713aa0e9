/*
 * Units of work: operations are written into the body of the PART or COMMIT
 * to come, as they happen. Called by the service's bindings, through the
 * running task; sent by task_wait.c. Never sends anything itself, and never
 * changes operations that lie before the innermost attempt.
 */
#include "worker/unit_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "base/xalloc.h"

#define KEEP (64u * 1024u)
#define AHEAD (64u * 1024u) /* worth a message of its own */

void
unit_init(struct unit *u, size_t limit)
{
	*u = (struct unit){.limit = limit};
}

void
unit_release(struct unit *u)
{
	if (!u->body.data && !u->writes && !u->plain && !u->hooks)
		return; /* nothing was ever put into it */
	buf_release(&u->body);
	buf_release(&u->moved);
	dict_free(&u->writes, NULL);
	dict_free(&u->plain, free);
	free(u->hooks);
	u->hooks = NULL;
}

bool
unit_empty(const struct unit *u)
{
	return u->body.len == 0 && u->ahead == 0 && u->nhooks == 0;
}

/*
 * The first operation of a unit is preceded by its flags. A dispatch that an
 * error broke off while its payload was written is taken away.
 */
static void
begin(struct unit *u)
{
	if (u->pending)
		u->body.len = u->pending - 1;
	u->pending = 0;
	if (u->body.len == 0)
		msg_put_u8(&u->body, u->flags |
		    (u->ahead > 0 ? MSG_UNIT_AHEAD : 0));
}

/* Fails, with the body as it was at len, when the unit is too large. */
static int
check_limit(struct unit *u, size_t len, struct err *e)
{
	size_t moved = u->moved_key ? HEAD_SET + u->moved.len : 0;
	char limit[UNITS_TEXT];

	if (u->ahead + u->body.len + moved <= u->limit)
		return 0;
	u->body.len = len;
	return err_set(e, "this unit of work would be larger than "
	    "limits.unit (%s): commit earlier, with "
	    "self.sensor_service:commit() every so many dispatches",
	    units_size_print(u->limit, limit));
}

/* The eight bytes that nearly every operation begins with. */
static void
put_head(struct buf *b, uint8_t op, uint8_t flags, uint16_t small,
    uint32_t large)
{
	uint8_t *p = buf_extend(b, 8);

	p[0] = op;
	p[1] = flags;
	memcpy(p + 2, &small, sizeof(small));
	memcpy(p + 4, &large, sizeof(large));
}

size_t
unit_open_dispatch(struct unit *u, uint32_t trigger, const char *trace,
    size_t tracelen)
{
	size_t head;

	must(tracelen <= UINT16_MAX);
	begin(u);
	head = u->body.len;
	u->pending = head + 1;
	put_head(&u->body, MSG_OP_DISPATCH, 0, (uint16_t)tracelen, trigger);
	msg_put_u32(&u->body, 0);
	buf_put(&u->body, trace, tracelen);
	return head;
}

int
unit_close_dispatch(struct unit *u, size_t head, struct err *e)
{
	size_t start = head + HEAD_DISPATCH + unit_u16(u, head + 2);
	uint32_t len = (uint32_t)(u->body.len - start);

	memcpy(u->body.data + head + 8, &len, sizeof(len));
	u->pending = 0;
	if (check_limit(u, head, e) != 0)
		return -1;
	u->n.dispatches++;
	return 0;
}

void
unit_cancel(struct unit *u, size_t head)
{
	u->body.len = head;
	u->pending = 0;
}

int
unit_set(struct unit *u, const char *key, size_t keylen, const void *value,
    size_t len, int64_t ttl, bool sealed, struct err *e)
{
	size_t at;

	must(keylen > 0 && keylen <= MSG_KEY_MAX && len <= UINT32_MAX);
	unit_settle(u);
	begin(u);
	at = u->body.len;
	put_head(&u->body, MSG_OP_SET, sealed ? MSG_SET_SEALED : 0,
	    (uint16_t)keylen, (uint32_t)len);
	msg_put_i64(&u->body, ttl);
	buf_put(&u->body, key, keylen);
	buf_put(&u->body, value, len);
	if (check_limit(u, at, e) != 0)
		return -1;
	unit_replace_set(u, key, keylen);
	unit_note_write(u, key, keylen, at);
	u->n.values++;
	return 0;
}

int
unit_delete(struct unit *u, const char *key, size_t keylen, struct err *e)
{
	size_t at;

	must(keylen > 0 && keylen <= MSG_KEY_MAX);
	unit_settle(u);
	begin(u);
	at = u->body.len;
	msg_put_u8(&u->body, MSG_OP_DELETE);
	msg_put_u8(&u->body, 0);
	msg_put_u16(&u->body, (uint16_t)keylen);
	buf_put(&u->body, key, keylen);
	if (check_limit(u, at, e) != 0)
		return -1;
	unit_note_write(u, key, keylen, at);
	u->n.values++;
	return 0;
}

int
unit_move(struct unit *u, const char *key, size_t keylen, const void *value,
    size_t len, struct err *e)
{
	if (u->mark)
		return unit_set(u, key, keylen, value, len, 0, false, e);
	must(keylen > 0 && keylen <= MSG_KEY_MAX && len <= UINT32_MAX);
	if (u->moved_key != keylen || memcmp(u->moved.data, key, keylen) != 0)
		unit_settle(u);
	begin(u);
	if (u->ahead + u->body.len + HEAD_SET + keylen + len > u->limit)
		return unit_set(u, key, keylen, value, len, 0, false, e);
	if (u->moved_key == 0) {
		u->moved.len = 0;
		buf_put(&u->moved, key, keylen);
		u->moved_key = keylen;
		u->n.values++;
	}
	u->moved.len = keylen;
	buf_put(&u->moved, value, len);
	return 0;
}

int
unit_dead(struct unit *u, const struct unit_dead *d, struct err *e)
{
	size_t at;
	uint32_t len;

	begin(u);
	at = u->body.len;
	put_head(&u->body, MSG_OP_DEAD, d->cut, 0, 0);
	buf_put(&u->body, d->id, MSG_KEY_DEAD_ID);
	msg_put_str(&u->body, d->trigger);
	msg_put_str(&u->body, d->kind);
	msg_put_str(&u->body, d->path);
	msg_put_str(&u->body, d->keyword);
	msg_put_str(&u->body, d->message);
	msg_put_str(&u->body, d->place);
	msg_put_bytes(&u->body, d->payload, d->len);
	len = (uint32_t)(u->body.len - at - HEAD_DEAD);
	memcpy(u->body.data + at + 4, &len, sizeof(len));
	if (check_limit(u, at, e) != 0)
		return -1;
	u->n.dead++;
	return 0;
}

void
unit_polled(struct unit *u, int64_t unix_us)
{
	begin(u);
	put_head(&u->body, MSG_OP_POLLED, 0, 0, 0);
	msg_put_i64(&u->body, unix_us);
}

struct unit_point
unit_mark(struct unit *u)
{
	struct unit_point p;

	unit_settle(u);
	p = (struct unit_point){u->epoch, u->body.len, u->mark, u->n,
	    u->nhooks};
	u->mark = u->body.len + 1;
	return p;
}

void
unit_rewind(struct unit *u, struct unit_point p)
{
	bool writes;

	if (p.epoch != u->epoch) {
		p = (struct unit_point){.len = 0};
		u->ahead = 0;
	}
	must(p.len <= u->body.len);
	writes = u->writes && u->body.len > p.len;
	u->pending = 0;
	u->moved_key = 0; /* what moved before p is in the body */
	u->body.len = p.len;
	u->mark = p.mark;
	u->n = p.n;
	if (p.nhooks < u->nhooks)
		u->nhooks = p.nhooks;
	if (writes)
		unit_renote_writes(u);
}

void
unit_accept(struct unit *u, struct unit_point p)
{
	u->mark = p.epoch == u->epoch ? p.mark : 0;
}

int
unit_hook(struct unit *u, unit_hook_fn *fn, void *arg, struct err *e)
{
	unsigned i;

	for (i = 0; i < u->nhooks; i++)
		if (u->hooks[i].fn == fn && u->hooks[i].arg == arg)
			return 0;
	if (u->nhooks == UNIT_HOOKS)
		return err_set(e, "one unit of work takes at most %d "
		    "positions along: commit earlier", UNIT_HOOKS);
	if (!u->hooks)
		u->hooks = xcalloc(UNIT_HOOKS, sizeof(*u->hooks));
	u->hooks[u->nhooks++] = (struct unit_hook){fn, arg};
	return 0;
}

void
unit_unhook(struct unit *u, const void *arg)
{
	unsigned i, kept = 0;

	for (i = 0; i < u->nhooks; i++)
		if (u->hooks[i].arg != arg)
			u->hooks[kept++] = u->hooks[i];
	u->nhooks = kept;
}

void
unit_seal(struct unit *u)
{
	unsigned i;

	/* A position is small: the limit gives way for it. */
	u->limit += MSG_KEY_MAX * 16u * UNIT_HOOKS;
	unit_settle(u);
	for (i = 0; i < u->nhooks; i++)
		u->hooks[i].fn(u, u->hooks[i].arg);
	u->limit -= MSG_KEY_MAX * 16u * UNIT_HOOKS;
	u->nhooks = 0;
	begin(u);
}

bool
unit_may_leave(const struct unit *u)
{
	return u->body.len >= AHEAD && !u->mark && !u->writes && !u->pending &&
	    !u->open;
}

void
unit_sent_ahead(struct unit *u)
{
	u->ahead += u->body.len - 1;
	u->body.len = 0;
}

void
unit_reset(struct unit *u)
{
	buf_reset(&u->body, KEEP);
	buf_reset(&u->moved, KEEP);
	u->moved_key = 0;
	dict_free(&u->writes, NULL);
	dict_free(&u->plain, free);
	u->n = (struct unit_counts){0};
	u->ahead = 0;
	u->nhooks = 0;
	u->mark = 0;
	u->pending = 0;
	u->epoch++;
	u->flags = 0;
}
