#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * YAML text to JSON, as PyYAML's safe loader reads it, with the place of
 * every part kept. Where it differs: timestamps stay strings as written,
 * keys keep their text (`on:` is "on"), inf, nan and integers beyond int64
 * are errors, as is what JSON has no word for (!!binary, !!set, keys that
 * are lists). One document; an empty text is null.
 */
#define YML_TEXT_MAX (1024 * 1024)	/* bytes of input */
#define YML_DEPTH_MAX 64		/* nested lists and mappings */
#define YML_NODES_MAX 100000		/* nodes, aliases expanded */
#define YML_BYTES_MAX (16 * 1024 * 1024) /* scalar bytes, aliases expanded */

struct yml;

/* A place in the text, both from 1; 0, 0: unknown. Columns count characters. */
struct yml_mark {
	int line;
	int column;
};

/* Something the author should know that is no error (a key given twice). */
struct yml_note {
	struct yml_mark mark;
	char *text;
};

/*
 * NULL on error: e says what (without place), *where the place. Borrows
 * nothing of text.
 */
struct yml *yml_parse(const char *text, size_t len, struct yml_mark *where,
    struct err *e);
void yml_free(struct yml **y);

/* The value, borrowed; may be changed by the caller (defaults), not freed. */
json_t *yml_value(const struct yml *y);

/* True if the text held no document at all, or only comments. */
bool yml_is_empty(const struct yml *y);

/* The notes, borrowed; NULL and *count 0 if there are none. */
const struct yml_note *yml_notes(const struct yml *y, size_t *count);

/*
 * Where the value at a JSON pointer ("" is the root) stands; for a pointer
 * that leads nowhere, the deepest part of it that exists.
 */
struct yml_mark yml_mark(const struct yml *y, const char *pointer);

/* The same for the key of the last member of the pointer (a list's item). */
struct yml_mark yml_key_mark(const struct yml *y, const char *pointer);
