#pragma once

#include "api/out.h"
#include "core/host.h"
#include "http/request.h"

/* Writes a sensor as StackStorm shows it, ours beside. */
void sensortype_put(struct out *o, const struct host_sensor *s);

/* Answers with a sensor; `only` and `but` as in struct out, may be NULL. */
void sensortype_answer(struct http_request *r, unsigned status,
    const struct host_sensor *s);

/* False after a 500: what the store keeps of it cannot be read. */
bool sensortype_is_known(struct http_request *r, struct core *core,
    const struct host_sensor *s);

/*
 * The sensor of the route's :ref, by ref or id; false after a 404 that names
 * the nearest, or a 500 as above.
 */
bool sensortype_find(struct http_request *r, struct core *core,
    struct host_sensor *out);
