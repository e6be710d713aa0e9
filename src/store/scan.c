/*
 * Cursors over tables. Called by the other files of store/ through env.h. They
 * trust no page: what comes in a wrong order, twice, or more often than there
 * are entries ends the walk as a failure, never as its end.
 */
#include "store/env_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

struct scan *
scan_open(struct txn *t, enum table table)
{
	struct scan *s;
	MDB_cursor *cursor;

	must(t->open);
	if (t->fault != 0 || txn_result(t, lmdb(mdb_cursor_open(t->handle,
	    t->env->tables[table], &cursor))) != READ_FOUND)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->txn = t;
	s->handle = cursor;
	s->table = table;
	s->left = txn_count(t, table);
	return s;
}

void
scan_close(struct scan *s)
{
	if (s == NULL)
		return;
	mdb_cursor_close(s->handle);
	free(s);
}

/* Whether a is before b; false as well for what is no key of the table. */
static bool
is_before(enum table table, struct span a, struct span b)
{
	size_t number = table_kinds[table].number;
	uint64_t x = 0, y = 0;

	if (number == 0)
		return span_compare(a, b) < 0;
	if (a.len != number || b.len != number)
		return false;
	memcpy(&x, a.data, number);
	memcpy(&y, b.data, number);
	return x < y;
}

/* Whether the scan can be at that key: in a damaged table it may not. */
static bool
may_be_at(const struct scan *s, struct span key)
{
	size_t number = table_kinds[s->table].number;

	return (number == 0 || key.len == number) &&
	    (s->last.data == NULL || is_before(s->table, s->last, key));
}

/* Notes one more entry of a scan. */
static enum read_result
come_by(struct scan *s, struct span key)
{
	if (!may_be_at(s, key) || s->left == 0) {
		s->txn->fault = MDB_CORRUPTED;
		return txn_damage(s->txn, s->table, key);
	}
	s->left--;
	if (!s->txn->write)	/* where writes do not move what it points to */
		s->last = key;
	return READ_FOUND;
}

enum read_result
scan_to(struct scan *s, enum scan_move move, struct span *key,
    struct span *value)
{
	static const MDB_cursor_op ops[] = {
		[SCAN_FIRST] = MDB_FIRST, [SCAN_LAST] = MDB_LAST,
		[SCAN_NEXT] = MDB_NEXT, [SCAN_PREVIOUS] = MDB_PREV,
		[SCAN_FROM] = MDB_SET_RANGE,
	};
	MDB_val k = { 0, NULL }, v;
	enum read_result r;

	if (s == NULL || s->txn->fault != 0)
		return READ_FAILED;
	if (move == SCAN_FROM)
		k = (MDB_val){ key->len, (void *)key->data };
	if (move != SCAN_NEXT) {
		s->last = span_of(NULL, 0);
		s->whole = move == SCAN_FIRST && !s->txn->write;
	}
	r = txn_result(s->txn, lmdb(mdb_cursor_get(s->handle, &k, &v,
	    ops[move])));
	if (r == READ_FOUND && !(env_maps_all(s->txn->env, k) &&
	    env_maps_all(s->txn->env, v)))
		r = txn_result(s->txn, MDB_CORRUPTED);
	if (r == READ_FOUND && (move == SCAN_NEXT || !s->txn->write))
		r = come_by(s, span_of(k.mv_data, k.mv_size));
	if (r == READ_MISSING && s->whole && s->left > 0) {
		s->txn->fault = MDB_CORRUPTED;
		r = txn_damage_table(s->txn, "entries of a table are "
		    "missing: its pages are damaged");
	}
	if (r != READ_FOUND)
		return r;
	if (key != NULL)
		*key = span_of(k.mv_data, k.mv_size);
	if (value != NULL)
		*value = span_of(v.mv_data, v.mv_size);
	return r;
}

void
scan_delete(struct scan *s)
{
	s->txn->dirty = true;
	if (s->txn->fault == 0)
		txn_result(s->txn, lmdb(mdb_cursor_del(s->handle, 0)));
}

enum read_result
txn_missing(struct txn *t, enum table table, struct span key,
    sound_fn *is_sound)
{
	struct scan *scan = scan_open(t, table);
	struct span at = key, value;
	enum read_result r = scan_to(scan, SCAN_FROM, &at, &value);
	bool any = r == READ_FOUND;

	if (any && !(is_before(table, key, at) && is_sound(at, value)))
		r = txn_damage(t, table, at);
	if (r != READ_FAILED)
		r = scan_to(scan, any ? SCAN_PREVIOUS : SCAN_LAST, &at, &value);
	if (r == READ_FOUND && !(is_before(table, at, key) &&
	    is_sound(at, value)))
		r = txn_damage(t, table, at);
	scan_close(scan);
	return r == READ_FAILED ? r : READ_MISSING;
}
