#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/pages.h"

/*
 * What pages.c and pages_walk.c share: the layout of the file, and what is
 * known of one. Numbers are in the processor's own order, as LMDB has them.
 */
#define FAULTS_MAX 100

#define NONE UINT64_MAX		/* the root of an empty tree */

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4, META = 8 };	/* kinds of pages */

struct page {
	uint64_t number;
	uint16_t pad, kind;
	union {
		struct {
			uint16_t lower, upper;
		};
		uint32_t count;		/* of a big value's pages */
	};
};

struct tree {
	uint32_t pad;		/* of the free list: the size of pages */
	uint16_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};

struct meta {
	struct page page;
	uint32_t magic, version;
	uint64_t address, map_size;
	struct tree free, main;
	uint64_t last, snapshot;
};

_Static_assert(sizeof(struct page) == 16, "a page's head");
_Static_assert(sizeof(struct tree) == 48, "a tree's record");
_Static_assert(sizeof(struct meta) == 152, "a head of the file");

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
