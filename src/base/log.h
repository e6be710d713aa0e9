#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * The log: one line an event on stderr or in a file,
 *
 *	2026-01-02T03:04:05.678Z warning pack.Sensor[3]: text
 *
 * where 3 is the sensor's generation; where the host itself speaks there is
 * neither. Control characters are escaped; further lines of a text (a
 * traceback) follow indented. As JSON an event is one object,
 *
 *	{"time":"2026-01-02T03:04:05.678Z","level":"warning",
 *	 "sensor":"pack.Sensor","generation":3,"logger":"net","message":"text"}
 *
 * without the members that it has nothing for. Where stderr is systemd's
 * journal, each line begins with a priority such as <4> instead of the time
 * and the level of text. A text longer than LOG_LINE bytes is cut and says so.
 */
#define LOG_LINE (64 * 1024)

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };

/* Sets the level below which log_text and log_at write nothing. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_set_json(bool json);

/* Writes to a file from now on. -1 with e: nothing has changed. */
int log_open(const char *file, struct err *e);

/* Opens the file anew, after it was renamed; says so if it cannot. */
void log_reopen(void);

/*
 * Who takes the log may be slow: then up to 1 MB of lines wait, and what is
 * beyond is lost and counted. Writes what goes without waiting.
 */
void log_flush(void);

/* The name of a level, or -1 for a name that is none. */
const char *log_level_name(enum log_level level);
int log_level_parse(const char *name);

/* Whom an event is about. */
struct log_about {
	enum log_level level;
	const char *sensor;  /* its ref; NULL: the host itself speaks */
	uint64_t generation; /* 0: none */
	const char *logger;  /* a name below the sensor's own; NULL: none */
};

/* Writes an event, whatever its level. */
void log_event(const struct log_about *about, const char *text, size_t len);

/*
 * Writes whole lines that have a form of their own, such as dead letters in
 * JSON, in their order with the events.
 */
void log_lines(const struct buf *lines);

/* Writes one if its level is wanted; sensor may be NULL. */
void log_text(enum log_level level, const char *sensor, const char *text,
    size_t len);
void log_at(enum log_level level, const char *sensor, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_at(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, NULL, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, NULL, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, NULL, __VA_ARGS__)
