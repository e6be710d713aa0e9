/*
 * The data folder as such: its mode, what it lies on, and the lock that keeps
 * a second core out. Called when a door of the store opens. The lock is a
 * flock of our own, taken before LMDB is opened, because LMDB's locks go by
 * pid and do not hold across pid namespaces. Never changes the mode of a
 * folder that holds other people's things.
 */
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/xalloc.h"

/* The lock file: the pid of who has it, always as long; then the mark. */
#define PID_LINE 24
#define MARK "store\n"

char *
folder_path(const char *dir, const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

int
folder_is_empty(const char *dir, struct err *e)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	bool empty = true;

	if (d == NULL)
		return err_errno(e, "cannot read the folder \"%s\"", dir);
	while (empty && (entry = readdir(d)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, "lost+found") == 0;
	closedir(d);
	return empty;
}

/* Makes the folder unless it is there, and its name durable. */
static int
make_folder(const char *dir, struct err *e)
{
	if (mkdir(dir, 0700) == 0)
		return folder_sync_name(dir, e);
	if (errno == EEXIST)
		return 0;
	return err_errno(e, "cannot create the data folder \"%s\"; choose "
	    "another with --data", dir);
}

/* mkdir -p, all of it for the owner alone. */
static int
make_folders(const char *dir, struct err *e)
{
	char *path = xstrdup(dir);
	int rc = 0;

	for (char *p = path + 1; rc == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		rc = make_folder(path, e);
		*p = '/';
	}
	if (rc == 0)
		rc = make_folder(path, e);
	free(path);
	return rc;
}

/* Closes the folder to others, unless it seems to be somebody else's. */
static int
tighten(const char *dir, mode_t mode, char *notice, size_t size,
    struct err *e)
{
	char *data = folder_path(dir, FOLDER_DATA);
	bool ours = access(data, F_OK) == 0;
	int empty = ours ? 0 : folder_is_empty(dir, e);

	free(data);
	if (empty < 0)
		return -1;
	if ((!ours && !empty) || mode & S_ISVTX)
		return err_set(e, "\"%s\" is open to others (mode %04o) and "
		    "holds other things: give sensorhost a folder of its own "
		    "with --data", dir, mode);
	if (chmod(dir, 0700) != 0)
		return err_errno(e, "cannot close the data folder \"%s\" to "
		    "others (it has mode %04o)", dir, mode);
	snprintf(notice, size, "the data folder \"%s\" was open to others "
	    "(mode %04o): closed it (0700)", dir, mode);
	return 0;
}

/* LMDB's locks and its memory map do not work over a network. */
static int
check_file_system(const char *dir, struct err *e)
{
	static const long network[] = {
		NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xff534d42, 0xfe534d42,
		AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
	};
	struct statfs fs;

	if (statfs(dir, &fs) != 0)
		return err_errno(e, "cannot look at the file system of \"%s\"",
		    dir);
	for (size_t i = 0; i < sizeof(network) / sizeof(*network); i++)
		if ((long)fs.f_type == network[i])
			return err_set(e, "\"%s\" is on a network file "
			    "system, where the database's locks do not hold: "
			    "choose a local folder with --data", dir);
	return 0;
}

int
folder_prepare(const char *dir, char *notice, size_t size, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) != 0) {
		if (errno != ENOENT)
			return err_errno(e, "cannot look at \"%s\"", dir);
		if (make_folders(dir, e) != 0)
			return -1;
		if (stat(dir, &st) != 0)
			return err_errno(e, "cannot look at \"%s\"", dir);
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(e, "\"%s\" is no folder: choose another with "
		    "--data", dir);
	if (st.st_mode & 077 &&
	    tighten(dir, st.st_mode & 07777, notice, size, e) != 0)
		return -1;
	return check_file_system(dir, e);
}

/* Says who has the folder. */
static int
say_owner(int fd, const char *dir, struct err *e)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n < 0 ? 0 : strcspn(pid, " \n")] = '\0';
	return err_set(e, "\"%s\" is in use by another sensorhost (pid %s): "
	    "stop that one, choose another folder with --data, or run with "
	    "--dry-run, which changes nothing", dir,
	    pid[0] != '\0' ? pid : "unknown");
}

int
folder_lock(const char *dir, int *out, struct err *e)
{
	char *path = folder_path(dir, FOLDER_LOCK);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char pid[PID_LINE + 1];

	free(path);
	if (fd < 0)
		return err_errno(e, "cannot write to the data folder \"%s\": "
		    "make it writable, choose another with --data, or run "
		    "with --dry-run", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int rc = errno == EWOULDBLOCK ? say_owner(fd, dir, e) :
		    err_errno(e, "cannot lock the data folder \"%s\"", dir);

		close(fd);
		return rc;
	}
	snprintf(pid, sizeof(pid), "%-*ld\n", PID_LINE - 1, (long)getpid());
	/* A full disk must not keep core from starting: the pid is a hint. */
	if (pwrite(fd, pid, PID_LINE, 0) < 0)
		errno = 0;
	*out = fd;
	return 0;
}

bool
folder_is_marked(int lock_fd)
{
	char mark[sizeof(MARK) - 1];

	return pread(lock_fd, mark, sizeof(mark), PID_LINE) ==
	    (ssize_t)sizeof(mark) && memcmp(mark, MARK, sizeof(mark)) == 0;
}

void
folder_mark(int lock_fd)
{
	if (!folder_is_marked(lock_fd) &&
	    pwrite(lock_fd, MARK, sizeof(MARK) - 1, PID_LINE) > 0)
		fdatasync(lock_fd);
}

bool
folder_lock_shared(const char *dir, int *out)
{
	char *path = folder_path(dir, FOLDER_LOCK);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	*out = fd;
	if (fd < 0)	/* no core was ever here, or this is a copy */
		return errno == ENOENT;
	return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

int
folder_open(const char *dir, int *out, struct err *e)
{
	*out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return err_errno(e, "cannot open the folder \"%s\"", dir);
	return 0;
}

int
folder_sync(const char *dir, struct err *e)
{
	int fd, rc = folder_open(dir, &fd, e);

	if (rc == 0 && fsync(fd) != 0)
		rc = err_errno(e, "cannot sync the folder \"%s\"", dir);
	if (fd >= 0)
		close(fd);
	return rc;
}

int
folder_sync_name(const char *dir, struct err *e)
{
	char *above = folder_path(dir, "..");
	int rc = access(above, R_OK) != 0 && errno == EACCES ? 0 :
	    folder_sync(above, e);

	free(above);
	return rc;
}
