#pragma once

#include "base/err.h"

/*
 * The folder's database is there afterwards: made now if none ever was, and
 * then durable. The folder is locked by lock_fd. -1 and e where a store was
 * and is none now, or where there is no room for one.
 */
int first_start(const char *dir, int lock_fd, struct err *e);

/* For readers: -1 and the same e where a store was and is none now. */
int first_look(const char *dir, struct err *e);
