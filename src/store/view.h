#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One consistent look at the store, at one time. Core gets it from
 * store_view(), other processes from store_reader_view(); all functions that
 * only read take it. Whatever they return points into the database and is
 * borrowed: until the view is rested or asked for again, or, in core while a
 * turn is open, until the next staging call.
 */
struct view;

/* A run of bytes that belongs to somebody else; not NUL-ended. */
struct span {
	const void *data;
	size_t len;
};

static inline struct span
span_of(const void *data, size_t len)
{
	return (struct span){ data, len };
}

/* Byte by byte; what is the beginning of the other comes first. */
int span_compare(struct span a, struct span b);

/*
 * What a look-up came to. READ_FAILED: a page or record cannot be read, or is
 * not what was written; it is never to be taken for READ_MISSING. In core the
 * failure of a read inside a turn is also the failure of that turn.
 */
enum read_result { READ_MISSING, READ_FOUND, READ_FAILED };

/* What failed last through this view, in words; NULL: nothing. */
const char *view_error(const struct view *v);
