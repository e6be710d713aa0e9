#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/sensor/supervisor.h"

/*
 * The sensors of this host: each that was ever to run since its start has a
 * supervisor, which stays.
 */
struct findings;

/* What is wrong with the triggers that the host declares goes to findings. */
void fleet_init(struct fleet *f, struct context *ctx, struct pool *pool,
    struct findings *findings, const struct fleet_ops *ops, void *arg);
void fleet_release(struct fleet *f);

/* A supervisor for a sensor of the catalog in use; not started. */
struct supervisor *fleet_add(struct fleet *f, struct sensor_meta *meta);

/* The supervisor of a sensor, or NULL. */
struct supervisor *fleet_find(const struct fleet *f, const char *ref);
size_t fleet_count(const struct fleet *f);

/* Stops every sensor in order, for good. */
void fleet_stop(struct fleet *f, const char *reason);

/* How many of them run, or will start by themselves. */
size_t fleet_active(const struct fleet *f);

/* listening_asked_fn; arg is a fleet. */
bool fleet_has_asked(void *arg, const char *ref, int64_t us);
