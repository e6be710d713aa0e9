#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * JSON Schema, draft 4 and StackStorm's dialect of it: compiled once to a
 * flat program, then evaluated any number of times, on json_t here and on
 * Lua values in worker/encode.h. Pure: no network, no files.
 */
enum schema_dialect { SCHEMA_DRAFT4, SCHEMA_STACKSTORM };

/* A document that $ref may name by its address. */
struct schema_document {
	const char *uri;
	const json_t *root;
};

/*
 * The draft-4 metaschema is known by its address without being listed; an
 * all-zero struct is draft 4 with nothing else.
 */
struct schema_options {
	enum schema_dialect dialect;
	bool validate_formats;
	const struct schema_document *documents;
	size_t document_count;
};

/*
 * What is wrong, with a schema or with a value. Owns nothing.
 *
 *	path         JSON pointer into the value, "" for all of it
 *	keyword      the keyword of the schema that failed
 *	schema_path  JSON pointer into the schema ("/properties/id/type"; for
 *	             another document its address, "#" and the pointer)
 *	found        what is there: `"42" is a string`
 *	wants        what was expected: `integer`; "" where it says nothing
 *	message      both: `"42" is a string, the schema wants integer`
 *
 * Values of properties marked `secret` are never quoted.
 */
#define SCHEMA_PATH 512
#define SCHEMA_TEXT 256

struct schema_error {
	char path[SCHEMA_PATH];
	char schema_path[SCHEMA_PATH];
	char keyword[24];
	char found[SCHEMA_TEXT];
	char wants[SCHEMA_TEXT];
	char message[2 * SCHEMA_TEXT + 32];
};

/*
 * Puts the sentence for a rejected value into err: subject is what was
 * rejected ("payload"), where is the place of the schema ("sensors/x.yaml:
 * 17") or NULL. Returns -1.
 *
 *	payload rejected at /actor/id: "42" is a string, the schema
 *	(sensors/x.yaml:17) wants integer
 */
int schema_error_say(const struct schema_error *e, const char *subject,
    const char *where, struct err *err);

struct schema;

/*
 * Compiles a schema; borrows text and documents only for the call. options
 * may be NULL. Returns NULL with e filled when the schema is wrong: then
 * schema_path points at the offending place in text, keyword names it,
 * message says it.
 */
struct schema *schema_compile(const json_t *text,
    const struct schema_options *options, struct schema_error *e);
void schema_free(struct schema **s);

/* 0 when value conforms, else -1 with the first failure in e. */
int schema_validate_json(const struct schema *s, const json_t *value,
    struct schema_error *e);

/*
 * Returns a copy of value with the defaults of absent properties filled in,
 * nested ones too (StackStorm's dialect: also where the value is null and
 * the default is not). With create, absent object properties that hold
 * defaults are created. Does not validate. A new reference.
 */
json_t *schema_fill_json(const struct schema *s, const json_t *value,
    bool create);
