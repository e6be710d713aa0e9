#pragma once

#include <stdbool.h>
#include <stdint.h>

struct context;
struct declared;
struct sensor_meta;

/* What differs from start to start. */
struct spec_start {
	uint32_t number;    /* of the sensor, in the registry */
	bool interpreted;   /* it overran limits.slice before */
	double first_delay; /* of the first poll, in seconds */
};

/*
 * The LOAD message's JSON for a start of the sensor (msg.h says what is in
 * it). Registers the triggers it names. Freed by the receiver.
 */
char *spec_make(struct context *ctx, struct declared *declared,
    const struct sensor_meta *meta, const struct spec_start *start);
