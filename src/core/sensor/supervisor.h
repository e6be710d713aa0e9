#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/digest.h"
#include "core/child/child.h"
#include "core/sensor/backoff.h"

struct catalog;
struct declared;
struct dict;
struct event;
struct pool;
struct reload_item;
struct sensor_meta;

/*
 * Keeps one sensor running: one state machine over its worker processes. It
 * alone decides about a next start; it never gives up silently.
 */
enum supervisor_state {
	SENSOR_STARTING,
	SENSOR_RUNNING,
	SENSOR_QUIETED,
	SENSOR_BACKING_OFF,
	SENSOR_STOPPING,
	SENSOR_STOPPED,
	SENSOR_FINISHED,
	SENSOR_DISABLED,
	SENSOR_REJECTED,
	SENSOR_NOT_OWNED,
};

/* Where a handover is; see handover.c. */
enum handover_step {
	HANDOVER_NONE,
	HANDOVER_LOADING,  /* the new worker loads beside the running one */
	HANDOVER_QUIETING, /* the old one is asked to be quiet */
	HANDOVER_SETUP,    /* setup of the new one runs, as one transaction */
	HANDOVER_CLEANUP,  /* the old one cleans up and goes */
	HANDOVER_FLIPPING, /* one commit makes the new one current */
};

struct handover {
	enum handover_step step;
	struct child *incoming;
	struct sensor_meta *meta; /* what it runs; borrowed from catalog */
	struct catalog *catalog;
	uint32_t unit_id;         /* of the withheld unit of setup */
	struct buf unit;
};

struct supervisor {
	TAILQ_ENTRY(supervisor) link;
	struct fleet *fleet;
	struct catalog *catalog; /* meta is borrowed from it */
	struct sensor_meta *meta;
	uint32_t number;         /* in the registry */
	enum supervisor_state state;
	bool failing;            /* running, but its polls fail */
	unsigned failed_polls;   /* in a row, while failing */
	int64_t polls_failing_since; /* Unix microseconds, while failing */
	struct child *current;
	uint64_t generation;     /* that counts, or did last; 0: none yet */
	struct handover handover;
	bool interpreted;        /* it overran limits.slice */
	uint8_t overran[DIGEST_BYTES]; /* and that was this version */
	bool restart;            /* start again once it has stopped */
	bool refused;            /* reported MSG_STATE_REJECTED */
	bool once_failed;
	struct backoff backoff;
	int64_t started;         /* Unix microseconds; 0: never ran */
	uint64_t skipped;        /* polls that came too late, so far */
	int64_t next_poll;       /* Unix microseconds; 0: not known */
	int64_t poll_every;      /* microseconds between polls; 0: not known */
	char *last_error;        /* NULL: none yet */
	char *last_traceback;    /* NULL: it has none */
	int64_t last_error_at;   /* Unix microseconds */
	struct reload_item *reloading; /* a reload waits for it; NULL: none */
	struct event *timer;     /* the end of the backoff */
	double first_delay;      /* of the first poll, in seconds, once */
};

/* Who hears of all sensors; each is called from the loop. */
struct fleet_ops {
	void (*changed)(void *arg, struct supervisor *s); /* its state has */
	void (*settled)(void *arg, struct supervisor *s);
	/* A handover ended: why is NULL, or why it failed. */
	void (*handed_over)(void *arg, struct supervisor *s,
	    const char *why);
};

/* All sensors that this host has started, see fleet.h. */
struct fleet {
	struct context *ctx;
	struct pool *pool;
	struct declared *declared;
	const struct fleet_ops *ops;
	void *arg; /* of ops */
	TAILQ_HEAD(, supervisor) all;
	struct dict *by_ref; /* the same */
	bool stopping;
};

/* Takes a reference to the catalog; starts nothing. */
struct supervisor *supervisor_new(struct fleet *fleet,
    struct catalog *catalog, struct sensor_meta *meta);
void supervisor_free(struct supervisor **s);

/* A start, plain: the next generation, then a worker. */
void supervisor_start(struct supervisor *s);

/* The orderly end; what is settled already stays as it is. */
void supervisor_stop(struct supervisor *s, const char *reason);

/* Runs `meta` of `catalog` from now on: the sensor changed on disk. */
void supervisor_reload(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta);

/* Stops what runs, if anything does, and starts afresh on the same facts. */
void supervisor_restart(struct supervisor *s, const char *reason);

/* True if nothing of it runs and nothing will start by itself. */
bool supervisor_settled(const struct supervisor *s);
const char *supervisor_state_name(enum supervisor_state state);

/* The one function that changes the state, and logs it. */
void supervisor_set_state(struct supervisor *s, enum supervisor_state state);

/* Keeps what the status says of an error; traceback may be NULL. */
void supervisor_note_error(struct supervisor *s, const char *what,
    const char *traceback);

/* From now on its facts are those of meta, in a newer catalog. */
void supervisor_take(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta);

/* What core says of the sensor in the log. */
void supervisor_log(const struct supervisor *s, enum log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
