#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/log.h"

struct child;
struct supervisor;

/*
 * How the end of a worker is told: what failed, what was undone, whether and
 * when it is tried again.
 */

/* The sentence of a FAILED or RETURNED report; freed by the caller. */
char *obituary_of_report(const struct child *c);

/*
 * Logs a failure: what, when it starts again (us; < 0: not at all), and the
 * traceback (may be NULL).
 */
void obituary_log(struct supervisor *s, const char *what,
    const char *traceback, int64_t us);

/* Logs finished or rejected, with its "why". */
void obituary_log_why(struct supervisor *s, enum log_level level,
    const char *how, const json_t *details);

/* Logs an error that cleanup raised, if there was one. */
void obituary_log_cleanup(struct supervisor *s, const json_t *details);
