#pragma once

#include <stdbool.h>

#include "core/state/turn.h"
#include "pack/host_config.h"
#include "store/seal.h"
#include "store/store.h"

struct catalog;
struct event_base;
struct internal;

/*
 * What every part of core works with: the loop, the configuration and the
 * packs in use, the store, and the turn through which it is changed. It
 * knows nobody who uses it.
 */
struct context {
	/* what the role wants; fixed from the start on */
	bool dry_run;
	bool once;
	bool verbose;
	bool checking;
	bool shows; /* dead letters, and in a dry run writes, on stderr */

	struct event_base *base;
	struct host_config *config;
	struct catalog *catalog;
	struct store *store;
	struct seal_key *key; /* NULL: none */
	char *no_key;         /* why it could not be read; NULL: none given */
	struct turn turn;
	struct internal *internal; /* the host's own triggers */
	bool fresh;                /* this turn committed dispatches */
	char *short_of_room;       /* why; NULL: there is room */
};
