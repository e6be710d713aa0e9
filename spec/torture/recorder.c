/*
 * Preloaded into core: notes, in one log and in order, what it does to the
 * files of one folder (RECORDER_ROOT), which of it a sync has put on the disk,
 * and what core prints meanwhile. The log (RECORDER_LOG) is read by
 * spec/torture/recording.lua, which knows `struct note` as well.
 *
 * Each call is made first and noted when it has returned, so a cut of power
 * during a call is a cut before its note. Files are told by their inode, names
 * have notes of their own. Only a process that makes something in the folder,
 * or opens a file of it for writing, notes anything. Writes through a memory
 * map are not seen: the spec compares the log's end with the real files.
 *
 * RECORDER_KILL N: after the Nth note of this process it kills itself.
 * RECORDER_LIES data, meta: fdatasync does nothing and is not noted, or
 * what is written to an O_DSYNC descriptor is not noted as being on the disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
#define LOG_FD 1000
#define PATH 4200

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum kind {
	BEGIN = 'B',	/* a process: file is its id */
	OPEN = 'O',	/* bytes: the name; size: as it is; made: it is new */
	WRITE = 'W',	/* bytes, at */
	DURABLE = 'D',	/* the last write of this file is on the disk */
	SIZE = 'T',	/* size: cut or grown to it */
	ROOM = 'A',	/* size: at least that now */
	SYNC = 'S',	/* of a file */
	NAMES = 'Y',	/* bytes: the folder, of which the names were synced */
	FOLDER = 'K',	/* bytes: the name of one that was made */
	RENAME = 'R',	/* bytes: old name, NUL, new name */
	UNLINK = 'U',	/* bytes: the name, also of a folder */
	PRINT = 'P',	/* bytes on stdout */
	SAY = 'E',	/* bytes on stderr */
};

struct note {
	uint32_t kind;
	uint32_t len;	/* of the bytes that follow */
	uint64_t file;	/* inode */
	uint64_t at;
	uint64_t size;
	uint64_t made;
};

static struct {
	ino_t file;
	bool durable;
} fds[FDS];
static bool recording;
static unsigned long notes;

static void
note(struct note n, const void *bytes)
{
	static int log = -1;
	struct iovec parts[] = {
		{ &n, sizeof(n) }, { (void *)bytes, n.len }
	};
	const char *kill_at = getenv("RECORDER_KILL");
	int saved = errno;

	if (log < 0) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD,
		    getenv("RECORDER_LOG"), O_WRONLY | O_CREAT | O_APPEND,
		    0600);

		log = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD);
		syscall(SYS_close, fd);
	}
	if (syscall(SYS_writev, log, parts, 2) != (long)(sizeof(n) + n.len))
		abort();
	if (kill_at != NULL && ++notes == strtoul(kill_at, NULL, 10))
		raise(SIGKILL);
	errno = saved;
}

static bool
lies(const char *how)
{
	const char *chosen = getenv("RECORDER_LIES");

	return chosen != NULL && strcmp(chosen, how) == 0;
}

/* The name within the folder; NULL: it lies elsewhere. */
static const char *
inside(int dir, const char *path, char full[PATH])
{
	const char *root = getenv("RECORDER_ROOT");
	size_t n = root != NULL ? strlen(root) : 0;
	char above[PATH / 2] = "";

	if (n == 0)
		return NULL;
	if (path[0] == '/' || (dir == AT_FDCWD &&
	    getcwd(above, sizeof(above)) == NULL)) {
		above[0] = '\0';
	} else if (dir != AT_FDCWD) {
		char link[64];
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
		len = readlink(link, above, sizeof(above) - 1);
		above[len < 0 ? 0 : len] = '\0';
	}
	snprintf(full, PATH, "%s%s%s", above, above[0] != '\0' ? "/" : "",
	    path);
	return strncmp(full, root, n) == 0 && full[n] == '/' ?
	    full + n + 1 : NULL;
}

static void
begin(void)
{
	if (!recording)
		note((struct note){ .kind = BEGIN,
		    .file = (uint64_t)getpid() }, NULL);
	recording = true;
}

