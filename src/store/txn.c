/*
 * Transactions of the environment, and look-ups in them: the hot half of the
 * wall around LMDB. Called by the other files of store/. The first failure
 * sticks to the transaction, so that no caller has to look before its end.
 *
 * A read transaction is reset and renewed rather than made anew, and is not
 * tied to a thread (MDB_NOTLS), so that core can read beside its own write
 * transaction.
 */
#include "store/env_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"

#define KEY_TEXT 560

/* Tells whoever wants to know of reads that fail. */
static enum read_result
failed(struct txn *t)
{
	if (!t->write && t->env->on_failed != NULL)
		t->env->on_failed(t->env->on_failed_arg, t->why);
	return READ_FAILED;
}

bool
env_maps_all(const struct env *env, MDB_val v)
{
	const char *p = v.mv_data;

	return env->map == NULL || p < env->map ||
	    p >= env->map + env->map_size ||
	    v.mv_size <= (size_t)(env->map + env->map_size - p);
}

enum read_result
txn_result(struct txn *t, int rc)
{
	if (rc == 0)
		return READ_FOUND;
	if (rc == MDB_NOTFOUND)
		return READ_MISSING;
	if (t->fault != 0)
		return READ_FAILED;
	t->fault = rc;
	t->damaged = false;
	snprintf(t->why, sizeof(t->why), "%s", env_fault_text(rc));
	return failed(t);
}

static bool
fine(struct txn *t, int rc)
{
	return txn_result(t, rc) == READ_FOUND;
}

struct txn *
env_write(struct env *env)
{
	struct txn *t = &env->write;
	int rc;

	must(!t->open);
	t->open = true;
	t->dirty = false;
	t->append = NULL;
	t->why[0] = '\0';
	t->fault = 0;
	t->handle = NULL;
	rc = env->handle == NULL ? MDB_PANIC :
	    lmdb(mdb_txn_begin(env->handle, NULL, 0, &t->handle));
	if (rc != 0)
		t->handle = NULL;
	txn_result(t, rc);
	return t;
}

/* Begins or renews; another process may have grown the file meanwhile. */
static int
read_renew(struct txn *t)
{
	if (t->handle != NULL)
		return lmdb(mdb_txn_renew(t->handle));
	if (t->env->handle == NULL)
		return MDB_PANIC;
	return lmdb(mdb_txn_begin(t->env->handle, NULL, MDB_RDONLY,
	    &t->handle));
}

