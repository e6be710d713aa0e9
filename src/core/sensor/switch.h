#pragma once

#include <stdbool.h>

struct context;
struct sensor_meta;
struct sensor_state;

/*
 * Whether a sensor is enabled: by the operator's word, which outranks that
 * of its metadata. state (may be NULL) gets what is remembered of it.
 */
bool switch_enabled(struct context *ctx, const struct sensor_meta *meta,
    struct sensor_state *state);
