#pragma once

#include <stdbool.h>
#include <stdint.h>

struct core;
struct sensor_meta;
struct supervisor;

/*
 * The LOAD message's JSON for a start of the sensor (msg.h says what is in
 * it). Registers the triggers it names. Freed by the receiver.
 */
char *spec_make(struct supervisor *s, const struct sensor_meta *meta);

/* What a worker is bound to that the host's configuration may change. */
struct spec_host {
	uint64_t memory;
	uint64_t unit;
	bool validate_formats;
};
struct spec_host spec_host(const struct core *core,
    const struct sensor_meta *meta);

/* False if the worker that runs was told other such things. */
bool spec_is_current(const struct supervisor *s,
    const struct sensor_meta *meta);
