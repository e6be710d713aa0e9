/*
 * The reader's door, for export, backup and the start of a dry run. Reads
 * beside a running core under LMDB's own reader table; where that table
 * cannot be had (read-only media, no lock file) it makes sure by the folder's
 * lock that no core runs, and keeps one from starting meanwhile. Writes
 * nothing to the data folder, whatever happens.
 */
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/anchor.h"
#include "store/first.h"
#include "store/folder.h"
#include "store/store_impl.h"

#define PART_NAME "data.mdb.part"

struct store_reader {
	char *dir;
	int lock_fd;	/* -1: LMDB's reader table is in use instead */
	struct env *env;
	struct anchor anchor;	/* of the database's file */
	struct view view;
	struct registry registry;
};

/* True if dir/name is there and may be used as asked. */
static bool
can(const char *dir, const char *name, int how)
{
	char *path = folder_path(dir, name);
	bool yes = access(path, how) == 0;

	free(path);
	return yes;
}

/* Decides between the reader table and the folder's lock, and opens. */
static int
open_env(struct store_reader *r, struct err *e)
{
	struct env_options options = { .read_only = true };

	if (!can(r->dir, FOLDER_DATA, F_OK) && (errno == ENOENT ||
	    errno == ENOTDIR)) {
		if (errno == ENOENT && first_look(r->dir, e) != 0)
			return -1;
		return err_set(e, "there is no data in \"%s\" yet: give the "
		    "folder with --data", r->dir);
	}
	if (!can(r->dir, FOLDER_DATA, R_OK))
		return err_errno(e, "cannot read the data in \"%s\"", r->dir);
	if (first_look(r->dir, e) != 0)
		return -1;
	if (!can(r->dir, "lock.mdb", W_OK)) {
		if (!folder_lock_shared(r->dir, &r->lock_fd))
			return err_set(e, "cannot read \"%s\" beside the "
			    "sensorhost that uses it: run this as the user who "
			    "runs that one", r->dir);
		options.no_lock = true;
	}
	return env_open(&r->env, r->dir, &options, e);
}

int
store_reader_open(struct store_reader **out, const char *dir, struct err *e)
{
	struct store_reader *r = xcalloc(1, sizeof(*r));

	r->dir = xstrdup(dir);
	r->lock_fd = -1;
	registry_init(&r->registry);
	if (open_env(r, e) != 0 || anchor_init(&r->anchor, r->dir,
	    FOLDER_DATA, env_fd(r->env), e) != 0) {
		store_reader_close(&r);
		return -1;
	}
	*out = r;
	return 0;
}

void
store_reader_close(struct store_reader **pp)
{
	struct store_reader *r = *pp;

	if (r == NULL)
		return;
	if (r->env != NULL) {
		store_reader_rest(r);
		env_close(&r->env);
	}
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	anchor_release(&r->anchor);
	registry_release(&r->registry);
	free(r->dir);
	free(r);
	*pp = NULL;
}

struct view *
store_reader_view(struct store_reader *r, int64_t now_us, struct err *e)
{
	struct set_back back;
	struct head head;
	struct txn *t;

	store_reader_rest(r);
	if (!anchor_holds(&r->anchor)) {
		err_set(e, "the data folder \"%s\" was removed or replaced "
		    "while it was being read", r->dir);
		return NULL;
	}
	t = env_read(r->env);
	if (head_load(t, &head) == READ_FAILED ||
	    set_back_load(t, &back) == READ_FAILED ||
	    registry_load(&r->registry, t) == READ_FAILED) {
		err_set(e, "cannot read the data in \"%s\": %s%s", r->dir,
		    txn_why(t), txn_remedy(t));
		txn_end(t);
		return NULL;
	}
	r->view = (struct view){
		.txn = t,
		.now_us = now_us == 0 ? head.time_us :
		    timing_follow(head.time_us, now_us),
		.set_back_us = back.time_us,
		.newest_us = set_back_newest(&back, &head),
		.registry = &r->registry,
	};
	return &r->view;
}

enum read_result
store_reader_figures(struct store_reader *r, struct store_figures *f)
{
	return view_figures(&r->view, r->env, f);
}

void
store_reader_rest(struct store_reader *r)
{
	txn_end(env_reading(r->env));
	if (r->view.txn != NULL)
		env_relax(r->env);
	r->view.txn = NULL;
}

uint64_t
store_reader_verify(struct store_reader *r, struct verify *w)
{
	struct view *v;
	struct err e;
	bool more;

	store_reader_rest(r);
	w->faults += env_walk(r->env, PAGES_STRICT, w->fn, w->arg);
	do {
		v = store_reader_view(r, 0, &e);
		more = v != NULL && verify_journal(w, v);
	} while (more);
	if (v != NULL) {
		verify_tables(w, v);
	} else {
		w->faults++;
		w->fn(w->arg, e.text);
	}
	store_reader_rest(r);
	return w->faults;
}

/* Writes the copy under another name, syncs it, and only then names it. */
static int
copy_into(struct store_reader *r, const char *dest, uint64_t *bytes,
    struct err *e)
{
	char *part = folder_path(dest, PART_NAME);
	char *whole = folder_path(dest, FOLDER_DATA);
	int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st = {0};
	struct err why;
	int rc = 0;

	if (fd < 0)
		rc = err_errno(e, "cannot create \"%s\"", part);
	if (rc == 0 && env_check(r->env, &why) != 0)
		rc = err_set(e, "the data in \"%s\" is damaged and was not "
		    "copied: %.200s; keep an older copy", r->dir, why.text);
	if (rc == 0)
		rc = env_copy(r->env, fd, e);
	if (rc == 0 && (fsync(fd) != 0 || fstat(fd, &st) != 0))
		rc = err_errno(e, "cannot sync \"%s\"", part);
	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = err_errno(e, "cannot close \"%s\"", part);
	if (rc == 0 && rename(part, whole) != 0)
		rc = err_errno(e, "cannot rename \"%s\"", part);
	if (rc == 0)
		rc = folder_sync(dest, e);
	if (rc != 0 && fd >= 0)
		unlink(part);
	if (bytes != NULL)
		*bytes = (uint64_t)st.st_size;
	free(part);
	free(whole);
	return rc;
}

int
store_reader_backup(struct store_reader *r, const char *dest,
    uint64_t *bytes, struct err *e)
{
	bool created = mkdir(dest, 0700) == 0;
	char *part = folder_path(dest, PART_NAME);
	int empty, rc;

	if (!created && errno != EEXIST) {
		free(part);
		return err_errno(e, "cannot create the folder \"%s\"", dest);
	}
	unlink(part);	/* of a backup that was killed */
	free(part);
	empty = folder_is_empty(dest, e);
	if (empty < 0)
		return -1;
	if (!empty)
		return err_set(e, "\"%s\" is not empty: a backup needs a "
		    "folder of its own", dest);
	store_reader_rest(r);
	rc = copy_into(r, dest, bytes, e);
	if (rc != 0 && created)
		rmdir(dest);
	return rc;
}
