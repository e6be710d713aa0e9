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

/* cursor_fn */
static bool
pass(void *arg, struct span name, const struct cursor *cursor)
{
	(void)arg, (void)name, (void)cursor;
	return true;
}

enum read_result
cursor_get(struct view *v, struct span name, struct cursor *out)
{
	struct span value;
	enum read_result r = record_get(v->txn, TABLE_CURSOR, name, &value);

	if (r == READ_FOUND && !decode(value, out))
		r = txn_damage(v->txn, TABLE_CURSOR, name);
	/* They are few: all must be there for this one to be missing. */
	if (r == READ_MISSING && cursor_list(v, pass, NULL) == READ_FAILED)
		r = READ_FAILED;
	return r;
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
	if (cursor_get(turn_view(s), name, &old) == READ_FOUND)
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

	if (cursor_get(turn_view(s), name, &there) != READ_FOUND)
		return false;
	cursor_set(s, name, next, there.glob);
	return true;
}

bool
cursor_delete(struct store *s, struct span name)
{
	return txn_delete(s->txn, TABLE_CURSOR, name);
}

enum read_result
cursor_list(struct view *v, cursor_fn *fn, void *arg)
{
	struct scan *scan = scan_open(v->txn, TABLE_CURSOR);
	struct span name, value;
	struct cursor cursor;
	enum read_result r = scan_to(scan, SCAN_FIRST, &name, &value);
	bool any = r == READ_FOUND;

	while (r == READ_FOUND) {
		if (!record_open(name, value, &value) ||
		    !decode(value, &cursor))
			r = txn_damage(v->txn, TABLE_CURSOR, name);
		else if (!fn(arg, name, &cursor))
			break;
		else
			r = scan_to(scan, SCAN_NEXT, &name, &value);
	}
	scan_close(scan);
	return r == READ_FAILED ? r : any ? READ_FOUND : READ_MISSING;
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

enum read_result
cursor_least(struct view *v, uint64_t *seq, struct span *name)
{
	struct least least = { UINT64_MAX, { "", 0 } };
	enum read_result r = cursor_list(v, keep_least, &least);

	*seq = least.next;
	if (name != NULL)
		*name = least.name;
	return r;
}
