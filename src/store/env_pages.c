/*
 * What an environment does with the pages of its file as such: has them walked,
 * and copies them. Called when it is opened, by verify and by backup.
 */
#include "store/env_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

#define COPY_TRIES 100	/* of growing maps, one right after the other */
#define COPY_SLACK ((uint64_t)16 << 20)	/* committed as it begins */
#define WALK_TRIES 1000	/* beside commits, one right after the other */
#define WHOLE_MOST ((off_t)1 << 30)

/* pages_fn: keeps the first fault. */
static void
keep_first(void *arg, const char *what)
{
	struct err *e = arg;

	if (e->text[0] == '\0')
		err_set(e, "%s", what);
}

int
env_check_pages(const char *dir, struct err *e)
{
	char *path = xasprintf("%s/data.mdb", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	struct err fault = { 0 };
	struct pages *p;
	struct stat st;

	free(path);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
		if (fd >= 0)
			close(fd);
		return 0;	/* LMDB will say, or make it */
	}
	if (pages_open(&p, fd, PAGES_NEWEST, &fault) == 0) {
		pages_walk(p, st.st_size <= WHOLE_MOST ? PAGES_ALL :
		    PAGES_UPPER, keep_first, &fault);
		pages_close(&p);
	}
	close(fd);
	if (fault.text[0] != '\0')
		rc = err_set(e, "the database in \"%s\" is damaged: %s; "
		    REMEDY, dir, fault.text);
	return rc;
}

unsigned
env_walk(struct env *env, enum pages_extent extent, pages_fn *fn, void *arg)
{
	struct pages *p = NULL;
	unsigned faults = 1;
	struct err e = { 0 };
	struct txn *t;

	for (int i = 0; i < WALK_TRIES && p == NULL; i++) {
		t = env_read(env);
		if (t->fault != 0)
			err_set(&e, "%s", txn_why(t));
		else if (pages_open(&p, env_fd(env), mdb_txn_id(t->handle),
		    &e) == 0)
			faults = pages_walk(p, extent, fn, arg);
		txn_end(t);
	}
	if (p == NULL)
		fn(arg, e.text);
	pages_close(&p);
	return faults;
}

int
env_check(struct env *env, struct err *e)
{
	e->text[0] = '\0';
	return env_walk(env, PAGES_ALL, keep_first, e) == 0 ? 0 : -1;
}

/* One try to copy; no more is written than the file has in use. */
static int
copy_bounded(struct env *env, int fd)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct rlimit limit, less;
	struct stat st;
	int rc;

	if (fstat(env_fd(env), &st) != 0 ||
	    getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return errno;
	less = limit;
	if ((rlim_t)st.st_size + COPY_SLACK < less.rlim_cur)
		less.rlim_cur = (rlim_t)st.st_size + COPY_SLACK;
	sigaction(SIGXFSZ, &ignore, &before);
	setrlimit(RLIMIT_FSIZE, &less);
	rc = lmdb(mdb_env_copyfd2(env->handle, fd, MDB_CP_COMPACT));
	setrlimit(RLIMIT_FSIZE, &limit);
	sigaction(SIGXFSZ, &before, NULL);
	return rc == EFBIG && less.rlim_cur < limit.rlim_cur ? MDB_CORRUPTED :
	    rc;
}

int
env_copy(struct env *env, int fd, struct err *e)
{
	int rc, tries;

	rc = copy_bounded(env, fd);
	/* A writer that made the map grow since: nothing is written yet. */
	for (tries = 0; rc == MDB_MAP_RESIZED && tries < COPY_TRIES; tries++) {
		env_remap(env, 0);
		rc = copy_bounded(env, fd);
	}
	if (rc == 0)
		return 0;
	return err_set(e, "cannot copy the database: %s", env_fault_text(rc));
}
