#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/migrate/todo.h"
#include "pack/pack.h"

/*
 * The steps of a migration, each on the copy of the pack that is being made.
 */
struct migration {
	char *copy;        /* the folder of the copy */
	char *name;        /* of the pack */
	const char *configs_dir; /* borrowed; may be NULL */
	struct todo todo;
	json_t *sensors;   /* refs of those that got a skeleton */
};

void migration_release(struct migration *m);

/*
 * Changes "entry_point: x.py" of a metadata file's text into x.lua and
 * leaves all else as it is. 0 done, 1 there is no Python entry point; -1
 * with e if it stands there in a way that only a person can change.
 */
int migrate_metadata(struct buf *text, struct err *e);

/* Changes all of sensors/ in that way; -1 with e if a file fails. */
int migrate_all_metadata(struct migration *m, struct err *e);

/*
 * Repairs what StackStorm lets pass in the schemas of a metadata file's text
 * and the host does not: the name of a type where a schema must stand
 * ("items: string"). Returns how many, -1 if there are some that only a
 * person can repair.
 */
int migrate_schemas(struct buf *text);

/*
 * If the schema wants a configuration and there is none, writes config.yaml:
 * the pack's example if it fits, else placeholders.
 */
void migrate_config(struct migration *m);

/*
 * Makes the Lua file that these sensors (count of them, with one entry
 * point) are to be, in the place of the Python file; adds what is left to do.
 */
int migrate_entry(struct migration *m, struct sensor_meta *const *sensors,
    size_t count, struct err *e);
