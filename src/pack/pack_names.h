#pragma once

#include <stddef.h>

/*
 * The names of the packs in some folders, for who wrote one wrong; no more
 * than PACK_NAMES_MAX. All zero is an empty list.
 */
#define PACK_NAMES_MAX 1024

struct pack_names {
	const char *items[PACK_NAMES_MAX];
	size_t count;
};

/* Adds those of a folder, if it can be read. */
void pack_names_add(struct pack_names *n, const char *folder);

/* The name that was meant, borrowed; NULL: none is near. */
const char *pack_names_nearest(const struct pack_names *n, const char *word);
void pack_names_release(struct pack_names *n);
