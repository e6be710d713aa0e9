/*
 * Tells whether an open file is still the one at its path. Called by store.c
 * before it lets anything pass for durable: a file that was removed takes
 * writes as before, and loses them all when it is closed. Numbers of files
 * are not given anew while one is open, so equal numbers are the same file.
 */
#include "store/anchor.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "store/folder.h"

int
anchor_init(struct anchor *p, const char *dir, const char *name, int fd,
    struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(e, "cannot look at \"%s/%s\"", dir, name);
	p->path = folder_path(dir, name);
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	return 0;
}

void
anchor_release(struct anchor *p)
{
	free(p->path);
	p->path = NULL;
}

bool
anchor_holds(const struct anchor *p)
{
	struct stat st;

	return p->path == NULL || (stat(p->path, &st) == 0 &&
	    st.st_dev == p->dev && st.st_ino == p->ino);
}
