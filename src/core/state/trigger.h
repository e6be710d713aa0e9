#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

struct context;
struct sensor_meta;
struct trigger_type;

/*
 * Triggers: for each type without parameters its shadow trigger, for each
 * set of parameters of another type one with a ref of its own. The store's
 * registry gives them numbers; this is where they are made and described.
 */

/*
 * The trigger of a type with these parameters (an object; {} for the shadow
 * trigger), registered if it is new; as the JSON object of msg.h's spec, a
 * new reference.
 */
json_t *trigger_get(struct context *ctx, const struct trigger_type *type,
    json_t *parameters);

/* "FILE:LINE" of a type's payload_schema, as JSON; a new reference. */
json_t *trigger_place(const struct trigger_type *type);

/*
 * The trigger or trigger type that a sensor's code calls ref and that the
 * sensor does not declare itself; with "payload_schema" and "place" beside.
 * NULL with e (names the nearest).
 */
json_t *trigger_lookup(struct context *ctx, const char *ref, struct err *e);

/*
 * Which of a sensor's parameterised types these parameters fit; NULL with e
 * if none or more than one does.
 */
const struct trigger_type *trigger_type_for(const struct sensor_meta *meta,
    json_t *parameters, struct err *e);

/* StackStorm's text of parameters: sorted keys, ", " and ": ", ASCII. */
char *trigger_parameters_text(const json_t *parameters);

/* trigger:<pack>:<name>:<md5 of the above>; freed by the caller. */
char *trigger_uid(const char *pack, const char *name,
    const json_t *parameters);
