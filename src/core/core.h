#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/child/child.h"
#include "core/child/listening.h"
#include "core/child/nursery.h"
#include "core/child/watchdog.h"
#include "core/sensor/supervisor.h"
#include "core/state/findings.h"
#include "core/state/internal.h"
#include "core/state/pace.h"
#include "core/state/turn.h"
#include "pack/host_config.h"
#include "store/seal.h"
#include "store/store.h"

struct catalog;
struct declared;
struct dict;
struct event;
struct event_base;
struct http_server;
struct partition;
struct printer;
struct reload;
struct service;

/* An exit that came before the spawner told whose it was. */
struct early_exit {
	pid_t pid;
	int status;
};
#define EARLY_EXITS 64u

/*
 * The supervisor process: one thread, one loop, the only writer of the
 * store. Made by a role (run, check), which says by the fields of the first
 * group what it wants.
 */
struct core {
	/* what the role wants */
	bool dry_run;
	bool once;
	bool verbose;
	bool checking;
	bool shows;  /* dead letters, and in a dry run writes, on stderr */
	/* whether a sensor of the catalog runs here */
	bool (*wants)(struct core *core, const struct sensor_meta *meta);
	/* the configuration as at the start; NULL with the errors in diags */
	struct host_config *(*read_config)(struct core *core,
	    struct diags *diags);
	void (*settled)(struct core *core, struct supervisor *s);
	void *role;

	struct event_base *base;
	struct host_config *config;
	struct store *store;
	struct seal_key *key; /* NULL: none */
	char *no_key;         /* why it could not be read; NULL: none given */
	struct catalog *catalog;
	struct findings findings;
	struct turn turn;
	struct pace pace;
	struct internal internal;
	struct nursery nursery;
	struct watchdog watchdog;
	struct declared *declared;
	struct partition *partition; /* NULL: all sensors are this host's */
	struct reload *reload;
	struct service *service;
	struct printer *printer; /* NULL: nothing is printed */
	struct http_server *http; /* NULL: nobody can ask */
	int64_t started_us; /* Unix */
	TAILQ_HEAD(, supervisor) supervisors;
	struct dict *by_ref; /* the same */
	TAILQ_HEAD(, child) children;
	struct listening_list listening; /* for sensors */
	SLIST_HEAD(, child) graves;
	struct early_exit early[EARLY_EXITS];
	unsigned nearly;
	struct event *signals;
	int signal_fd;
	struct event *maintenance;
	bool held_told; /* that a consumer holds the journal was said */
	bool links_paused;
	bool fresh;    /* this turn committed dispatches */
	bool ready;    /* the role says: all that is to run has started */
	char *short_of_room; /* why; NULL: there is room */
	bool stopping;
	bool broken;   /* the disk failed */
	bool done;
};

/* Blocks the signals that core handles; the first thing main does. */
void core_block_signals(void);

/*
 * Starts spawner, store and loop by core->config. -1 with e; core_release
 * is to be called in any case.
 */
int core_init(struct core *core, struct err *e);
void core_release(struct core *core);

/* Reads the packs, with datastore templates rendered. */
void core_read_catalog(struct core *core);

/* A supervisor for a sensor of the catalog; not started. */
struct supervisor *core_add(struct core *core, struct sensor_meta *meta);

/* The supervisor of a sensor, or NULL. */
struct supervisor *core_supervisor(const struct core *core,
    const char *ref);

/* Runs until core_stop has come to its end. */
void core_loop(struct core *core);

/* Stops every sensor in order, then the loop. */
void core_stop(struct core *core, const char *reason);

/* Called by the parts of core. */
void core_settled(struct core *core, struct supervisor *s);
void core_state_changed(struct core *core, struct supervisor *s);
void core_child_born(struct core *core, struct child *c);
void core_bury(struct core *core, struct child *c);
void core_pause_links(struct core *core);
void core_reload_done(struct core *core, struct supervisor *s,
    const char *why);

/* The largest message that a worker may send, in bytes. */
size_t core_message_max(const struct core *core,
    const struct sensor_meta *meta);

/* The key of the datastore, or NULL; then core_no_key may say why. */
const struct seal_key *core_seal_key(struct core *core);
const char *core_no_key(struct core *core);

/* Shows on stderr what `run` shows of a committed unit. */
void core_show_unit(struct core *core, struct child *c, const void *ops,
    size_t len);
