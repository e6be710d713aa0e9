/*
 * Transactions of the environment, and cursors in them: the hot half of the
 * wall around LMDB. Called by the other files of store/. The first failure
 * sticks to the transaction, so that no caller has to look before its end.
 *
 * A read transaction is reset and renewed rather than made anew, and is not
 * tied to a thread (MDB_NOTLS), so that core can read beside its own write
 * transaction.
 */
#include "store/env_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

struct txn *
env_write(struct env *env)
{
	struct txn *t = &env->write;

	must(!t->open);
	t->open = true;
	t->dirty = false;
	t->append = NULL;
	t->fault = env->handle == NULL ? MDB_PANIC :
	    mdb_txn_begin(env->handle, NULL, 0, &t->handle);
	if (t->fault != 0)
		t->handle = NULL;
	return t;
}

/* Begins or renews; another process may have grown the file meanwhile. */
static int
read_renew(struct txn *t)
{
	if (t->handle != NULL)
		return mdb_txn_renew(t->handle);
	if (t->env->handle == NULL)
		return MDB_PANIC;
	return mdb_txn_begin(t->env->handle, NULL, MDB_RDONLY, &t->handle);
}

struct txn *
env_read(struct env *env)
{
	struct txn *t = &env->read;

	must(!t->open);
	t->open = true;
	t->fault = read_renew(t);
	if (t->fault == MDB_MAP_RESIZED) {
		mdb_env_set_mapsize(env->handle, 0);
		t->fault = read_renew(t);
	}
	return t;
}

struct txn *
env_reading(struct env *env)
{
	return &env->read;
}

int
txn_fault(const struct txn *t)
{
	return t->fault;
}

void
txn_damage(struct txn *t)
{
	if (t->fault == 0)
		t->fault = MDB_CORRUPTED;
}

bool
txn_dirty(const struct txn *t)
{
	return t->dirty;
}

int
txn_commit(struct txn *t)
{
	must(t->write && t->open);
	if (t->fault != 0) {
		txn_end(t);
		return t->fault;
	}
	t->fault = mdb_txn_commit(t->handle);
	t->handle = NULL;
	t->append = NULL;
	t->open = false;
	return t->fault;
}

void
txn_end(struct txn *t)
{
	if (!t->open)
		return;
	t->open = false;
	if (!t->write) {
		if (t->fault == 0)
			mdb_txn_reset(t->handle);
		return;
	}
	if (t->handle != NULL)
		mdb_txn_abort(t->handle);
	t->handle = NULL;
	t->append = NULL;
}

/* Remembers the first failure of a transaction; true if rc is none. */
static bool
fine(struct txn *t, int rc)
{
	if (rc == 0)
		return true;
	if (rc != MDB_NOTFOUND && t->fault == 0)
		t->fault = rc;
	return false;
}

static MDB_val
to_val(struct span s)
{
	return (MDB_val){ s.len, (void *)s.data };
}

bool
txn_get(struct txn *t, enum table table, struct span key, struct span *value)
{
	MDB_val k = to_val(key), v;

	must(t->open);
	if (t->fault != 0)
		return false;
	if (!fine(t, mdb_get(t->handle, t->env->tables[table], &k, &v)))
		return false;
	*value = span_of(v.mv_data, v.mv_size);
	return true;
}

void *
txn_reserve(struct txn *t, enum table table, struct span key, size_t size)
{
	MDB_val k = to_val(key), v = { size, NULL };

	must(t->open && t->write);
	t->dirty = true;
	if (t->fault != 0)
		return NULL;
	if (!fine(t, mdb_put(t->handle, t->env->tables[table], &k, &v,
	    MDB_RESERVE)))
		return NULL;
	return v.mv_data;
}

void
txn_put(struct txn *t, enum table table, struct span key, struct span value)
{
	void *p = txn_reserve(t, table, key, value.len);

	if (p != NULL && value.len > 0)
		memcpy(p, value.data, value.len);
}

void *
txn_append(struct txn *t, const uint64_t *seq, size_t size)
{
	MDB_val k = { sizeof(*seq), (void *)seq }, v = { size, NULL };

	t->dirty = true;
	if (t->fault != 0)
		return NULL;
	if (t->append == NULL && !fine(t, mdb_cursor_open(t->handle,
	    t->env->tables[TABLE_JOURNAL], &t->append)))
		return NULL;
	if (!fine(t, mdb_cursor_put(t->append, &k, &v,
	    MDB_APPEND | MDB_RESERVE)))
		return NULL;
	return v.mv_data;
}

bool
txn_delete(struct txn *t, enum table table, struct span key)
{
	MDB_val k = to_val(key);

	must(t->open && t->write);
	t->dirty = true;
	if (t->fault != 0)
		return false;
	return fine(t, mdb_del(t->handle, t->env->tables[table], &k, NULL));
}

/* The figures of a table; zeroes if the transaction has failed. */
static MDB_stat
table_stat(struct txn *t, MDB_dbi dbi)
{
	MDB_stat stat = { 0 };

	if (t->fault == 0)
		fine(t, mdb_stat(t->handle, dbi, &stat));
	return stat;
}

uint64_t
txn_count(struct txn *t, enum table table)
{
	return table_stat(t, t->env->tables[table]).ms_entries;
}

uint64_t
txn_table_bytes(struct txn *t, enum table table)
{
	MDB_stat stat = table_stat(t, t->env->tables[table]);

	return (uint64_t)stat.ms_psize * (stat.ms_branch_pages +
	    stat.ms_leaf_pages + stat.ms_overflow_pages);
}

uint64_t
txn_free_bytes(struct txn *t)
{
	MDB_stat stat = table_stat(t, 0);
	MDB_cursor *cursor;
	uint64_t pages = 0, n;
	MDB_val k, v;

	if (t->fault != 0 || !fine(t, mdb_cursor_open(t->handle, 0, &cursor)))
		return 0;
	while (fine(t, mdb_cursor_get(cursor, &k, &v, MDB_NEXT))) {
		memcpy(&n, v.mv_data, sizeof(n));
		pages += n;
	}
	mdb_cursor_close(cursor);
	return pages * stat.ms_psize;
}

struct scan *
scan_open(struct txn *t, enum table table)
{
	struct scan *s;
	MDB_cursor *cursor;

	must(t->open);
	if (t->fault != 0 || !fine(t, mdb_cursor_open(t->handle,
	    t->env->tables[table], &cursor)))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->txn = t;
	s->handle = cursor;
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

bool
scan_to(struct scan *s, enum scan_move move, struct span *key,
    struct span *value)
{
	static const MDB_cursor_op ops[] = {
		[SCAN_FIRST] = MDB_FIRST, [SCAN_LAST] = MDB_LAST,
		[SCAN_NEXT] = MDB_NEXT, [SCAN_FROM] = MDB_SET_RANGE,
	};
	MDB_val k = { 0, NULL }, v;

	if (s == NULL || s->txn->fault != 0)
		return false;
	if (move == SCAN_FROM)
		k = to_val(*key);
	if (!fine(s->txn, mdb_cursor_get(s->handle, &k, &v, ops[move])))
		return false;
	if (key != NULL)
		*key = span_of(k.mv_data, k.mv_size);
	if (value != NULL)
		*value = span_of(v.mv_data, v.mv_size);
	return true;
}

void
scan_delete(struct scan *s)
{
	s->txn->dirty = true;
	if (s->txn->fault == 0)
		fine(s->txn, mdb_cursor_del(s->handle, 0));
}
