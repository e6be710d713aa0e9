#pragma once

#include <jansson.h>

#include "base/err.h"

/*
 * Parameterised triggers that somebody wants: the host configuration, the
 * command line, later rules. Counted, so that equal ones are one trigger; a
 * sensor is told of those of its own types, at its start and live.
 */
struct context;
struct declared;
struct findings;
struct pool;
struct sensor_meta;

/* Tells the workers of the pool, and findings what is wrong. */
struct declared *declared_new(struct context *ctx, struct pool *pool,
    struct findings *findings);
void declared_free(struct declared **d);

/* One more, or one fewer, who wants the trigger of this type, a ref. */
void declared_add(struct declared *d, const char *type, json_t *parameters);
void declared_drop(struct declared *d, const char *type, json_t *parameters);

/*
 * Takes `triggers` of the configuration in use: adds what is new, drops what
 * is gone.
 */
void declared_configure(struct declared *d);

/*
 * Notes among the findings what is wrong with each by the catalog in use, and
 * registers the others.
 */
void declared_check(struct declared *d);

/* Appends those of the sensor's types, as JSON of msg.h's spec. */
void declared_put(struct declared *d, const struct sensor_meta *meta,
    json_t *out);
