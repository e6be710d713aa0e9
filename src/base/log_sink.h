#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Where the log's lines go; inside base/ only. */

/* True if that is systemd's journal. */
bool log_sink_is_journal(void);

/*
 * Writes whole lines, or keeps them for later, at most so many bytes; -1:
 * they are lost.
 */
#define LOG_WAITING (1024 * 1024)
int log_sink_write(const struct buf *lines);

/* True if little waits: whoever reads has caught up. */
bool log_sink_is_calm(void);

/* Writes what waits, as far as it goes at once. */
void log_sink_flush(void);

/* As log_open; and again. -1 with e: it goes on where it was. */
int log_sink_open(const char *file, struct err *e);
int log_sink_reopen(struct err *e);
