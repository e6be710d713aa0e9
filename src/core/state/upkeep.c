/*
 * The store's upkeep. Called by core's timer. It must never do more in a
 * turn than a slice, and not warn again while nothing has changed.
 */
#include "core/state/upkeep.h"

#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/state/context.h"
#include "store/expiry.h"
#include "store/retention.h"

/* Of each kind in a turn: time, and how many. */
#define SLICE_US 1500
#define SLICE_LEAST 300u
#define SLICE_MOST 2000u
/* Processor time that a slice may cost, its part of the commit included. */
#define SLICE_COST_US 4000
/* Percent of retain_size where it is said, and where that is forgotten. */
#define HELD_WARN 80u
#define HELD_FINE 70u

void
upkeep_configure(struct upkeep *u)
{
	const struct host_config *h = u->ctx->config;
	const struct retention retention = {
	    .journal_age_us = h->journal_retain_age_us,
	    .journal_size = h->journal_retain_size,
	    .journal_drop_held = h->journal_drop_when_held,
	    .dead_letter_age_us = h->dead_letters_retain_age_us,
	    .dead_letter_size = h->dead_letters_retain_size};

	retention_set(u->ctx->store, &retention);
	u->held_told = false;
}

/* Warns once when a consumer holds a journal that is nearly full. */
static void
look_at_journal(struct upkeep *u)
{
	struct retention_state state;

	if (retention_look(u->ctx->store, &state) == READ_FAILED)
		return;
	if (!state.held || state.percent < HELD_FINE) {
		u->held_told = false;
	} else if (state.percent >= HELD_WARN && !u->held_told) {
		u->held_told = true;
		log_warning("the journal is at %u %% of "
		    "journal.retain_size, and consumer \"%s\" still wants its "
		    "oldest instance: %s", state.percent, state.holder,
		    u->ctx->config->journal_drop_when_held ?
		    "at 100 % the oldest are dropped (journal.when_held)" :
		    "at 100 % sensors wait (journal.when_held)");
	}
}

/* "3 days", "2 h", "12 min", "15 s". */
static void
span_text(int64_t us, char text[32])
{
	double s = (double)us / 1e6;

	if (s >= 2 * 86400)
		snprintf(text, 32, "%.0f days", s / 86400);
	else if (s >= 2 * 3600)
		snprintf(text, 32, "%.0f h", s / 3600);
	else if (s >= 120)
		snprintf(text, 32, "%.0f min", s / 60);
	else
		snprintf(text, 32, "%.0f s", s);
}

/* Tells of each step that the clock made, once, and of one before the start. */
static void
look_at_clock(struct upkeep *u)
{
	char newest[CLOCK_TEXT], until[CLOCK_TEXT], by[32], what[160];
	int64_t now = clock_unix_us();
	struct store_clock c;
	bool back, rest;

	store_clock(u->ctx->store, now, &c);
	rest = c.steps == 0 && c.held_until_us != 0;
	if (u->ctx->dry_run || (rest ? u->rest_told :
	    c.steps == u->steps_told))
		return;
	u->rest_told = rest;
	u->steps_told = c.steps;
	back = c.step_us < 0;
	span_text(back ? -c.step_us : c.step_us, by);
	clock_rfc3339(c.newest_us, newest);
	clock_rfc3339(c.held_until_us, until);
	if (rest)
		snprintf(what, sizeof(what), "made a leap before the start");
	else if (c.at_open)
		snprintf(what, sizeof(what), "is %s %s the newest record, of "
		    "%s", by, back ? "behind" : "ahead of", newest);
	else
		snprintf(what, sizeof(what), "has gone %s by %s (the newest "
		    "record is of %s)", back ? "back" : "forward", by, newest);
	/* That a host was away for a while is nothing to warn of. */
	log_at(rest || (c.at_open && !back) ? LOG_INFO : LOG_WARNING, NULL,
	    "the clock %s%s%s%s", what,
	    back ? "; later ones get the clock's time" : "",
	    c.held_until_us ? "; nothing is deleted for its age before " : "",
	    c.held_until_us ? until : "");
}

static struct upkeep *
of_change(struct change *change)
{
	return (struct upkeep *)((char *)change -
	    offsetof(struct upkeep, change));
}

/* change_stage_fn: what is due, a slice of it. */
static void
upkeep_stage(struct change *change, struct store *store)
{
	struct upkeep *u = of_change(change);

	u->began_ns = clock_cpu_ns();
	expiry_run(store, u->slice, clock_mono_us() + SLICE_US);
	u->more = retention_run(store, u->slice, clock_mono_us() + SLICE_US);
	u->more = u->more || expiry_due(store);
}

/* change_drop_fn. */
static void
upkeep_drop(struct change *change)
{
	(void)change;
}

/* Queues a slice, unless one waits. */
static void
queue(struct upkeep *u)
{
	if (u->queued)
		return;
	u->queued = true;
	turn_add(&u->ctx->turn, &u->change);
}

/*
 * Most of what a slice costs comes at the commit: each item that is deleted
 * may have been in a page of its own. So the next slice goes by what this one
 * took in all.
 */
static void
adapt(struct upkeep *u)
{
	int64_t took_us = (clock_cpu_ns() - u->began_ns) / 1000;

	if (took_us > SLICE_COST_US)
		u->slice /= 2;
	else if (took_us < SLICE_COST_US / 2)
		u->slice += u->slice / 4;
	if (u->slice < SLICE_LEAST)
		u->slice = SLICE_LEAST;
	if (u->slice > SLICE_MOST)
		u->slice = SLICE_MOST;
}

/* change_done_fn: on with it in the next turn while more is due. */
static void
upkeep_done(struct change *change)
{
	struct upkeep *u = of_change(change);

	u->queued = false;
	if (!u->more)
		return;
	adapt(u);
	queue(u);
}

void
upkeep_init(struct upkeep *u, struct context *ctx)
{
	*u = (struct upkeep){.ctx = ctx, .slice = SLICE_LEAST,
	    .change = {.stage = upkeep_stage, .done = upkeep_done,
	    .drop = upkeep_drop}};
}

void
upkeep_tell(struct upkeep *u)
{
	look_at_clock(u);
}

void
upkeep_run(struct upkeep *u)
{
	look_at_journal(u);
	look_at_clock(u);
	queue(u);
}
