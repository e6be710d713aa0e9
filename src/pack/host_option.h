#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "pack/host_config.h"
#include "pack/shape.h"

/* The rows of sensorhost.yaml; inside pack/ only. */
enum host_type {
	HOST_BOOL,	/* bool */
	HOST_INTEGER,	/* int64_t */
	HOST_SIZE,	/* uint64_t */
	HOST_DURATION,	/* int64_t, microseconds */
	HOST_TEXT,	/* char *; NULL if `none` */
	HOST_PATH,	/* char *; the same, relative to the file's folder */
	HOST_WORD,	/* bool: the second of two choices */
	HOST_MODE,	/* unsigned: octal permissions */
	HOST_TEXTS,	/* struct host_list */
	HOST_PATHS,	/* struct host_list */
	HOST_JSON	/* json_t *, of the kind that `initial` is */
};

struct host_option {
	const char *name;	/* "journal.retain_age" */
	enum host_type type;
	size_t offset;		/* in struct host_config */
	const char *initial;	/* the default, in YAML */
	double min, max;	/* of numbers, in bytes or microseconds */
	const char *const *choices;
	shape_check_fn *check;	/* of a value in the file; may be NULL */
	bool reloadable;
	const char *help;
};

/* All options, in the order they are printed; ends with name NULL. */
extern const struct host_option host_options[];

/* The row of that name, or NULL. */
const struct host_option *host_option_find(const char *name);

/*
 * Sets the option to a value; relative paths count from folder (NULL: they
 * stay). -1 with e, without the option's name in it.
 */
int host_option_set(struct host_config *c, const struct host_option *o,
    const json_t *value, const char *folder, struct err *e);

/* An option that is a path or paths: those that are relative count from it. */
void host_option_anchor(struct host_config *c, const struct host_option *o,
    const char *folder);

/* The value as YAML on one line. */
void host_option_print(const struct host_config *c,
    const struct host_option *o, struct buf *out);

/* Exchanges the option's values. */
void host_option_swap(struct host_config *a, struct host_config *b,
    const struct host_option *o);

/* Frees what the option holds. */
void host_option_release(struct host_config *c, const struct host_option *o);
