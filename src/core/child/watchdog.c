/*
 * The watchdog over workers that compute for ever, and over those that do not
 * wake. Called by its own timer.
 * It reads the page that a worker shares with core and must believe nothing
 * in it but for deciding about that very worker.
 */
#include "core/child/watchdog.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/pool.h"
#include "core/state/context.h"

/* A text of the page, copied and made printable. */
static void
copy_text(char *out, const char *from, size_t size)
{
	size_t i;

	memcpy(out, from, size);
	out[size - 1] = '\0';
	for (i = 0; out[i]; i++)
		if ((unsigned char)out[i] < 0x20)
			out[i] = '?';
	if (!js_utf8_valid(out, i))
		strcpy(out, "?");
}

/* Kills a worker that overran its slice. */
static void
overran(struct child *c, int64_t slice_us)
{
	char entry[PAGE_ENTRY], place[PAGE_PLACE], *why;

	copy_text(entry, c->page->entry, sizeof(entry));
	copy_text(place, c->page->place, sizeof(place));
	why = xasprintf("%s ran for over %.3g s (limits.slice) without "
	    "waiting%s%s; killed. It runs interpreted next, so that a second "
	    "time names the line", *entry ? entry : "Lua",
	    (double)slice_us / 1e6, *place ? ", last seen at " : "", place);
	c->overran = true;
	child_kill(c, why);
	free(why);
}

/* Kills a worker that slept past its next poll for too long. */
static void
look_asleep(struct child *c, int64_t slice_us)
{
	int64_t wake_us = atomic_load(&c->page->wake_us);
	int64_t limit_us = slice_us + WATCHDOG_WAKE_US;
	char *why;

	if (wake_us == 0 || wake_us != c->wake_us ||
	    wake_us > clock_mono_us()) {
		c->wake_us = wake_us;
		c->late_ticks = 0;
	} else if ((int64_t)++c->late_ticks * WATCHDOG_TICK_US >= limit_us) {
		why = xasprintf("its process did not wake for its poll for "
		    "over %.3g s (stopped, or frozen?): not responding; "
		    "killed", (double)limit_us / 1e6);
		child_kill(c, why);
		free(why);
	}
}

/* Kills a worker that is in one turn of Lua for too long. */
static void
look_busy(struct child *c, int64_t slice_us)
{
	unsigned turn = atomic_load(&c->page->turn);
	int64_t limit_us;

	if (!atomic_load(&c->page->busy) || turn != c->tick_turn) {
		c->tick_turn = turn;
		c->ticks = 0;
		return;
	}
	limit_us = slice_us + (c->interpreted ? WATCHDOG_SLACK_US : 0);
	if ((int64_t)++c->ticks * WATCHDOG_TICK_US >= limit_us)
		overran(c, slice_us);
}

void
watchdog_look(struct child *c, int64_t slice_us)
{
	if (!c->page || c->pid < 0 || c->killed_for)
		return;
	look_busy(c, slice_us);
	if (!c->killed_for)
		look_asleep(c, slice_us);
}

/* Looks at every worker. */
static void
look_at_all(struct pool *pool)
{
	struct child *c;

	TAILQ_FOREACH(c, &pool->all, link)
		watchdog_look(c, child_slice_us(c));
}

/* event_callback_fn: a tick. */
static void
tick_cb(evutil_socket_t fd, short events, void *arg)
{
	struct watchdog *w = arg;

	(void)fd;
	(void)events;
	w->ticked_us = clock_mono_us();
	look_at_all(w->pool);
}

void
watchdog_init(struct watchdog *w, struct pool *pool)
{
	const struct timeval tick = {.tv_usec = WATCHDOG_TICK_US};

	w->pool = pool;
	w->tick = event_new(pool->ctx->base, -1, EV_PERSIST, tick_cb, w);
	must(w->tick && event_add(w->tick, &tick) == 0);
}

void
watchdog_release(struct watchdog *w)
{
	if (w->tick)
		event_free(w->tick);
}