struct txn *
env_read(struct env *env)
{
	struct txn *t = &env->read;
	int rc;

	must(!t->open);
	t->open = true;
	t->fault = 0;
	t->why[0] = '\0';
	rc = read_renew(t);
	if (rc == MDB_MAP_RESIZED) {
		env_remap(env, 0);
		rc = read_renew(t);
	}
	txn_result(t, rc);
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

const char *
txn_why(const struct txn *t)
{
	return t->why[0] != '\0' ? t->why : NULL;
}

const char *
txn_remedy(const struct txn *t)
{
	return t->damaged ? "; " REMEDY : "";
}

/* Whether a byte of a name shows itself, and does nothing to a terminal. */
static bool
is_shown(struct span name, size_t i, bool utf8)
{
	const unsigned char *p = name.data;

	if (p[i] < 0x80)
		return p[i] >= ' ' && p[i] != 0x7f;
	/* U+0080 to U+009F are control characters, too. */
	return utf8 && !(p[i] == 0xc2 && p[i + 1] < 0xa0) &&
	    !(p[i] < 0xa0 && i > 0 && p[i - 1] == 0xc2);
}

/*
 * Names an entry by its key: a number, or what can be shown of it; or, where
 * the key is no number and should be, its table.
 */
static void
put_entry(char *at, size_t size, enum table table, struct span key)
{
	size_t number = table_kinds[table].number, n;
	const unsigned char *p = key.data;
	uint64_t value = 0;
	bool utf8;

	if (number > 0 && key.len != number) {
		snprintf(at, size, "an entry of the table \"%s\"",
		    table_kinds[table].name);
		return;
	}
	n = (size_t)snprintf(at, size, "%s", table_kinds[table].words);
	if (number > 0) {
		memcpy(&value, p, number);
		snprintf(at + n, size - n, " %llu", (unsigned long long)value);
		return;
	}
	if (table == TABLE_TTL && key.len > 8)	/* behind the time */
		key = span_of(p + 8, key.len - 8);
	p = key.data;
	utf8 = js_utf8_valid(key.data, key.len);
	n += (size_t)snprintf(at + n, size - n, " \"");
	for (size_t i = 0; i < key.len && n + 3 < size; i++)
		at[n++] = is_shown(key, i, utf8) ? (char)p[i] : '?';
	snprintf(at + n, size - n, "\"");
}

enum read_result
txn_damage(struct txn *t, enum table table, struct span key)
{
	char text[KEY_TEXT];

	put_entry(text, sizeof(text), table, key);
	t->damaged = true;
	snprintf(t->why, sizeof(t->why), "%s is damaged: it is not what was "
	    "written", text);
	if (t->write && t->fault == 0)
		t->fault = MDB_CORRUPTED;
	return failed(t);
}

enum read_result
txn_damage_table(struct txn *t, const char *why)
{
	t->damaged = true;
	snprintf(t->why, sizeof(t->why), "%s", why);
	if (t->write && t->fault == 0)
		t->fault = MDB_CORRUPTED;
	return failed(t);
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
	txn_result(t, lmdb(mdb_txn_commit(t->handle)));
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
	if (!t->write && t->fault == 0) {
		mdb_txn_reset(t->handle);
		return;
	}
	/* One that has failed cannot be renewed, and would pin its pages. */
	if (t->handle != NULL)
		mdb_txn_abort(t->handle);
	t->handle = NULL;
	t->append = NULL;
}

int
span_compare(struct span a, struct span b)
{
	size_t least = a.len < b.len ? a.len : b.len;
	int order = least > 0 ? memcmp(a.data, b.data, least) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static MDB_val
to_val(struct span s)
{
	return (MDB_val){ s.len, (void *)s.data };
}

enum read_result
txn_get(struct txn *t, enum table table, struct span key, struct span *value)
{
	MDB_val k = to_val(key), v;
	enum read_result r;

	must(t->open);
	if (t->fault != 0)
		return READ_FAILED;
	r = txn_result(t, lmdb(mdb_get(t->handle, t->env->tables[table], &k,
	    &v)));
	if (r == READ_FOUND && !env_maps_all(t->env, v))
		r = txn_damage(t, table, key);
	if (r == READ_FOUND)
		*value = span_of(v.mv_data, v.mv_size);
	return r;
}

void *
txn_reserve(struct txn *t, enum table table, struct span key, size_t size)
{
	MDB_val k = to_val(key), v = { size, NULL };

	must(t->open && t->write);
	t->dirty = true;
	if (t->fault != 0)
		return NULL;
	if (!fine(t, lmdb(mdb_put(t->handle, t->env->tables[table], &k,
	    &v, MDB_RESERVE))))
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
	if (t->append == NULL && !fine(t, lmdb(mdb_cursor_open(t->handle,
	    t->env->tables[TABLE_JOURNAL], &t->append))))
		return NULL;
	if (!fine(t, lmdb(mdb_cursor_put(t->append, &k, &v,
	    MDB_APPEND | MDB_RESERVE))))
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
	return fine(t, lmdb(mdb_del(t->handle, t->env->tables[table], &k,
	    NULL)));
}

/* The figures of a table; zeroes if the transaction has failed. */
static MDB_stat
table_stat(struct txn *t, MDB_dbi dbi)
{
	MDB_stat stat = { 0 };

	if (t->fault == 0)
		fine(t, lmdb(mdb_stat(t->handle, dbi, &stat)));
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
	uint64_t bytes = (uint64_t)stat.ms_psize * (stat.ms_branch_pages +
	    stat.ms_leaf_pages + stat.ms_overflow_pages);
	struct env_figures file;

	/* Retention goes by this: what cannot be is not believed. */
	if (!t->write) {
		env_figures(t->env, &file);
		if (bytes > file.file_bytes) {
			t->fault = MDB_CORRUPTED;
			txn_damage_table(t, "a table has more pages than the "
			    "file: it is damaged");
			return 0;
		}
	}
	return bytes;
}

uint64_t
txn_free_bytes(struct txn *t)
{
	MDB_stat stat = table_stat(t, 0);
	uint64_t pages = 0, left = stat.ms_entries, n;
	MDB_cursor *cursor;
	MDB_val k, v;

	if (t->fault != 0 ||
	    !fine(t, lmdb(mdb_cursor_open(t->handle, 0, &cursor))))
		return 0;
	while (left-- > 0 && fine(t, lmdb(mdb_cursor_get(cursor, &k, &v,
	    MDB_NEXT))) && v.mv_size >= sizeof(n)) {
		memcpy(&n, v.mv_data, sizeof(n));
		pages += n;
	}
	mdb_cursor_close(cursor);
	return pages * stat.ms_psize;
}
