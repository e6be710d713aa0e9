#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

struct child;
struct log_lines;

/*
 * What a sensor says by its loggers. At most LOG_LINES lines and LOG_BYTES
 * bytes in WINDOW_SECONDS; what is beyond is counted and the count logged. A
 * text of more than LOG_LINE bytes (base/log.h) is cut and says so, a name of
 * more than LOG_NAME bytes is cut.
 */
#define LOG_LINES 1000u
#define LOG_BYTES (1024u * 1024u)
#define LOG_NAME 128u

struct log_lines *log_lines_new(struct child *c);

/* Logs one line, or counts it. */
void log_lines_take(struct log_lines *l, enum log_level level,
    const char *name, const uint8_t *text, size_t len);

/* The worker is gone: says what was suppressed. */
void log_lines_end(struct log_lines *l);
void log_lines_free(struct log_lines **l);
