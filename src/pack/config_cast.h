#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/*
 * Walking a config schema beside a value, and making typed values of
 * rendered text. Inside pack/ only. root is the wrapped schema, the object
 * that `$ref: "#/properties/x"` points into.
 */

/* The schema of a member or an item; NULL where the schema says nothing. */
const json_t *schema_of_member(const json_t *root, const json_t *schema,
    const char *name);
const json_t *schema_of_item(const json_t *root, const json_t *schema,
    size_t i);

/* The value at a JSON pointer such as /a/0; NULL if it leads nowhere. */
const json_t *json_at(const json_t *root, const char *pointer);

/* True if the place, or one above it, is secret by the schema. */
bool schema_says_secret(const json_t *root, const char *pointer);

/* What a schema is once its $refs are followed; NULL if they lead nowhere. */
const json_t *schema_resolve(const json_t *root, const json_t *schema);

/*
 * text as the type that schema wants; a new reference. Without a type it
 * stays a string. NULL with e if it fits none; e does not quote the text.
 */
json_t *config_cast(const json_t *schema, const char *text, struct err *e);
