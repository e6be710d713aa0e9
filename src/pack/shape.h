#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pack/doc.h"

/*
 * The shape of a mapping: a table of its members. A value is checked
 * against it once; the places of all that does not fit are reported.
 */
enum shape_type {
	SHAPE_ANY,
	SHAPE_STRING,
	SHAPE_BOOL,
	SHAPE_INTEGER,
	SHAPE_NUMBER,
	SHAPE_LIST,
	SHAPE_OBJECT,
	SHAPE_SIZE,	/* an integer of bytes or a text such as 64M */
	SHAPE_DURATION	/* a number of seconds or a text such as 10s */
};

enum shape_flag {
	SHAPE_REQUIRED = 1,
	SHAPE_NULL = 2,		/* null means: not given */
	SHAPE_FILLED = 4	/* a string: not empty, no control characters */
};

/* Looks closer at a member of the right type; reports what is wrong. */
typedef void shape_check_fn(struct doc *d, const char *pointer,
    json_t *value);

struct shape_member {
	const char *name;
	enum shape_type type;
	int flags;
	const char *const *choices;	/* NULL-ended; NULL: any */
	shape_check_fn *check;		/* may be NULL */
};

/* A wrong name that edit distance would not lead to the right one. */
struct shape_hint {
	const char *wrong;
	const char *right;
};

struct shape {
	const char *what;			/* "a sensor" */
	const struct shape_member *members;	/* up to one with name NULL */
	const struct shape_hint *hints;		/* the same; may be NULL */
	enum diag_level unknown;		/* what an unknown key is */
};

/*
 * Checks the value at pointer; false if an error was reported. The value
 * need not be an object.
 */
bool shape_check(struct doc *d, const char *pointer, json_t *value,
    const struct shape *shape);

/* Checks one value against one row, whatever it is called. */
bool shape_member_check(struct doc *d, const char *pointer, json_t *value,
    const struct shape_member *member);

/* The known name that was meant by an unknown one, or NULL. */
const char *shape_nearest(const struct shape *shape, const char *name);

/* Members that were checked; what is absent or null gives the default. */
const char *shape_string(const json_t *o, const char *name,
    const char *fallback);
bool shape_bool(const json_t *o, const char *name, bool fallback);
double shape_number(const json_t *o, const char *name, double fallback);
uint64_t shape_size(const json_t *o, const char *name, uint64_t fallback);
int64_t shape_duration(const json_t *o, const char *name, int64_t fallback);

/* "the string \"10\"", "a list", "null": what a value is, for messages. */
#define SHAPE_TEXT 96
const char *shape_describe(const json_t *value, char text[SHAPE_TEXT]);
