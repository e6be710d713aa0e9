/*
 * The environment: opening it and its tables, growing it. With txn.c the only
 * code that knows LMDB. Called by the other files of store/.
 * It knows nothing of what the tables hold, decides nothing about room on the
 * disk, and never logs. An assertion inside LMDB ends the process.
 */
#include "store/env_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "store/guard.h"

#define ENV_MODE 0600
#define MAP_LEAST ((uint64_t)1 << 20)

/* Faults of ours, outside the ranges of errno and LMDB. */
#define FAULT_NEWER (-40001)
#define FAULT_FOREIGN (-40002)
#define FAULT_EMPTY (-40003)

const struct table_kind table_kinds[TABLE_COUNT] = {
	[TABLE_META] = { NULL, "the host's own fact", 0 },
	[TABLE_JOURNAL] = { "journal", "the instance with sequence", 8 },
	[TABLE_KV] = { "kv", "the item", 0 },
	[TABLE_TTL] = { "ttl", "the expiry of the item", 0 },
	[TABLE_SENSOR] = { "sensor", "the name of sensor number", 4 },
	[TABLE_TRIGGER] = { "trigger", "the trigger with number", 4 },
	[TABLE_STATE] = { "state", "the state of sensor number", 4 },
	[TABLE_DEAD] = { "dead", "the dead letter with number", 8 },
	[TABLE_DEAD_INDEX] = { "dead_index", "the index entry of dead letter",
	    0 },
	[TABLE_CURSOR] = { "cursor", "the cursor of consumer", 0 },
};

/* MDB_assert_func: a broken page; nothing can be saved by going on. */
static void
on_assert(MDB_env *env, const char *what)
{
	char text[WHY_SIZE];

	(void)env;
	snprintf(text, sizeof(text), "%s; " REMEDY, what);
	guard_end(text);
}

/*
 * Refuses what a newer sensorhost or somebody else wrote, before anything is
 * changed in it. A writer marks a new file, or one of format 1, whose records
 * stay as they are.
 */
static int
check_format(struct env *env, MDB_txn *txn)
{
	static const char name[] = "format";
	MDB_dbi meta = env->tables[TABLE_META];
	MDB_val k = { sizeof(name) - 1, (void *)name }, v;
	uint32_t format = 0;
	MDB_stat stat;
	int rc;

	rc = mdb_get(txn, meta, &k, &v);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return rc;
	if (rc == 0 && v.mv_size == sizeof(format))
		memcpy(&format, v.mv_data, sizeof(format));
	if (format > ENV_FORMAT)
		return FAULT_NEWER;
	mdb_stat(txn, meta, &stat);
	if (format == 0 && (rc == 0 || stat.ms_entries > 0 ||
	    (env->flags & MDB_RDONLY)))
		return FAULT_FOREIGN;
	if (format == ENV_FORMAT || (env->flags & MDB_RDONLY))
		return 0;
	format = ENV_FORMAT;
	v = (MDB_val){ sizeof(format), &format };
	return mdb_put(txn, meta, &k, &v, 0);
}

/* Opens every table; in a new file this makes them. */
static int
open_tables(struct env *env)
{
	unsigned create = env->flags & MDB_RDONLY ? 0 : MDB_CREATE;
	unsigned keys, flags;
	MDB_txn *txn = NULL;
	int rc;

	rc = mdb_txn_begin(env->handle, NULL, env->flags & MDB_RDONLY, &txn);
	for (int i = 0; rc == 0 && i < TABLE_COUNT; i++) {
		keys = table_kinds[i].number > 0 ? MDB_INTEGERKEY : 0;
		rc = mdb_dbi_open(txn, table_kinds[i].name,
		    keys | (i == TABLE_META ? 0 : create), &env->tables[i]);
		if (rc == 0)
			rc = mdb_dbi_flags(txn, env->tables[i], &flags);
		if (rc == 0 && flags != keys)
			rc = MDB_INCOMPATIBLE;
		if (rc == 0 && i == TABLE_META)
			rc = check_format(env, txn);
	}
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/*
 * Where the map is, which LMDB does not say: the shared, read-only mapping of
 * its file. To be called whenever it may have moved.
 */
static void
find_map(struct env *env)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, file;
	char line[512], mode[5];
	struct stat st;
	int fd;

	env->map = NULL;
	if (mdb_env_get_fd(env->handle, &fd) != 0 || fstat(fd, &st) != 0)
		st.st_ino = 0;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end,
		    mode, &file) == 4 && file == st.st_ino &&
		    strcmp(mode, "r--s") == 0) {
			env->map = (void *)start;
			env->map_size = end - start;
		}
	if (maps != NULL)
		fclose(maps);
	guard_map(env->map, env->map_size);
}

int
env_remap(struct env *env, uint64_t size)
{
	int rc = lmdb(mdb_env_set_mapsize(env->handle, size));

	find_map(env);
	return rc;
}

/* True if dir/data.mdb is there, but nothing in it. */
static bool
is_empty(const char *dir)
{
	char *path = xasprintf("%s/data.mdb", dir);
	struct stat st;
	bool empty = stat(path, &st) == 0 && st.st_size == 0;

	free(path);
	return empty;
}

