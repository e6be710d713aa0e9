#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/log.h"

struct child;
struct core;
struct supervisor;

/*
 * Log lines about one sensor: its ref and the generation they are about, its
 * own level, and the secrets of its configuration masked.
 */

/* The least level that is written of a sensor. */
enum log_level sensor_log_level(const struct core *core, const char *ref);

/* Masks what a worker wrote; cut: what follows it is missing. */
void child_mask(const struct child *c, struct buf *text, bool cut);

/* What core says of a sensor, or of one of its workers. */
void supervisor_log(const struct supervisor *s, enum log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void child_log(const struct child *c, enum log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What a worker says itself; logger: a name below the sensor's own, or "". */
void child_log_text(const struct child *c, enum log_level level,
    const char *logger, const char *text, size_t len);