static void
opened(int fd, const char *name, int flags, bool made)
{
	struct stat st;

	if (fd < 0 || fd >= FDS || fstat(fd, &st) != 0)
		return;
	fds[fd].file = 0;
	if (name == NULL || !S_ISREG(st.st_mode) ||
	    (flags & O_ACCMODE) == O_RDONLY)
		return;
	begin();
	fds[fd].file = st.st_ino;
	fds[fd].durable = flags & (O_DSYNC | O_SYNC);
	note((struct note){ .kind = OPEN, .len = (uint32_t)strlen(name),
	    .file = st.st_ino, .size = (uint64_t)st.st_size, .made = made },
	    name);
	if (flags & O_TRUNC)
		note((struct note){ .kind = SIZE, .file = st.st_ino }, NULL);
}

static int
open_noted(int dir, const char *path, int flags, mode_t mode)
{
	char full[PATH];
	const char *name = inside(dir, path, full);
	bool made = name != NULL && flags & O_CREAT && access(full, F_OK) != 0;
	int fd = REAL(openat)(dir, path, flags, mode);

	opened(fd, name, flags, made);
	return fd;
}

static mode_t
mode_of(int flags, va_list rest)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN_FUNCTION(name, params, dir)				\
int name params								\
{									\
	va_list rest;							\
	mode_t mode;							\
									\
	va_start(rest, flags);						\
	mode = mode_of(flags, rest);					\
	va_end(rest);							\
	return open_noted(dir, path, flags, mode);			\
}

OPEN_FUNCTION(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN_FUNCTION(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN_FUNCTION(openat, (int at, const char *path, int flags, ...), at)
OPEN_FUNCTION(openat64, (int at, const char *path, int flags, ...), at)

/* The file of the folder behind a descriptor, or 0. */
static ino_t
file_of(int fd)
{
	struct stat st;

	if (fd < 0 || fd >= FDS || fds[fd].file == 0)
		return 0;
	if (fstat(fd, &st) != 0 || st.st_ino != fds[fd].file)
		fds[fd].file = 0;
	return fds[fd].file;
}

/* What a write has written: to a file, from `at` on, or to be read. */
static void
written(int fd, const struct iovec *parts, int count, ssize_t n, off_t at)
{
	ino_t file = n > 0 ? file_of(fd) : 0;
	struct note head = { .kind = fd == STDOUT_FILENO ? PRINT : SAY };
	char *bytes;
	size_t len = 0;

	if (n <= 0 || !recording ||
	    (file == 0 && fd != STDOUT_FILENO && fd != STDERR_FILENO))
		return;
	bytes = malloc((size_t)n);
	for (int i = 0; i < count && len < (size_t)n; i++) {
		size_t part = parts[i].iov_len;

		if (part > (size_t)n - len)
			part = (size_t)n - len;
		memcpy(bytes + len, parts[i].iov_base, part);
		len += part;
	}
	head.len = (uint32_t)len;
	if (file != 0) {
		head.kind = WRITE;
		head.file = file;
		head.at = at >= 0 ? (uint64_t)at :
		    (uint64_t)lseek(fd, 0, SEEK_CUR) - len;
	}
	note(head, bytes);
	free(bytes);
	if (file != 0 && fds[fd].durable && !lies("meta"))
		note((struct note){ .kind = DURABLE, .file = file }, NULL);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t done = REAL(write)(fd, p, n);

	written(fd, &(struct iovec){ (void *)p, n }, 1, done, -1);
	return done;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	ssize_t done = REAL(writev)(fd, parts, count);

	written(fd, parts, count, done, -1);
	return done;
}

#define PWRITE_FUNCTION(name)						\
ssize_t name(int fd, const void *p, size_t n, off_t at)			\
{									\
	ssize_t done = REAL(name)(fd, p, n, at);			\
									\
	written(fd, &(struct iovec){ (void *)p, n }, 1, done, at);	\
	return done;							\
}

#define PWRITEV_FUNCTION(name)						\
ssize_t name(int fd, const struct iovec *parts, int count, off_t at)	\
{									\
	ssize_t done = REAL(name)(fd, parts, count, at);		\
									\
	written(fd, parts, count, done, at);				\
	return done;							\
}

PWRITE_FUNCTION(pwrite)
PWRITE_FUNCTION(pwrite64)
PWRITEV_FUNCTION(pwritev)
PWRITEV_FUNCTION(pwritev64)

/* A call on a descriptor that succeeded, if it is one of the folder's. */
static int
done(int rc, int fd, enum kind kind, off_t size)
{
	ino_t file = rc == 0 ? file_of(fd) : 0;

	if (file != 0)
		note((struct note){ .kind = kind, .file = file,
		    .size = (uint64_t)size }, NULL);
	return rc;
}

int
ftruncate(int fd, off_t size)
{
	return done(REAL(ftruncate)(fd, size), fd, SIZE, size);
}

int
ftruncate64(int fd, off_t size)
{
	return done(REAL(ftruncate64)(fd, size), fd, SIZE, size);
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	return done(REAL(posix_fallocate)(fd, at, n), fd, ROOM, at + n);
}

int
posix_fallocate64(int fd, off_t at, off_t n)
{
	return done(REAL(posix_fallocate64)(fd, at, n), fd, ROOM, at + n);
}

int
fdatasync(int fd)
{
	if (file_of(fd) != 0 && lies("data"))
		return 0;
	return done(REAL(fdatasync)(fd), fd, SYNC, 0);
}

/* The sync of a folder: RECORDER_ROOT itself has no name. */
static void
names_synced(int fd)
{
	char link[64], path[PATH / 2] = "", full[PATH];
	const char *name;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 3) < 0)
		return;
	name = inside(AT_FDCWD, strcat(path, "/."), full);
	if (name != NULL)
		note((struct note){ .kind = NAMES,
		    .len = (uint32_t)strlen(name) - (name[1] != '\0' ? 2 : 1) },
		    name);
}

