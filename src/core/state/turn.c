/*
 * The end of each turn of core's loop: the one place where anything becomes
 * durable, and the one gate through which answers leave. Called by loop.c
 * after every pass of the event loop. It must never let out an answer before
 * the commit that it depends on.
 */
#include "core/state/turn.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "wire/peer.h"

#define TURN_BYTES (8u * 1024u * 1024u)
static const struct timeval retry_after = {.tv_usec = 250000};

/* event_callback_fn: time to try again what found no room. */
static void
retry_cb(evutil_socket_t fd, short events, void *arg)
{
	struct turn *t = arg;

	(void)fd;
	(void)events;
	t->blocked = false;
}

void
turn_init(struct turn *t, struct event_base *base, struct store *store,
    turn_broken_fn *on_broken, turn_room_fn *on_room, void *arg)
{
	*t = (struct turn){.store = store, .on_broken = on_broken,
	    .on_room = on_room, .arg = arg};
	TAILQ_INIT(&t->waiting);
	TAILQ_INIT(&t->staged);
	t->retry = event_new(base, -1, 0, retry_cb, t);
	must(t->retry);
}

void
turn_release(struct turn *t)
{
	struct change *c;

	while ((c = TAILQ_FIRST(&t->waiting))) {
		TAILQ_REMOVE(&t->waiting, c, link);
		c->drop(c);
	}
	t->nanswered = 0;
	free(t->answered);
	event_free(t->retry);
}

void
turn_add(struct turn *t, struct change *c)
{
	c->staged = false;
	TAILQ_INSERT_TAIL(&t->waiting, c, link);
	t->bytes += c->size;
}

void
turn_withdraw(struct turn *t, struct change *c)
{
	if (c->staged)
		TAILQ_REMOVE(&t->staged, c, link);
	else
		TAILQ_REMOVE(&t->waiting, c, link);
	t->bytes -= c->size;
	c->drop(c);
}

void
turn_answer(struct turn *t, struct peer *p)
{
	size_t i;

	for (i = t->nanswered; i > 0; i--)
		if (t->answered[i - 1] == p)
			return;
	if (t->nanswered == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->answered = xreallocarray(t->answered, t->cap,
		    sizeof(*t->answered));
	}
	t->answered[t->nanswered++] = p;
}

void
turn_forget(struct turn *t, const struct peer *p)
{
	size_t i;

	for (i = 0; i < t->nanswered; i++)
		if (t->answered[i] == p)
			t->answered[i--] = t->answered[--t->nanswered];
}

bool
turn_pending(const struct turn *t)
{
	return !t->blocked && !TAILQ_EMPTY(&t->waiting);
}

bool
turn_has_capacity(const struct turn *t)
{
	return t->bytes < TURN_WAITING_MAX;
}

/* Moves what this turn can take from waiting to staged, and stages it. */
static void
stage_waiting(struct turn *t, bool room)
{
	struct change *c, *next;

	t->work = 0;
	for (c = TAILQ_FIRST(&t->waiting); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (store_staged_bytes(t->store) >= TURN_BYTES ||
		    t->work >= TURN_BYTES)
			break;
		if (c->takes_in && !room)
			continue;
		if (c->stage)
			c->stage(c, t->store);
		TAILQ_REMOVE(&t->waiting, c, link);
		TAILQ_INSERT_TAIL(&t->staged, c, link);
		c->staged = true;
	}
}

/* Puts what was staged back in front of what waits, in its order. */
static void
unstage(struct turn *t)
{
	struct change *c;

	TAILQ_FOREACH(c, &t->staged, link)
		c->staged = false;
	TAILQ_CONCAT(&t->staged, &t->waiting, link);
	TAILQ_CONCAT(&t->waiting, &t->staged, link);
}

/* Tells the owner about room, at each change of it. */
static void
note_room(struct turn *t, const char *why)
{
	if (t->short_of_room == (why != NULL))
		return;
	t->short_of_room = why != NULL;
	t->on_room(t->arg, why);
}

/* Answers all that was staged. */
static void
answer_staged(struct turn *t)
{
	struct change *c;

	while ((c = TAILQ_FIRST(&t->staged))) {
		TAILQ_REMOVE(&t->staged, c, link);
		t->bytes -= c->size;
		c->done(c);
	}
}

/* Waits before the next attempt. */
static void
block(struct turn *t)
{
	t->blocked = true;
	must(event_add(t->retry, &retry_after) == 0);
}

/* Commits what is staged, and notes how long that took. */
static enum store_result
commit_staged(struct turn *t, struct err *e)
{
	int64_t began = clock_mono_us();
	enum store_result r = store_commit(t->store, e);

	t->commit_us += clock_mono_us() - began;
	return r;
}

/* Nothing is acknowledged from now on. */
static void
break_off(struct turn *t, const char *why)
{
	t->blocked = true;
	t->on_broken(t->arg, why);
}

void
turn_check(struct turn *t)
{
	struct err e;

	if (store_check_folder(t->store, &e) != 0)
		break_off(t, e.text);
}

/* One transaction: what waits, as much as fits. */
static void
commit(struct turn *t)
{
	enum store_result r;
	struct err e;
	bool room = store_room(t->store, &e) == ROOM_YES;

	if (!room)
		note_room(t, e.text);
	do {
		store_begin(t->store, clock_unix_us());
		stage_waiting(t, room);
		r = commit_staged(t, &e);
		if (r != STORE_DONE)
			unstage(t);
	} while (r == STORE_AGAIN);
	if (r == STORE_BROKEN) {
		break_off(t, e.text);
		return;
	}
	if (r == STORE_FULL)
		note_room(t, e.text);
	else
		t->committed_us = clock_mono_us();
	/* A quota is known by trying alone: what looks free may not be. */
	if (r == STORE_DONE && room)
		note_room(t, NULL);
	answer_staged(t);
	if ((r == STORE_FULL || !room) && !TAILQ_EMPTY(&t->waiting))
		block(t);
}

void
turn_end(struct turn *t)
{
	t->commit_us = 0;
	if (turn_pending(t))
		commit(t);
	store_rest(t->store);
	while (t->nanswered > 0)
		peer_flush(t->answered[--t->nanswered]);
}
