#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the whole of a plain file, at most max bytes, to b. 0; 1 if there
 * is no such file (e says so too); -1 with e: no plain file, larger, not to
 * be read. Never waits, not for a pipe either.
 */
int file_read(const char *path, size_t max, struct buf *b, struct err *e);
