/*
 * The store's upkeep. Called by core's timer. It must never do more in a
 * turn than a slice, and not warn again while nothing has changed.
 */
#include "core/state/upkeep.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/state/context.h"
#include "store/kv.h"
#include "store/retention.h"

#define EXPIRE_MAX 1000u
#define RETENTION_MAX 1000u
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

	retention_look(u->ctx->store, &state);
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

/* change_stage_fn: what is due, a slice of it. */
static void
upkeep_stage(struct change *change, struct store *store)
{
	(void)change;
	kv_expire_due(store, EXPIRE_MAX);
	retention_run(store, RETENTION_MAX);
}

/* change_done_fn, change_drop_fn. */
static void
upkeep_end(struct change *change)
{
	free(change);
}

void
upkeep_run(struct upkeep *u)
{
	struct change *c = xcalloc(1, sizeof(*c));

	look_at_journal(u);
	*c = (struct change){.stage = upkeep_stage, .done = upkeep_end,
	    .drop = upkeep_end};
	turn_add(&u->ctx->turn, c);
}