/* One try to open with a map of that size; 0 or a code. */
static int
open_sized(struct env *env, const char *dir, uint64_t map_size)
{
	int fd, rc;

	if ((env->flags & MDB_RDONLY) && is_empty(dir))
		return FAULT_EMPTY;
	if ((rc = mdb_env_create(&env->handle)) != 0)
		return rc;
	mdb_env_set_maxdbs(env->handle, TABLE_COUNT);
	mdb_env_set_assert(env->handle, on_assert);
	if (map_size != 0)
		mdb_env_set_mapsize(env->handle, map_size);
	rc = lmdb(mdb_env_open(env->handle, dir, env->flags, ENV_MODE));
	if (rc == 0)
		rc = mdb_env_get_fd(env->handle, &fd);
	if (rc == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		rc = errno;
	if (rc == 0) {
		find_map(env);
		guard_enter();
		rc = guard_leave(open_tables(env));
	}
	if (rc != 0) {
		mdb_env_close(env->handle);
		env->handle = NULL;
	}
	return rc;
}

const char *
env_fault_text(int fault)
{
	switch (fault) {
	case FAULT_NEWER:
		return "a newer sensorhost wrote it: use that one";
	case FAULT_EMPTY:
		return "data.mdb is empty; if it was not, " REMEDY;
	case FAULT_FOREIGN:
	case MDB_NOTFOUND:
		return "it is another program's or damaged, or nothing was "
		    "stored yet; if something was, " REMEDY;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
		return "the file is damaged, or no database; if it was one, "
		    REMEDY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_CURSOR_FULL:
	case MDB_BAD_TXN:
	case MDB_BAD_DBI:
		return "the file is damaged; " REMEDY;
	}
	return mdb_strerror(fault);
}

bool
env_fault_is_map(int fault)
{
	return fault == MDB_MAP_FULL;
}

int
env_open(struct env **out, const char *dir, const struct env_options *options,
    struct err *e)
{
	struct env *env = xcalloc(1, sizeof(*env));
	uint64_t size = options->map_size;
	int rc;

	env->flags = MDB_NOTLS;
	env->flags |= options->read_only ? MDB_RDONLY : MDB_NORDAHEAD;
	if (options->no_lock)
		env->flags |= MDB_NOLOCK;
	if (options->no_sync)
		env->flags |= MDB_NOSYNC;
	env->write = (struct txn){ .env = env, .write = true };
	env->read = (struct txn){ .env = env };
	guard_begin(dir, !options->read_only);
	if (!options->read_only && !options->no_sync &&
	    env_check_pages(dir, e) != 0) {
		free(env);
		return -1;
	}
	/* A limit on address space is no reason to give up: begin smaller. */
	while (((rc = open_sized(env, dir, size)) == ENOMEM || rc == EINVAL) &&
	    size > MAP_LEAST)
		size /= 2;
	if (rc != 0) {
		free(env);
		return err_set(e, "cannot open the database in \"%s\": %s",
		    dir, env_fault_text(rc));
	}
	mdb_reader_check(env->handle, NULL);
	*out = env;
	return 0;
}

void
env_close(struct env **pp)
{
	struct env *env = *pp;

	if (env == NULL)
		return;
	txn_end(&env->write);
	if (env->read.handle != NULL)
		mdb_txn_abort(env->read.handle);
	mdb_env_close(env->handle);
	free(env);
	*pp = NULL;
}

int
env_grow(struct env *env, struct err *e)
{
	MDB_envinfo info;
	int rc;

	must(!env->write.open && !env->read.open);
	mdb_env_info(env->handle, &info);
	rc = env_remap(env, info.me_mapsize * 2);
	if (rc == 0)
		return 0;
	return err_set(e, "cannot map %zu MB for the database: %s",
	    info.me_mapsize >> 19, env_fault_text(rc));
}

/* Whether LMDB refuses everything from now on. */
static bool
is_dead(struct env *env)
{
	MDB_txn *txn;
	int rc = lmdb(mdb_txn_begin(env->handle, NULL, MDB_RDONLY, &txn));

	if (rc == 0)
		mdb_txn_abort(txn);
	return rc == MDB_PANIC;
}

int
env_revive(struct env *env, const char *dir, struct err *e)
{
	MDB_envinfo info;
	int rc;

	must(!env->write.open && !env->read.open);
	if (env->read.handle != NULL)
		mdb_txn_abort(env->read.handle);
	env->read.handle = NULL;
	if (!is_dead(env))
		return 0;
	mdb_env_info(env->handle, &info);
	mdb_env_close(env->handle);
	rc = open_sized(env, dir, info.me_mapsize);
	if (rc == 0)
		return 0;
	return err_set(e, "cannot open the database in \"%s\" again: %s", dir,
	    env_fault_text(rc));
}

void
env_figures(struct env *env, struct env_figures *f)
{
	MDB_envinfo info;
	MDB_stat stat;

	mdb_env_info(env->handle, &info);
	mdb_env_stat(env->handle, &stat);
	f->map_bytes = info.me_mapsize;
	f->file_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
}

int
env_fd(struct env *env)
{
	int fd = -1;

	must(mdb_env_get_fd(env->handle, &fd) == 0);
	return fd;
}

void
env_on_failed(struct env *env, env_failed_fn *fn, void *arg)
{
	env->on_failed = fn;
	env->on_failed_arg = arg;
}

void
env_readers_check(struct env *env)
{
	mdb_reader_check(env->handle, NULL);
}

void
env_relax(struct env *env)
{
	if (env->map != NULL)
		madvise((void *)env->map, env->map_size, MADV_DONTNEED);
}
