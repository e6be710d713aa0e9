/*
 * Cursors of the journal's consumers. Core moves them, in the turn that
 * answers the consumer's acknowledgement; retention asks for the least. Owns
 * the table `cursor`: consumer's name to place, times and trigger glob.
 */
#include "store/cursor.h"

#include "base/must.h"
#include "store/record.h"
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
	/* No sequence; half a stamp may look like one. */
	if (header.next >> 62 != 0 && header.next != UINT64_MAX)
		return false;
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

	if (!record_get(v->txn, TABLE_CURSOR, name, &value))
		return false;
	if (decode(value, out))
		return true;
	txn_damage(v->txn);
	return false;
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
	char record[sizeof(header) + CURSOR_GLOB_MAX];

	must(name.len >= 1 && name.len <= CURSOR_NAME_MAX);
	must(glob.len <= CURSOR_GLOB_MAX);
	if (cursor_get(turn_view(s), name, &old))
		header.created_us = old.created_us;
	/* The glob may be borrowed from the very entry that is replaced. */
	memcpy(record, &header, sizeof(header));
	if (glob.len > 0)
		memcpy(record + sizeof(header), glob.data, glob.len);
	record_put(s->txn, TABLE_CURSOR, name, span_of(record,
	    sizeof(header) + glob.len));
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

	while (more) {
		if (!record_open(name, value, &value) ||
		    !decode(value, &cursor)) {
			txn_damage(v->txn);
			break;
		}
		more = fn(arg, name, &cursor) &&
		    scan_to(scan, SCAN_NEXT, &name, &value);
	}
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
