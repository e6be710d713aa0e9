/*
 * Cursors of the journal's consumers. Core moves them, in the turn that
 * answers the consumer's acknowledgement; retention asks for the least. Owns
 * the table `cursor`: consumer's name to place, times and trigger glob.
 */
#include "store/cursor.h"

#include "base/must.h"
#include "store/store_impl.h"

struct cursor_header {
	uint64_t next;
	int64_t created_us;
	int64_t modified_us;
};

static bool
decode(struct span value, struct cursor *out)
{
	struct cursor_header header;

	if (value.len < sizeof(header))
		return false;
	memcpy(&header, value.data, sizeof(header));
	out->next = header.next;
	out->created_us = header.created_us;
	out->modified_us = header.modified_us;
	out->glob = span_of((const char *)value.data + sizeof(header),
	    value.len - sizeof(header));
	return true;
}

bool
cursor_get(struct view *v, struct span name, struct cursor *out)
{
	struct span value;

	return txn_get(v->txn, TABLE_CURSOR, name, &value) &&
	    decode(value, out);
}

void
cursor_set(struct store *s, struct span name, uint64_t next, struct span glob)
{
	struct cursor old;
	struct cursor_header header = {
		.next = next,
		.created_us = s->turn.time_us,
		.modified_us = s->turn.time_us,
	};
	char copy[CURSOR_GLOB_MAX];
	char *p;

	must(name.len >= 1 && name.len <= CURSOR_NAME_MAX);
	must(glob.len <= CURSOR_GLOB_MAX);
	if (cursor_get(turn_view(s), name, &old))
		header.created_us = old.created_us;
	/* The glob may be borrowed from the very entry that is replaced. */
	if (glob.len > 0)
		memcpy(copy, glob.data, glob.len);
	p = txn_reserve(s->txn, TABLE_CURSOR, name, sizeof(header) + glob.len);
	if (p == NULL)
		return;
	memcpy(p, &header, sizeof(header));
	memcpy(p + sizeof(header), copy, glob.len);
}

bool
cursor_move(struct store *s, struct span name, uint64_t next)
{
	struct cursor there;

	if (!cursor_get(turn_view(s), name, &there))
		return false;
	cursor_set(s, name, next, there.glob);
	return true;
}

bool
cursor_delete(struct store *s, struct span name)
{
	return txn_delete(s->txn, TABLE_CURSOR, name);
}

void
cursor_list(struct view *v, cursor_fn *fn, void *arg)
{
	struct scan *scan = scan_open(v->txn, TABLE_CURSOR);
	struct span name, value;
	struct cursor cursor;
	bool more = scan_to(scan, SCAN_FIRST, &name, &value);

	while (more && decode(value, &cursor) && fn(arg, name, &cursor))
		more = scan_to(scan, SCAN_NEXT, &name, &value);
	scan_close(scan);
}

struct least {
	uint64_t next;
	struct span name;
};

/* cursor_fn: keeps the one that is furthest behind. */
static bool
keep_least(void *arg, struct span name, const struct cursor *cursor)
{
	struct least *least = arg;

	if (cursor->next < least->next)
		*least = (struct least){ cursor->next, name };
	return true;
}

uint64_t
cursor_least(struct view *v, struct span *name)
{
	struct least least = { UINT64_MAX, { "", 0 } };

	cursor_list(v, keep_least, &least);
	if (name != NULL)
		*name = least.name;
	return least.next;
}
