#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "core/sensor/backoff.h"
#include "core/sensor/machine.h"

struct change;
struct child;
struct context;
struct declared;
struct dict;
struct event;
struct pool;
struct reload_item;

/*
 * Keeps one sensor running: its state machine, and what the machine's
 * decisions are carried out with. It alone decides about a next start; it
 * never gives up silently.
 */
struct supervisor {
	TAILQ_ENTRY(supervisor) link;
	struct fleet *fleet;
	uint32_t number;         /* in the registry */
	struct sensor_machine machine;
	struct child *current;   /* whose units count; NULL: none */
	struct child *incoming;  /* of the offered version; NULL: none */
	struct change *commit;   /* under way; NULL: none */
	uint64_t allotted;       /* generation of the next worker */
	uint64_t generation;     /* that counts, or did last; 0: none yet */
	uint32_t held_id;        /* of the unit of the new one's setup */
	struct buf held;         /* that unit, until the flip */
	struct event *timer;     /* the deadline of the state */
	int64_t deadline_us;     /* how long it is */
	const char *deadline_why;
	const char *reason;      /* of a stop, for the worker */

	/* what the event that is being handled says; for notes */
	struct child *ended;     /* the worker that did; NULL: none */
	char *why;
	bool rejects;            /* why is what it gave to self:reject() */
	const char *traceback;   /* borrowed from the worker; NULL: none */

	/* what the status tells */
	bool failing;            /* running, but its polls fail */
	unsigned failed_polls;   /* in a row, while failing */
	int64_t polls_failing_since; /* Unix microseconds, while failing */
	bool interpreted;        /* it overran limits.slice */
	uint8_t overran[DIGEST_BYTES]; /* and that was this version */
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
	double first_delay;      /* of the first poll, in seconds, once */
};

/* Who hears of all sensors; each is called from the loop. */
struct fleet_ops {
	void (*changed)(void *arg, struct supervisor *s); /* its state has */
	void (*settled)(void *arg, struct supervisor *s);
	/* A new version was not taken in; the state changes next. */
	void (*refused)(void *arg, struct supervisor *s, const char *why);
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

/* What it is: as of the version that starts next, which mostly is the one
 * that runs. Borrowed until the next event. */
const struct sensor_meta *supervisor_meta(const struct supervisor *s);

/* Starts it, if nothing of it runs or is about to. */
void supervisor_start(struct supervisor *s);

/* Its orderly end; what is settled already stays as it is. */
void supervisor_stop(struct supervisor *s, const char *reason);

/* Stops what runs, if anything does, and starts the same version afresh. */
void supervisor_restart(struct supervisor *s, const char *reason);

/*
 * The sensor is meta of a newer catalog now: brings that version in, or keeps
 * the one that runs, or gives up another that is being brought in. False if
 * there was nothing to do.
 */
bool supervisor_reload(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta);

/* The same for one that is stopped, or stops: its next start will be of
 * that version. */
void supervisor_adopt(struct supervisor *s, struct catalog *catalog,
    struct sensor_meta *meta);

enum sensor_status supervisor_status(const struct supervisor *s);

/* True if nothing of it runs and nothing will start by itself. */
bool supervisor_settled(const struct supervisor *s);

/* Keeps what the status says of an error; traceback may be NULL. */
void supervisor_note_error(struct supervisor *s, const char *what,
    const char *traceback);

/* What core says of the sensor in the log. */
void supervisor_log(const struct supervisor *s, enum log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
