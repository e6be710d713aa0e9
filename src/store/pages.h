#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The pages of the database's file, as LMDB 0.9 lays them out: whether each is
 * the one that the pages above it mean. LMDB itself believes them all, and
 * frees a page by the number that it bears.
 */

/* Called for each fault: one line of plain words, without a line end. */
typedef void pages_fn(void *arg, const char *what);

struct pages;

/*
 * Opens the snapshot with that number, or the newest, of the file fd, which
 * must stay open. Nobody may write to that snapshot's pages meanwhile: there
 * is no writer, or a read transaction of that number is open. -1 and e: the
 * two heads of the file are damaged, or a writer has gone on since.
 */
#define PAGES_NEWEST UINT64_MAX
int pages_open(struct pages **p, int fd, uint64_t snapshot, struct err *e);
void pages_close(struct pages **p);

enum pages_extent {
	PAGES_UPPER,	/* all but the tables' leaves: little of a big file */
	PAGES_ALL,
	/*
	 * And what need not be damage: pages that are neither in use nor free,
	 * which cost room alone; another head that is not of the commit before,
	 * as after a commit that failed, or that damage took back.
	 */
	PAGES_STRICT,
};

/*
 * Walks it: its trees, and the list of free pages. Tells fn of what is wrong,
 * of a hundred faults at most, and returns how many there are. Takes one bit
 * of memory a page; ends after a look at each page.
 */
unsigned pages_walk(struct pages *p, enum pages_extent extent, pages_fn *fn,
    void *arg);
