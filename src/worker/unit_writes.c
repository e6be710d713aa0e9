/*
 * What a unit says of the keys that it sets and deletes: where the latest
 * word on each is, so that a sensor reads its own writes. Called by unit.c and
 * by the datastore's bindings. It must never look for a write in what was
 * sent ahead: nothing leaves ahead once the unit holds one.
 */
#include <string.h>

#include "base/must.h"
#include "worker/unit_private.h"

void
unit_note_write(struct unit *u, const char *key, size_t keylen, size_t at)
{
	if (!u->writes)
		u->writes = dict_new();
	dict_set(u->writes, key, keylen, (void *)(uintptr_t)(at + 1));
}

/* Where the latest word on a key is; false if there is none. */
static bool
find_write(const struct unit *u, const char *key, size_t keylen, size_t *at)
{
	void *found = u->writes ? dict_get(u->writes, key, keylen) : NULL;

	*at = (size_t)(uintptr_t)found - 1;
	return found != NULL;
}

void
unit_replace_set(struct unit *u, const char *key, size_t keylen)
{
	size_t at;
	uint32_t n;

	if (!find_write(u, key, keylen, &at) || at + 1 < u->mark ||
	    u->body.data[at] != MSG_OP_SET)
		return;
	n = HEAD_SET + unit_u16(u, at + 2) + unit_u32(u, at + 4) - HEAD_SKIP;
	memset(u->body.data + at, 0, HEAD_SKIP);
	u->body.data[at] = MSG_OP_SKIP;
	memcpy(u->body.data + at + 4, &n, sizeof(n));
	u->n.values--;
}

/* Fills *w from the operation at `at`. */
static enum unit_known
read_write(const struct unit *u, size_t at, struct unit_write *w)
{
	if (u->body.data[at] == MSG_OP_DELETE)
		return UNIT_DELETED;
	w->sealed = u->body.data[at + 1] & MSG_SET_SEALED;
	w->len = unit_u32(u, at + 4);
	memcpy(&w->ttl, u->body.data + at + 8, sizeof(w->ttl));
	w->value = u->body.data + at + HEAD_SET + unit_u16(u, at + 2);
	return UNIT_SET;
}

void
unit_settle(struct unit *u)
{
	const char *key = (const char *)u->moved.data;
	size_t keylen = u->moved_key, room = HEAD_SET + u->moved.len;
	struct err e;

	if (keylen == 0)
		return;
	u->moved_key = 0;
	u->n.values--;
	u->limit += room; /* which unit_move has counted */
	must(unit_set(u, key, keylen, key + keylen, u->moved.len - keylen, 0,
	    false, &e) == 0);
	u->limit -= room;
}

enum unit_known
unit_get(struct unit *u, const char *key, size_t len,
    struct unit_write *w)
{
	size_t at;

	if (u->moved_key == len && memcmp(u->moved.data, key, len) == 0)
		unit_settle(u);
	if (!find_write(u, key, len, &at))
		return UNIT_UNKNOWN;
	return read_write(u, at, w);
}

void
unit_each(struct unit *u, const char *prefix, size_t len,
    unit_each_fn *fn, void *arg)
{
	struct unit_write w;
	const char *key;
	size_t at = 0, keylen;
	void *value;

	unit_settle(u);
	while (u->writes && dict_next(u->writes, &at, &key, &keylen, &value)) {
		size_t op = (size_t)(uintptr_t)value - 1;

		if (keylen < len || memcmp(key, prefix, len) != 0)
			continue;
		fn(arg, key, keylen,
		    read_write(u, op, &w) == UNIT_SET ? &w : NULL);
	}
}

/* The size of the operation at `at`. */
static size_t
op_size(const struct unit *u, size_t at)
{
	switch (u->body.data[at]) {
	case MSG_OP_DISPATCH:
		return HEAD_DISPATCH + unit_u16(u, at + 2) +
		    unit_u32(u, at + 8);
	case MSG_OP_SET:
		return HEAD_SET + unit_u16(u, at + 2) + unit_u32(u, at + 4);
	case MSG_OP_DELETE:
		return HEAD_DELETE + unit_u16(u, at + 2);
	case MSG_OP_POLLED:
		return HEAD_POLLED;
	default:
		return HEAD_DEAD + unit_u32(u, at + 4); /* DEAD, SKIP */
	}
}

void
unit_renote_writes(struct unit *u)
{
	const char *body;
	size_t at, size;

	dict_free(&u->writes, NULL);
	body = (const char *)u->body.data;
	for (at = 1; at < u->body.len; at += size) {
		uint8_t op = u->body.data[at];

		size = op_size(u, at);
		if (op == MSG_OP_SET)
			unit_note_write(u, body + at + HEAD_SET,
			    unit_u16(u, at + 2), at);
		else if (op == MSG_OP_DELETE)
			unit_note_write(u, body + at + HEAD_DELETE,
			    unit_u16(u, at + 2), at);
	}
}
