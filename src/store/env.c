/*
 * The environment: opening it and its tables, growing it, copying it. With
 * txn.c the only code that knows LMDB. Called by the other files of store/.
 * It knows nothing of what the tables hold, decides nothing about room on the
 * disk, and never logs, but for an assertion inside LMDB, which ends the
 * process.
 */
#include "store/env_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "store/bus.h"

#define ENV_MODE 0600
#define MAP_LEAST ((uint64_t)1 << 20)
#define COPY_TRIES 100	/* of growing maps, one right after the other */

/* Faults of ours, outside the ranges of errno and LMDB. */
#define FAULT_NEWER (-40001)
#define FAULT_FOREIGN (-40002)

static const struct {
	const char *name;
	unsigned flags;
} table_kinds[TABLE_COUNT] = {
	[TABLE_META] = { NULL, 0 },
	[TABLE_JOURNAL] = { "journal", MDB_INTEGERKEY },
	[TABLE_KV] = { "kv", 0 },
	[TABLE_TTL] = { "ttl", 0 },
	[TABLE_SENSOR] = { "sensor", MDB_INTEGERKEY },
	[TABLE_TRIGGER] = { "trigger", MDB_INTEGERKEY },
	[TABLE_STATE] = { "state", MDB_INTEGERKEY },
	[TABLE_DEAD] = { "dead", MDB_INTEGERKEY },
	[TABLE_DEAD_INDEX] = { "dead_index", 0 },
	[TABLE_CURSOR] = { "cursor", 0 },
};

/* MDB_assert_func: a broken page; nothing can be saved by going on. */
static void
on_assert(MDB_env *env, const char *what)
{
	(void)env;
	log_error("the database is damaged: %s", what);
	abort();
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
	MDB_txn *txn = NULL;
	int rc;

	rc = mdb_txn_begin(env->handle, NULL, env->flags & MDB_RDONLY, &txn);
	for (int i = 0; rc == 0 && i < TABLE_COUNT; i++) {
		rc = mdb_dbi_open(txn, table_kinds[i].name,
		    table_kinds[i].flags | (i == TABLE_META ? 0 : create),
		    &env->tables[i]);
		if (rc == 0 && i == TABLE_META)
			rc = check_format(env, txn);
	}
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* One try to open with a map of that size; 0 or a code. */
static int
open_sized(struct env *env, const char *dir, uint64_t map_size)
{
	int fd, rc;

	if ((rc = mdb_env_create(&env->handle)) != 0)
		return rc;
	mdb_env_set_maxdbs(env->handle, TABLE_COUNT);
	mdb_env_set_assert(env->handle, on_assert);
	if (map_size != 0)
		mdb_env_set_mapsize(env->handle, map_size);
	rc = mdb_env_open(env->handle, dir, env->flags, ENV_MODE);
	if (rc == 0)
		rc = mdb_env_get_fd(env->handle, &fd);
	if (rc == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		rc = errno;
	if (rc == 0)
		rc = open_tables(env);
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
	case FAULT_FOREIGN:
	case MDB_NOTFOUND:
		return "it is another program's, or nothing was stored yet";
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return "the file is damaged, or no database";
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
	bus_guard(dir);
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
	rc = mdb_env_set_mapsize(env->handle, info.me_mapsize * 2);
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
	int rc = mdb_txn_begin(env->handle, NULL, MDB_RDONLY, &txn);

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
	env->map = NULL;
	env->map_size = 0;
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
env_readers_check(struct env *env)
{
	mdb_reader_check(env->handle, NULL);
}

/*
 * Where the map is, which LMDB does not say: the one shared, read-only
 * mapping of its size.
 */
static void
find_map(struct env *env, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512], mode[5];

	env->map = NULL;
	env->map_size = size;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %4s", &start, &end, mode) == 3 &&
		    end - start == size && strcmp(mode, "r--s") == 0)
			env->map = (void *)start;
	if (maps != NULL)
		fclose(maps);
}

void
env_relax(struct env *env)
{
	MDB_envinfo info;

	mdb_env_info(env->handle, &info);
	if (info.me_mapsize != env->map_size)
		find_map(env, info.me_mapsize);
	if (env->map != NULL)
		madvise(env->map, env->map_size, MADV_DONTNEED);
}

int
env_copy(struct env *env, int fd, struct err *e)
{
	int rc = mdb_env_copyfd2(env->handle, fd, MDB_CP_COMPACT), tries;

	/* A writer that made the map grow since: nothing is written yet. */
	for (tries = 0; rc == MDB_MAP_RESIZED && tries < COPY_TRIES; tries++) {
		mdb_env_set_mapsize(env->handle, 0);
		rc = mdb_env_copyfd2(env->handle, fd, MDB_CP_COMPACT);
	}
	if (rc == 0)
		return 0;
	return err_set(e, "cannot copy the database: %s", env_fault_text(rc));
}
