#pragma once

#include <stdbool.h>

struct context;
struct sensor_meta;
struct sensor_state;

/*
 * Whether a sensor is enabled: by the operator's word, which outranks that
 * of its metadata. SWITCH_UNKNOWN: what the operator said cannot be read; then
 * what runs goes on, and what does not run is not started. state (may be NULL)
 * gets what is remembered of it.
 */
enum switch_known { SWITCH_OFF, SWITCH_ON, SWITCH_UNKNOWN };
enum switch_known switch_look(struct context *ctx,
    const struct sensor_meta *meta, struct sensor_state *state);
