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

/*
 * Why a read through this view failed (a damaged file), or NULL. A read that
 * fails finds nothing, so whoever prints what it found asks this at its end;
 * in core the failure also comes out at the next commit.
 */
const char *view_error(const struct view *v);
