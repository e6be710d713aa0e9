/*
 * HTTP's share of the loop: what of accepting, reading and handling is done
 * in one turn. Called by the owner of the loop once a turn, after what else
 * that turn brought. It must never begin a step (a connection, a piece of a
 * body, a handler) beyond its share but the first, whatever the clients do, and
 * never do nothing: requests that wait are served in their order. Heads are the
 * parser's: it takes at most two requests of each connection at a call.
 */
#include "base/clock.h"
#include "http/server_impl.h"

/* One part in so many of the time that the loop spent on all else. */
#define SHARE 4
#define LEAST_US 100
#define MOST_US 5000
#define BATCH 16 /* requests between two calls of the parser */

bool
http_turn_has_time(const struct http_server *s)
{
	return clock_mono_us() < s->until_us;
}

bool
http_turn_take(struct http_request *r)
{
	bool now = r->due || http_turn_has_time(r->server);

	r->due = false;
	if (now)
		return true;
	r->waiting = true;
	TAILQ_INSERT_TAIL(&r->server->waiting, r, next);
	return false;
}

void
http_turn_forget(struct http_request *r)
{
	if (r->waiting)
		TAILQ_REMOVE(&r->server->waiting, r, next);
	r->waiting = false;
}

/*
 * Goes on with requests that found no time before: the first one in any case.
 * One that is not whole is read on by the parser.
 */
static void
take_waiting(struct http_server *s)
{
	struct http_request *r;
	int n = 0;

	while (n++ < BATCH && (r = TAILQ_FIRST(&s->waiting))) {
		http_turn_forget(r);
		r->due = true;
		if (r->whole)
			http_handle(r);
		else
			http_wake(r);
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
	take_waiting(s);
	http_listeners_accept(s);
	if (s->more)
		http_parse(s);
	while (!TAILQ_EMPTY(&s->waiting) && http_turn_has_time(s)) {
		take_waiting(s);
		http_parse(s);
	}
	s->left_us = clock_mono_us();
}
