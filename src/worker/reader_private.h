#pragma once

#include "worker/reader.h"

/* What reader.c and reader_mark.c share. */

/* Reads until n bytes or the end of the file; -1 with errno. */
ssize_t reader_read_at(int fd, void *p, size_t n, int64_t offset);

/* Where the last whole line of the first size bytes ends; lines are no longer
 * than line_max. */
int64_t reader_last_line_end(int fd, int64_t size, size_t line_max);

/* Goes to offset, forgetting what is buffered; -1 with errno. */
int reader_seek(struct reader *r, int64_t offset);
