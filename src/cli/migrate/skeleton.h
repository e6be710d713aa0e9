#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cli/migrate/py_file.h"

/*
 * Lua files to begin a port with. Such a file loads and passes `check`; it
 * rejects itself in setup until somebody has written what Python did, which
 * stands in its comments. Metadata alone is enough to make one.
 */
struct skeleton_sensor {
	const char *pack;
	const char *class_name;
	const char *description;
	const char *metadata_file;    /* inside the pack */
	bool polling;
	const json_t *trigger_types;  /* as in the metadata; may be NULL */
	const struct py_class *class; /* NULL: not known */
};

struct skeleton {
	const char *python; /* the entry point, inside the pack */
	const struct py_file *file; /* NULL: it could not be read */
	const struct skeleton_sensor *sensors;
	size_t count;
};

/* Appends the Lua file. */
void skeleton_put(struct buf *out, const struct skeleton *s);

/* True if the method does nothing: the base class has one like it. */
bool skeleton_is_empty(const struct py_file *f, const struct py_method *m);

/* Appends what a fact is in Lua. */
void skeleton_put_fact(struct buf *out, const struct py_fact *f);
