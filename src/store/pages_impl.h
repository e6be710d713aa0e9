#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/pages.h"
#include "store/pages_layout.h"

/*
 * What pages.c and pages_walk.c know of a file.
 */
#define FAULTS_MAX 100

struct pages {
	const unsigned char *map;
	uint64_t size, count;		/* of the file: bytes, pages */
	size_t page_size;
	struct meta meta;		/* of the snapshot */
	uint64_t before;		/* the root of the snapshot before it */
	bool before_freed;
	unsigned char *seen;		/* a bit for each page up to the last */
	uint64_t used, looked;
	enum pages_extent extent;
	pages_fn *fn;
	void *arg;
	unsigned faults;
};

enum which { TREE_FREE, TREE_MAIN, TREE_TABLE };

/* Tells of a fault; false. */
bool pages_tell(struct pages *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline const unsigned char *
page_at(const struct pages *p, uint64_t number)
{
	return p->map + number * p->page_size;
}

/* Walks one of the trees and compares it with what is said of it. */
void pages_walk_tree(struct pages *p, enum which which,
    const struct tree *tree);
