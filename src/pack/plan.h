#pragma once

#include <stddef.h>

#include "pack/catalog.h"

/*
 * What a new catalog means for the sensors of an old one. A sensor whose
 * files are broken now, or cannot be read, is PLAN_BROKEN: what runs goes
 * on.
 */
enum plan_kind {
	PLAN_UNCHANGED,	/* same digest */
	PLAN_CHANGED,	/* differs, and is accepted */
	PLAN_ADDED,	/* only in the new one (or was rejected in the old) */
	PLAN_REMOVED,	/* only in the old one */
	PLAN_BROKEN	/* not to be had from the new one; before may be NULL */
};

struct plan_item {
	enum plan_kind kind;
	const char *ref;		/* never NULL */
	const char *why;		/* of PLAN_BROKEN, else NULL */
	struct sensor_meta *before;	/* NULL if not accepted in the old */
	struct sensor_meta *after;	/* NULL if it is not in the new */
};

struct plan {
	struct plan_item *items;	/* in order of pack and file */
	size_t count;
};

/* old may be NULL. Borrows from both catalogs. */
void plan_make(struct plan *p, const struct catalog *old,
    const struct catalog *new);
void plan_release(struct plan *p);

/*
 * True if the packs of a catalog still have a sensor of another one, be it
 * broken, or in a file or folder that cannot be read now.
 */
bool plan_keeps(const struct catalog *new, const struct sensor_meta *s);

/* "unchanged", "changed", ... */
const char *plan_kind_name(enum plan_kind kind);
