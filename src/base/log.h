#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The log: one line an event on stderr,
 *
 *	2026-01-02T03:04:05.678Z warning pack.Sensor: text
 *
 * The subject (a sensor's ref) is left out where the host itself speaks.
 * Control characters are escaped; further lines of a text (a traceback)
 * follow indented. A line longer than LOG_LINE bytes is cut and says so.
 */
#define LOG_LINE (64 * 1024)

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };

/* Sets the level below which nothing is written. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* The name of a level, or -1 for a name that is none. */
const char *log_level_name(enum log_level level);
int log_level_parse(const char *name);

/* subject may be NULL. */
void log_text(enum log_level level, const char *subject, const char *text,
    size_t len);
void log_at(enum log_level level, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_at(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, NULL, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, NULL, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, NULL, __VA_ARGS__)
