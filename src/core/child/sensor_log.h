#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"

struct context;
struct sensor_meta;

/*
 * Log lines about one sensor: its ref and the generation they are about, its
 * own level, and the secrets of its configuration masked.
 */
struct sensor_log {
	const struct context *ctx;
	const struct sensor_meta *meta;
	uint64_t generation;
};

/* The least level that is written of a sensor. */
enum log_level sensor_log_level(const struct context *ctx, const char *ref);

/* What core says of the sensor. */
void sensor_log(const struct sensor_log *l, enum log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void sensor_vlog(const struct sensor_log *l, enum log_level level,
    const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* What its worker says; logger: a name below the sensor's own, or "". */
void sensor_log_text(const struct sensor_log *l, enum log_level level,
    const char *logger, const char *text, size_t len);

/* Masks what a worker wrote; cut: what follows it is missing. */
void sensor_log_mask(const struct sensor_meta *meta, struct buf *text,
    bool cut);
