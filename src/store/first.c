/*
 * The first start in a data folder. Called by store.c once it has the lock;
 * readers ask whether there was a store.
 * The database is made in a folder of its own below, synced, and only then
 * given its name, so that a start which is cut short, by a power cut or a
 * full disk, leaves nothing at that name, and the next one begins afresh.
 *
 * It must never put an empty database in the place of one that was in use.
 * A start that found or made one leaves a mark in the lock file: with it, a
 * file that is missing or was never written to is an error. Folders of before
 * the mark are known by their ballast, which came after the database; in one
 * with neither, a file that holds at most what a first start had written is
 * what one that was cut short has left.
 */
#include "store/first.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/env.h"
#include "store/folder.h"
#include "store/pages_layout.h"

#define FIRST_NAME "first"
#define FIRST_MAP ((uint64_t)1 << 20)
#define FIRST_PAGES 16	/* more than a first start writes */
#define LOCKS_NAME "lock.mdb"
#define LOCKS_SIZE 8192	/* what LMDB takes for 126 readers */
#define FULL ((uint64_t)256 << 10)

enum content { CONTENT_NONE, CONTENT_UNUSED, CONTENT_SOME, CONTENT_ERROR };

static bool
is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* True if n bytes of one of the two pages are as before any commit. */
static bool
is_unused_page(const unsigned char *bytes, size_t n)
{
	struct meta page = {0};

	if (is_zero(bytes, n))
		return true;
	memcpy(&page, bytes, n < sizeof(page) ? n : sizeof(page));
	if (n < offsetof(struct meta, version))
		return true;
	return page.magic == META_MAGIC && page.snapshot == 0;
}

/* What lies at the name of the database; e is filled for an error. */
static enum content
look(const char *path, struct err *e)
{
	static unsigned char bytes[2 * PAGE_MOST];
	long system = sysconf(_SC_PAGESIZE);
	size_t page = system < PAGE_MOST ? (size_t)system : PAGE_MOST, n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return CONTENT_NONE;
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		err_set(e, "\"%s\" is no plain file", path);
		return CONTENT_ERROR;
	}
	got = fd < 0 ? -1 : pread(fd, bytes, 2 * page, 0);
	if (got < 0 || fstat(fd, &st) != 0) {
		err_errno(e, "cannot read \"%s\"", path);
		if (fd >= 0)
			close(fd);
		return CONTENT_ERROR;
	}
	close(fd);
	if ((uint64_t)st.st_size > (uint64_t)FIRST_PAGES * page)
		return CONTENT_SOME;
	n = (size_t)got;
	if (n <= page)
		return is_unused_page(bytes, n) ? CONTENT_UNUSED :
		    CONTENT_SOME;
	return is_unused_page(bytes, page) &&
	    is_unused_page(bytes + page, n - page) ? CONTENT_UNUSED :
	    CONTENT_SOME;
}

static bool
has_ballast(const char *dir)
{
	char *path = folder_path(dir, FOLDER_BALLAST);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* Says that the disk is full if it is, in place of what else e says. */
static int
say_full(const char *dir, struct err *e)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0 || fs.f_bavail * fs.f_frsize > FULL)
		return -1;
	return err_set(e, "no room for a database in \"%s\": the disk is "
	    "full; free some space there, or choose another folder with "
	    "--data", dir);
}

/* Takes away what a start that was cut short has left. */
static void
clear(const char *below)
{
	char *data = folder_path(below, FOLDER_DATA);

	unlink(data);
	rmdir(below);
	free(data);
}

/* Makes a whole database below; -1 and e. */
static int
make(const char *below, struct err *e)
{
	const struct env_options options = { .map_size = FIRST_MAP,
	    .no_lock = true };
	struct env *env;
	int rc;

	if (mkdir(below, 0700) != 0)
		return err_errno(e, "cannot create \"%s\"", below);
	if (env_open(&env, below, &options, e) != 0)
		return -1;
	rc = fsync(env_fd(env));
	if (rc != 0)
		err_errno(e, "cannot sync the database in \"%s\"", below);
	env_close(&env);
	return rc;
}

/* Makes the database and gives it its name. */
static int
begin(const char *dir, const char *path, struct err *e)
{
	char *below = folder_path(dir, FIRST_NAME);
	char *made = folder_path(below, FOLDER_DATA);
	int rc = make(below, e);

	if (rc != 0)
		rc = say_full(dir, e);
	else if (rename(made, path) != 0)
		rc = err_errno(e, "cannot rename \"%s\"", made);
	else if ((rc = folder_sync(dir, e)) == 0)
		rc = folder_sync_name(dir, e);
	clear(below);
	free(made);
	free(below);
	return rc;
}

/*
 * LMDB writes to the file of its locks through a map, where a full disk is
 * a signal: has the disk give the room before.
 */
static int
make_locks(const char *dir, struct err *e)
{
	char *path = folder_path(dir, LOCKS_NAME);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) != 0) {
		rc = err_errno(e, "cannot open \"%s\"", path);
	} else if (st.st_blocks * 512 >= LOCKS_SIZE) {
		rc = 0;
	} else if ((rc = posix_fallocate(fd, 0, LOCKS_SIZE)) != 0) {
		errno = rc;
		rc = err_errno(e, "cannot make room for \"%s\"", path);
	}
	if (rc != 0)
		say_full(dir, e);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* What lies there; that there is nothing is an error where a store was. */
static enum content
look_in(const char *dir, const char *path, int lock_fd, struct err *e)
{
	enum content content = look(path, e);

	if ((content != CONTENT_NONE && content != CONTENT_UNUSED) ||
	    !(folder_is_marked(lock_fd) || has_ballast(dir)))
		return content;
	err_set(e, "\"%s\" was a store and is %s now: restore a copy that "
	    "`sensorhost backup` made, or remove the whole folder to begin "
	    "anew", path, content == CONTENT_NONE ? "missing" : "empty");
	return CONTENT_ERROR;
}

int
first_look(const char *dir, struct err *e)
{
	char *path = folder_path(dir, FOLDER_DATA);
	char *lock = folder_path(dir, FOLDER_LOCK);
	int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum content content = look_in(dir, path, fd, e);

	if (fd >= 0)
		close(fd);
	free(lock);
	free(path);
	return content == CONTENT_ERROR ? -1 : 0;
}

int
first_start(const char *dir, int lock_fd, struct err *e)
{
	char *path = folder_path(dir, FOLDER_DATA);
	char *below = folder_path(dir, FIRST_NAME);
	enum content content = look_in(dir, path, lock_fd, e);
	int rc = 0;

	clear(below);
	if (content == CONTENT_ERROR)
		rc = -1;
	else if (content != CONTENT_SOME)
		rc = begin(dir, path, e);
	free(below);
	free(path);
	return rc == 0 ? make_locks(dir, e) : rc;
}
