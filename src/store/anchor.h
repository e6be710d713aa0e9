#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * A file that is open, and the path at which it was opened: whether it is
 * still the one that lies there.
 */
struct anchor {
	char *path;	/* NULL: nothing is looked at */
	dev_t dev;
	ino_t ino;
};

/* Notes which file fd is; -1 and e. */
int anchor_init(struct anchor *p, const char *dir, const char *name, int fd,
    struct err *e);
void anchor_release(struct anchor *p);

/*
 * True if the file lies at its path. False if it was removed, or another is
 * there, or nobody can say; one system call.
 */
bool anchor_holds(const struct anchor *p);
