/*
 * The limit beside the dispatch figures: bare LMDB appends, with nothing
 * around them.
 *
 *	limit_lmdb append DIR RECORD BATCH SECONDS
 *
 * appends records of RECORD bytes, BATCH a transaction, to an environment
 * in DIR (default durability, integer keys, MDB_APPEND) and prints JSON:
 * records a second, and p50 and p99 of one transaction in microseconds.
 *
 *	limit_lmdb sizes DIR
 *
 * prints, for each named database of the environment in DIR, the number of
 * its records and the mean bytes of key and value.
 */
#include <err.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAP_BYTES ((size_t)64 << 30)
#define SAMPLES 1000000

static double samples[SAMPLES];

/* Seconds of the monotonic clock. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Leaves with LMDB's word for rc, if it is an error. */
static void
check(int rc, const char *what)
{
	if (rc != 0)
		errx(1, "%s: %s", what, mdb_strerror(rc));
}

/* For qsort. */
static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One transaction of `batch` appends after *seq. */
static void
append_batch(MDB_env *env, MDB_dbi dbi, MDB_val *value, long batch,
    size_t *seq)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key;

	check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	check(mdb_cursor_open(txn, dbi, &cursor), "cursor");
	for (long i = 0; i < batch; i++) {
		++*seq;
		key.mv_size = sizeof(*seq);
		key.mv_data = seq;
		memcpy(value->mv_data, seq, sizeof(*seq));
		check(mdb_cursor_put(cursor, &key, value, MDB_APPEND), "put");
	}
	mdb_cursor_close(cursor);
	check(mdb_txn_commit(txn), "commit");
}

/* Opens the environment in dir. */
static MDB_env *
open_env(const char *dir, unsigned int flags)
{
	MDB_env *env;

	check(mdb_env_create(&env), "create");
	check(mdb_env_set_mapsize(env, MAP_BYTES), "map size");
	check(mdb_env_set_maxdbs(env, 64), "databases");
	check(mdb_env_open(env, dir, flags, 0600), dir);
	return env;
}

static int
append(const char *dir, size_t record, long batch, double seconds)
{
	MDB_env *env = open_env(dir, 0);
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val value = { record, malloc(record) };
	size_t seq = 0, n = 0;
	double began, before, t;

	if (value.mv_data == NULL || record < sizeof(seq) || batch < 1)
		errx(2, "a record has at least 8 bytes, a batch 1 record");
	memset(value.mv_data, 'x', record);
	check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	check(mdb_dbi_open(txn, "limit", MDB_CREATE | MDB_INTEGERKEY, &dbi),
	    "open");
	check(mdb_drop(txn, dbi, 0), "drop");
	check(mdb_txn_commit(txn), "commit");
	began = before = now();
	do {
		append_batch(env, dbi, &value, batch, &seq);
		t = now();
		if (n < SAMPLES)
			samples[n++] = t - before;
		before = t;
	} while (t - began < seconds);
	qsort(samples, n, sizeof(*samples), compare_doubles);
	printf("{\"per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
	    (double)seq / (before - began), samples[n / 2] * 1e6,
	    samples[n * 99 / 100] * 1e6);
	mdb_env_close(env);
	free(value.mv_data);
	return 0;
}

/* Prints count and mean sizes of one database. */
static void
print_sizes(MDB_txn *txn, const char *name)
{
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t n = 0, keys = 0, values = 0;

	if (mdb_dbi_open(txn, name, 0, &dbi) != 0)
		return;
	check(mdb_cursor_open(txn, dbi, &cursor), "cursor");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		n++;
		keys += key.mv_size;
		values += value.mv_size;
	}
	mdb_cursor_close(cursor);
	printf("{\"database\": \"%s\", \"records\": %" PRIu64
	    ", \"key\": %.1f, \"value\": %.1f}\n", name, n,
	    n ? (double)keys / (double)n : 0,
	    n ? (double)values / (double)n : 0);
}

static int
sizes(const char *dir)
{
	MDB_env *env = open_env(dir, MDB_RDONLY);
	MDB_txn *txn;
	MDB_dbi main_db;
	MDB_cursor *cursor;
	MDB_val key, value;
	char name[128];

	check(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
	check(mdb_dbi_open(txn, NULL, 0, &main_db), "open");
	check(mdb_cursor_open(txn, main_db, &cursor), "cursor");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		snprintf(name, sizeof(name), "%.*s", (int)key.mv_size,
		    (const char *)key.mv_data);
		print_sizes(txn, name);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "append") == 0)
		return append(argv[2], strtoul(argv[3], NULL, 10),
		    strtol(argv[4], NULL, 10), strtod(argv[5], NULL));
	if (argc == 3 && strcmp(argv[1], "sizes") == 0)
		return sizes(argv[2]);
	fprintf(stderr, "usage: limit_lmdb append DIR RECORD BATCH SECONDS\n"
	    "       limit_lmdb sizes DIR\n");
	return 2;
}
