#pragma once

#include <stdint.h>

/*
 * The layout of LMDB's file: two heads, then pages. Numbers are in the
 * processor's own order, as LMDB has them.
 */
#define PAGE_MOST 32768
#define META_MAGIC 0xBEEFC0DE
#define NONE UINT64_MAX	/* the root of an empty tree */

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
	uint64_t last, snapshot;	/* 0: nothing was committed yet */
};

_Static_assert(sizeof(struct page) == 16, "a page's head");
_Static_assert(sizeof(struct tree) == 48, "a tree's record");
_Static_assert(sizeof(struct meta) == 152, "a head of the file");
