#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "store/store.h"

struct event;
struct event_base;
struct peer;

/*
 * One turn of core's loop: "persist, then answer". Whatever changes state is
 * a change in one queue. At the end of a turn the changes are staged in one
 * transaction, committed once, and only then answered. A change that could
 * not be committed (no room) stays in the queue and is staged again later.
 */
struct change;

/* Stages the change; may be called several times before it is done. */
typedef void change_stage_fn(struct change *c, struct store *s);

/* The change is on disk: answers it and frees it. */
typedef void change_done_fn(struct change *c);

/* Frees a change that will never be committed (core stops for a fault). */
typedef void change_drop_fn(struct change *c);

struct change {
	TAILQ_ENTRY(change) link;
	change_stage_fn *stage; /* NULL: only wants to come after the others */
	change_done_fn *done;
	change_drop_fn *drop;
	size_t size;   /* bytes it holds, for the bound of what waits */
	bool staged;   /* the turn's */
	bool takes_in; /* waits while the store has no room for more */
};
TAILQ_HEAD(changes, change);

/* The disk or its folder is broken: nothing can be acknowledged any more. */
typedef void turn_broken_fn(void *arg, const char *why);

/* Room has run out (why) or is back (NULL). */
typedef void turn_room_fn(void *arg, const char *why);

struct turn {
	struct store *store;
	struct changes waiting;
	struct changes staged;
	size_t bytes; /* held by the waiting changes */
	size_t work;  /* what was staged in this turn costs, as bytes: added to
	               * by changes whose bytes do not tell */
	struct peer **answered;
	size_t nanswered;
	size_t cap;
	struct event *retry;
	bool blocked; /* waits for the retry timer */
	bool short_of_room;
	int64_t committed_us; /* monotonic: the last commit that succeeded */
	int64_t commit_us;    /* how long the commit of this turn took */
	turn_broken_fn *on_broken;
	turn_room_fn *on_room;
	void *arg;
};

/* Beyond this many bytes of waiting changes, links are not read any more. */
#define TURN_WAITING_MAX (256u * 1024u * 1024u)

void turn_init(struct turn *t, struct event_base *base, struct store *store,
    turn_broken_fn *on_broken, turn_room_fn *on_room, void *arg);
void turn_release(struct turn *t);

/* Queues a change; it is the turn's now. */
void turn_add(struct turn *t, struct change *c);

/*
 * Takes a change back whose done has not been called yet, and drops it. If it
 * has just been committed that stands, as when its answer is lost.
 */
void turn_withdraw(struct turn *t, struct change *c);

/* The link has something queued that goes out when this turn ends. */
void turn_answer(struct turn *t, struct peer *p);

/* The link is about to be released. */
void turn_forget(struct turn *t, const struct peer *p);

/* True when the next turn has work even if no event comes. */
bool turn_pending(const struct turn *t);

/* True while more may come in. */
bool turn_has_capacity(const struct turn *t);

/*
 * Looks whether the folder that answers rely on is still there, as each
 * commit does; to be called from time to time.
 */
void turn_check(struct turn *t);

/* Ends the turn: stages, commits, answers. */
void turn_end(struct turn *t);
