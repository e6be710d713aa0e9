/*
 * What the system says about a file, its time of birth included. Called by
 * readers (reader.c, reader_mark.c) and by bind_file.c.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "worker/reader.h"

/* What statx said, in our terms. */
static void
facts_take(struct file_facts *f, const struct statx *x)
{
	f->id.inode = x->stx_ino;
	f->id.born = 0;
	if (x->stx_mask & STATX_BTIME)
		f->id.born = x->stx_btime.tv_sec * INT64_C(1000000000) +
		    x->stx_btime.tv_nsec;
	f->modified = x->stx_mtime.tv_sec * INT64_C(1000000000) +
	    x->stx_mtime.tv_nsec;
	f->size = (int64_t)x->stx_size;
	f->links = x->stx_nlink;
	f->regular = S_ISREG(x->stx_mode);
	f->folder = S_ISDIR(x->stx_mode);
}

#define FACTS (STATX_TYPE | STATX_NLINK | STATX_INO | STATX_SIZE | \
    STATX_MTIME | STATX_BTIME)

int
file_facts_fd(int fd, struct file_facts *f)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, FACTS, &x) < 0)
		return -1;
	facts_take(f, &x);
	return 0;
}

int
file_facts_at(int dirfd, const char *path, struct file_facts *f)
{
	struct statx x;

	if (statx(dirfd, path, 0, FACTS, &x) < 0)
		return -1;
	facts_take(f, &x);
	return 0;
}
