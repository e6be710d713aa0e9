#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a worker is bound to: its sensor's own limits, or else those of the
 * host's configuration, which may change while it runs.
 */
struct context;
struct sensor_meta;

struct bounds {
	uint64_t memory;
	uint64_t unit; /* bytes */
	bool validate_formats;
};
struct bounds bounds_of(const struct context *ctx,
    const struct sensor_meta *meta);
bool bounds_equal(const struct bounds *a, const struct bounds *b);

/* The longest turn of Lua, in microseconds. */
int64_t bounds_slice_us(const struct context *ctx,
    const struct sensor_meta *meta);

/* The largest message that the worker may send, in bytes. */
size_t bounds_message(const struct bounds *b);
