/*
 * HTTP's share of the loop: what of accepting, reading and handling is done
 * in one turn. Called by the owner of the loop once a turn, after what else
 * that turn brought. It must never take longer than its share, whatever the
 * clients do, and never nothing: a request that waits is always next to be
 * served in the order in which it came.
 */
#include "base/clock.h"
#include "http/server_impl.h"

/* One part in so many of the time that the loop spent on all else. */
#define SHARE 4
#define LEAST_US 100
#define MOST_US 5000

bool
http_turn_has_time(const struct http_server *s)
{
	return clock_mono_us() < s->until_us;
}

void
http_turn_wait(struct http_request *r)
{
	r->waiting = true;
	TAILQ_INSERT_TAIL(&r->server->waiting, r, next);
}

void
http_turn_forget(struct http_request *r)
{
	if (r->waiting)
		TAILQ_REMOVE(&r->server->waiting, r, next);
	r->waiting = false;
}

/* Handles requests that found no time before: the first one in any case. */
static void
handle_waiting(struct http_server *s)
{
	struct http_request *r;

	while ((r = TAILQ_FIRST(&s->waiting))) {
		http_turn_forget(r);
		http_handle(r);
		if (!http_turn_has_time(s))
			return;
	}
}

bool
http_server_pending(const struct http_server *s)
{
	return s->more || !TAILQ_EMPTY(&s->waiting);
}

void
http_server_turn(struct http_server *s)
{
	int64_t now = clock_mono_us();
	int64_t share = (now - s->left_us) / SHARE;

	if (share > MOST_US)
		share = MOST_US;
	s->until_us = now + (share < LEAST_US ? LEAST_US : share);
	handle_waiting(s);
	http_listeners_accept(s);
	if (s->more)
		http_parse(s);
	s->left_us = clock_mono_us();
}
