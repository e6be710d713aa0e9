#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/reload/outcome.h"
#include "pack/diag.h"
#include "pack/pack.h"
#include "store/expiry.h"
#include "store/store.h"
#include "store/view.h"

/*
 * The host as its API sees it; the only header of core/ that api/ includes.
 * What is borrowed is borrowed until the caller returns to the loop.
 */
struct core;

/*
 * NULL, or why the host is not ready: starting, stopping, short of room, or
 * host_unread().
 */
const char *host_unready(struct core *core);

/* What of the store could not be read, first since the start; NULL: all can. */
const char *host_unread(struct core *core);

/* The loop's turns since the start or the beginning of the last reload. */
struct host_loop {
	int64_t since_us; /* Unix */
	uint64_t turns;
	int64_t longest_work_us;   /* of one turn, processor time */
	int64_t longest_commit_us; /* of one commit, time that passed */
};

struct host_status {
	int64_t started_us; /* Unix */
	int64_t uptime_us;
	const char *state;  /* starting, running, stopping */
	const char *data_dir;
	const char *config_file; /* NULL: none */
	size_t connections;      /* of the HTTP server */
	struct host_loop loop;
	struct store_figures store;
	struct overdue overdue; /* items past their ttl */
	struct store_clock clock;
};
/* READ_FAILED: host_unread() says why. */
enum read_result host_status(struct core *core, struct host_status *out);

/* The i-th address that the host listens on; NULL behind the last. */
const char *host_address(struct core *core, size_t i);

/* One sensor: what its files say, and how it does. */
struct host_sensor {
	const struct sensor_meta *meta;
	char id[25];          /* 24 hex digits, the same for the same ref */
	bool enabled;         /* by the operator's word, else the files' */
	const char *by;       /* who switched it; NULL: nobody */
	int64_t switched_us;  /* when */
	const char *state;    /* contracts' names; NULL: see below */
	bool failing;
	const char *error;    /* the last one; NULL: none */
	const char *traceback;
	int64_t error_us;
	unsigned failures;    /* in a row: polls while failing, else starts */
	int64_t failing_since_us;
	int64_t next_start_us; /* 0: no start is due */
	int64_t next_poll_us;  /* 0: it does not poll */
	uint64_t skipped;      /* polls that came too late, since core began */
	int64_t started_us;    /* 0: it does not run */
	uint64_t generation;   /* 0: it does not run */
	pid_t pid;             /* 0: it does not run */
	/* by points in here */
	char who[64];
};

/*
 * All sensors: one that runs as it runs, the others as their files say, where
 * one that must not run is rejected. NULL behind the last; the caller frees
 * the list, what is in it is borrowed.
 */
const struct sensor_meta **host_sensors(struct core *core);
void host_sensor_fill(struct core *core, const struct sensor_meta *meta,
    struct host_sensor *out);

/*
 * No more than its state, for who counts. NULL here and in host_sensor: what
 * the store keeps of the sensor cannot be read, and nothing else is known.
 */
const char *host_sensor_state(struct core *core,
    const struct sensor_meta *meta, bool *failing);

/* By ref or id. */
bool host_sensor_find(struct core *core, const char *ref_or_id,
    struct host_sensor *out);

/* The ref that somebody may have meant; NULL: none is near. */
const char *host_sensor_nearest(struct core *core, const char *ref);

/*
 * Enables or disables a sensor for good, and starts or stops it; done is
 * called once that is on disk, or dropped (error says why). -1 with e if it
 * cannot be done now.
 */
typedef void host_done_fn(void *arg, const char *error);
int host_sensor_switch(struct core *core, const char *ref, bool enable,
    const char *who, host_done_fn *done, void *arg, struct err *e);

/* Stops it, if it runs, and starts it afresh. */
int host_sensor_restart(struct core *core, const char *ref, struct err *e);

/* Reloads; a reload that began before does not count. */
void host_reload(struct core *core, host_reloaded_fn *done, void *arg);

/* What is wrong in configuration and packs as they were read last. */
const struct diags *host_findings(struct core *core);

/* NULL: there was none. */
const struct host_reload *host_last_reload(struct core *core);