int
fsync(int fd)
{
	int rc = REAL(fsync)(fd);
	struct stat st;

	if (rc == 0 && recording && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		names_synced(fd);
	return done(rc, fd, SYNC, 0);
}

/* Names that changed: one note where either of them lies in the folder. */
static int
renamed(int rc, int from_dir, const char *from, int to_dir, const char *to)
{
	char full[PATH], other[PATH], both[2 * PATH];
	const char *old = inside(from_dir, from, full);
	const char *new = inside(to_dir, to, other);
	int n;

	if (rc != 0 || !recording || (old == NULL && new == NULL))
		return rc;
	n = snprintf(both, sizeof(both), "%s%c%s", old != NULL ? old : "", 0,
	    new != NULL ? new : "");
	note((struct note){ .kind = RENAME, .len = (uint32_t)n }, both);
	return rc;
}

int
rename(const char *from, const char *to)
{
	return renamed(REAL(rename)(from, to), AT_FDCWD, from, AT_FDCWD, to);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renamed(REAL(renameat)(from_dir, from, to_dir, to), from_dir,
	    from, to_dir, to);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to,
    unsigned flags)
{
	return renamed(REAL(renameat2)(from_dir, from, to_dir, to, flags),
	    from_dir, from, to_dir, to);
}

/* A name that was made or taken away. */
static int
named(int rc, int dir, const char *path, enum kind kind)
{
	char full[PATH];
	const char *name = inside(dir, path, full);

	if (rc == 0 && name != NULL) {
		begin();
		note((struct note){ .kind = kind,
		    .len = (uint32_t)strlen(name) }, name);
	}
	return rc;
}

int
unlink(const char *path)
{
	return named(REAL(unlink)(path), AT_FDCWD, path, UNLINK);
}

int
unlinkat(int dir, const char *path, int flags)
{
	return named(REAL(unlinkat)(dir, path, flags), dir, path, UNLINK);
}

int
rmdir(const char *path)
{
	return named(REAL(rmdir)(path), AT_FDCWD, path, UNLINK);
}

int
mkdir(const char *path, mode_t mode)
{
	return named(REAL(mkdir)(path, mode), AT_FDCWD, path, FOLDER);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	return named(REAL(mkdirat)(dir, path, mode), dir, path, FOLDER);
}
