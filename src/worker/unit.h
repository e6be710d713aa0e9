#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dict.h"
#include "base/err.h"
#include "wire/msg.h"

/*
 * A unit of work: what a task dispatched and stored since its last wait, as
 * the body of the COMMIT that will carry it (wire/msg.h). Operations are
 * written in place; unit_mark and unit_rewind undo the latest ones.
 */
struct unit;
struct vm;

/* Adds operations to a unit that is about to be sent; must not fail. */
typedef void unit_hook_fn(struct unit *u, void *arg);

#define UNIT_HOOKS 8
struct unit_hook {
	unit_hook_fn *fn;
	void *arg;
};

struct unit_counts {
	unsigned dispatches;
	unsigned values; /* set and deleted */
	unsigned dead;
};

struct unit {
	struct buf body;        /* empty, or flags and operations */
	size_t ahead;           /* bytes of operations that core has already */
	struct dict *writes;    /* key to offset + 1 of its latest operation */
	struct unit_counts n;
	size_t limit;           /* limits.unit */
	struct dict *plain;     /* what sealed values were, by key */
	struct buf moved;       /* key and value of what moves (unit_move) */
	size_t moved_key;       /* bytes of its key; 0: nothing moves */
	size_t mark;            /* offset + 1 of the innermost attempt, or 0 */
	size_t pending;         /* offset + 1 of a dispatch being written */
	uint32_t epoch;         /* raised whenever it is emptied */
	struct unit_hook *hooks;
	unsigned nhooks;
	uint8_t flags;          /* MSG_UNIT_* */
	bool open;              /* a transaction: waits do not end it */
};

void unit_init(struct unit *u, size_t limit);
void unit_release(struct unit *u);
bool unit_empty(const struct unit *u);

/*
 * A dispatch whose payload the caller writes: unit_open_dispatch writes the
 * head and returns its offset, the caller appends JSON to u->body, and
 * unit_close_dispatch fills in the length; -1 when the unit is over its
 * limit (it is rewound to before the dispatch). unit_cancel takes it back.
 */
size_t unit_open_dispatch(struct unit *u, uint32_t trigger,
    const char *trace, size_t tracelen);
int unit_close_dispatch(struct unit *u, size_t head, struct err *e);
void unit_cancel(struct unit *u, size_t head);

/*
 * Stores value (JSON text, or sealed) under key, ttl in microseconds or 0.
 * An earlier set of the same key in this unit is replaced. -1: the unit would
 * be over its limit.
 */
int unit_set(struct unit *u, const char *key, size_t keylen,
    const void *value, size_t len, int64_t ttl, bool sealed, struct err *e);
int unit_delete(struct unit *u, const char *key, size_t keylen,
    struct err *e);

/*
 * unit_set of a value that moves with each dispatch (JSON text): only where it
 * stands last becomes an operation, so that what was dispatched may leave
 * ahead. To all that asks the unit it is set. -1 as unit_set.
 */
int unit_move(struct unit *u, const char *key, size_t keylen,
    const void *value, size_t len, struct err *e);

/* A dead letter; `place` and the rest as in MSG_OP_DEAD. */
struct unit_dead {
	char id[MSG_KEY_DEAD_ID + 1];
	const char *trigger;
	const char *kind;
	const char *path;
	const char *keyword;
	const char *message;
	const char *place;
	const void *payload;
	size_t len;
	bool cut;
};
int unit_dead(struct unit *u, const struct unit_dead *d, struct err *e);

/* The time of a poll, kept for first_poll: scheduled. */
void unit_polled(struct unit *u, int64_t unix_us);

/*
 * What this unit itself would leave under key: UNIT_UNKNOWN: nothing said of
 * it; UNIT_DELETED; UNIT_SET, with *w filled (borrowed until the next
 * change).
 */
enum unit_known { UNIT_UNKNOWN, UNIT_DELETED, UNIT_SET };
struct unit_write {
	const uint8_t *value;
	size_t len;
	int64_t ttl;
	bool sealed;
};
enum unit_known unit_get(struct unit *u, const char *key, size_t len,
    struct unit_write *w);

/* Calls fn for each key with this prefix that the unit sets or deletes. */
typedef void unit_each_fn(void *arg, const char *key, size_t keylen,
    const struct unit_write *w /* NULL: deleted */);
void unit_each(struct unit *u, const char *prefix, size_t len,
    unit_each_fn *fn, void *arg);

/*
 * fn(u, arg) is to be called once, just before this unit is sent; not at all
 * if it is undone. The same pair counts once. -1: too many different ones.
 */
int unit_hook(struct unit *u, unit_hook_fn *fn, void *arg, struct err *e);

/* Forgets the hooks with this arg, which is about to be freed. */
void unit_unhook(struct unit *u, const void *arg);

/*
 * Remembers what a sealed value was (JSON text), so that the unit can read
 * its own writes; what unit_plain returns is borrowed.
 */
void unit_set_plain(struct unit *u, const char *key, size_t keylen,
    const void *text, size_t len);
const char *unit_plain(const struct unit *u, const char *key, size_t keylen);

/*
 * A place to come back to; unit_rewind undoes all that came after it, or all
 * there is if the unit was sent meanwhile.
 */
struct unit_point {
	uint32_t epoch;
	size_t len;
	size_t mark;
	struct unit_counts n;
	unsigned nhooks;
};
struct unit_point unit_mark(struct unit *u);
void unit_rewind(struct unit *u, struct unit_point p);

/* Forgets the point without undoing anything. */
void unit_accept(struct unit *u, struct unit_point p);

/* Runs the hooks; the body is then ready to be sent. */
void unit_seal(struct unit *u);

/*
 * Moves all that `from` holds into u, behind what is there; -1, with nothing
 * of it moved, when u would be over its limit.
 */
int unit_join(struct unit *u, struct unit *from, struct err *e);

/*
 * Whether what the body holds by now may leave for core ahead of the rest
 * (as a PART): there is enough of it, and nothing but an end of the whole
 * unit could change it. unit_sent_ahead empties the body afterwards.
 */
bool unit_may_leave(const struct unit *u);
void unit_sent_ahead(struct unit *u);

/* Empties the unit: it was sent, or it is undone. */
void unit_reset(struct unit *u);

/* "2 dispatches, 1 value"; "nothing" for an empty one. */
const char *unit_describe(const struct unit_counts *n, char text[80]);
