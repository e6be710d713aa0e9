#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pack/diag.h"
#include "pack/pack.h"

/*
 * What the packs on disk say, as one immutable thing. Built in small steps,
 * so that no loop is held; counted by references, because a sensor runs on
 * the catalog it was started from while a newer one is there already.
 */
struct catalog;
struct catalog_builder;

struct catalog_options {
	char *const *packs_path;	/* folders that hold packs, in order */
	size_t packs_path_count;
	struct pack_options pack;
};

/* Borrows what options point to until catalog_builder_finish. */
struct catalog_builder *catalog_builder_new(
    const struct catalog_options *options);

/* Reads a little more, a file or so; false when all is read. */
bool catalog_builder_step(struct catalog_builder *b);

/*
 * The catalog, with one reference for the caller, from what was read so
 * far; NULLs *b. Broken packs and sensors are in it, rejected, and its
 * diagnostics say why: it is never NULL.
 */
struct catalog *catalog_builder_finish(struct catalog_builder **b);

/* Gives up; NULLs *b. */
void catalog_builder_free(struct catalog_builder **b);

/* All steps at once, for who need not be quick. */
struct catalog *catalog_read(const struct catalog_options *options);

struct catalog *catalog_ref(struct catalog *c);
void catalog_unref(struct catalog **c);

/* Every finding, sorted; borrowed. */
const struct diags *catalog_diags(const struct catalog *c);

/* The packs in name order; the sensors in order of pack and file. Borrowed. */
size_t catalog_pack_count(const struct catalog *c);
struct pack *catalog_pack(const struct catalog *c, size_t i);
struct pack *catalog_pack_by_name(const struct catalog *c, const char *name);
size_t catalog_sensor_count(const struct catalog *c);
struct sensor_meta *catalog_sensor(const struct catalog *c, size_t i);

/* By ref, rejected ones too; NULL if there is none. */
struct sensor_meta *catalog_sensor_by_ref(const struct catalog *c,
    const char *ref);

/*
 * The same for who wants to run it: NULL with e if there is none (names the
 * nearest) or it is rejected (says why).
 */
struct sensor_meta *catalog_sensor_want(const struct catalog *c,
    const char *ref, struct err *e);

/*
 * Why a pack of an older catalog is not, or not wholly, in this one although
 * it may not be gone: its folder, the one it lies in, or another of packs_path
 * could not be read. NULL if it was read, or is gone.
 */
const char *catalog_unread(const struct catalog *c, const struct pack *p);

/* The trigger type of a ref "pack.name", of accepted sensors and triggers/. */
const struct trigger_type *catalog_trigger_type(const struct catalog *c,
    const char *ref);

/* All trigger types: start with *at = 0; NULL at the end. */
const struct trigger_type *catalog_trigger_types(const struct catalog *c,
    size_t *at);

/*
 * Adds a pack folder to those that will be read, behind the others; one
 * whose name is taken already is left out with a warning.
 */
void catalog_builder_add(struct catalog_builder *b, const char *dir);
