#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/log.h"
#include "core/child/sensor_log.h"

struct backoff;
struct child;

/*
 * How the end of a worker is told: what failed, what was undone, whether and
 * when it is tried again.
 */

/* The sentence of a report other than STOPPED; freed by the caller. */
char *obituary_of_report(const struct child *c);

/*
 * Logs a failure: what, when it starts again (us; < 0: not at all), and the
 * traceback (may be NULL).
 */
void obituary_log(const struct sensor_log *l, const struct backoff *b,
    const char *what, const char *traceback, int64_t us);

/* Logs finished or rejected, with its "why". */
void obituary_log_why(const struct sensor_log *l,
    enum log_level level, const char *how, const json_t *details);

/* Logs an error that cleanup raised, if there was one. */
void obituary_log_cleanup(const struct child *c);
