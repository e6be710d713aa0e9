#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * Cursors: how far each named consumer of the journal has come. They hold
 * the journal past retain_age.
 */
#define CURSOR_NAME_MAX 200
#define CURSOR_GLOB_MAX 400

struct cursor {
	uint64_t next;		/* the sequence it wants next */
	int64_t created_us;	/* filled in by the store */
	int64_t modified_us;	/* filled in by the store */
	struct span glob;	/* which triggers it wants; empty: all */
};

enum read_result cursor_get(struct view *v, struct span name,
    struct cursor *out);

/* Stages a cursor, a new one or one that moved; name: 1 to 200 bytes. */
void cursor_set(struct store *s, struct span name, uint64_t next,
    struct span glob);

/* Stages only the new place; false if there is no such cursor. */
bool cursor_move(struct store *s, struct span name, uint64_t next);
bool cursor_delete(struct store *s, struct span name);

/*
 * Called for each cursor, by name; false ends the listing. It fails at the
 * first that cannot be read; else it is found if there is any.
 */
typedef bool cursor_fn(void *arg, struct span name,
    const struct cursor *cursor);
enum read_result cursor_list(struct view *v, cursor_fn *fn, void *arg);

/*
 * The least sequence that any cursor still wants, and (if name is not NULL)
 * whose it is. *seq is UINT64_MAX if there is no cursor.
 */
enum read_result cursor_least(struct view *v, uint64_t *seq,
    struct span *name);
