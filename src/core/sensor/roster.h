#pragma once

#include <stddef.h>

/*
 * The sensors that there are: those of the packs as they were read last, and
 * those that run although their files cannot be read, or used, now. One that
 * runs is listed as it runs.
 */
struct catalog;
struct fleet;
struct sensor_meta;

struct roster {
	const struct sensor_meta **metas; /* each has ref and class_name */
	size_t count;
};

/* Borrows from the fleet and the catalog until the next event. */
void roster_make(struct roster *r, const struct fleet *fleet,
    const struct catalog *catalog);
void roster_release(struct roster *r);

/* The one of that ref; NULL if there is none. */
const struct sensor_meta *roster_find(const struct fleet *fleet,
    const struct catalog *catalog, const char *ref);
