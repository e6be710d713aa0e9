#pragma once

#include <stdbool.h>

#include "core/sensor/state.h"
#include "core/sensor/version.h"

/*
 * What becomes of a sensor when something happens: one state, one table of
 * state and event. It decides and touches nothing; what it decides is done
 * by its ops.
 *
 * Until the current version is told to go (CLEANING_UP, MAKING_WAY), whatever
 * goes wrong with a new one ends with the current one running. A version that
 * is started without that one beside it is on trial (version.h): if it fails,
 * the last good one is started again.
 */
enum machine_event {
	/* asked for */
	EVENT_ENABLE,    /* it is to run, if it does not and is not about to */
	EVENT_RESTART,   /* it is to start afresh */
	EVENT_STOP,
	EVENT_RELOAD,    /* to another version: sensor_machine_reload() */
	EVENT_TAKE_BACK, /* to the accepted one: forget the offered one */
	/* the current worker; the last four: it is gone, and how it ended */
	EVENT_LOADED,
	EVENT_RUNS,
	EVENT_QUIET,
	EVENT_FAILED,    /* with an error, by a crash, or killed */
	EVENT_FINISHED,
	EVENT_REJECTED,  /* starting it again is no use */
	EVENT_STOPPED,   /* as it was asked to */
	/* the new version's worker */
	EVENT_NEW_LOADED,
	EVENT_NEW_SET_UP, /* its unit is held back */
	EVENT_NEW_FAILED, /* it did not load, failed, or is gone */
	EVENT_NEW_REJECTED, /* it says that starting it is no use */
	/* the rest */
	EVENT_COMMITTED, /* what ops.commit asked for is on disk */
	EVENT_DEADLINE,  /* of the state, or the end of the backoff */
	MACHINE_EVENTS_FROM_OUTSIDE,
	/* what some of these come to, see refine() */
	EVENT_TRIAL_FAILED = MACHINE_EVENTS_FROM_OUTSIDE,
	EVENT_TRIAL_VAIN, /* the same, but the last good one has finished */
	EVENT_TRIAL_PASSED,
	EVENT_ONCE_FAILED,
	EVENT_NEW_WAITS, /* it has loaded; one of the two says restart */
	MACHINE_EVENTS
};

/* What is written. One at a time. */
enum machine_commit {
	COMMIT_START,   /* the next generation, current at once */
	COMMIT_ALLOT,   /* the next generation, for the new worker */
	COMMIT_PROMOTE, /* the new worker's generation is the current one */
	COMMIT_FLIP,    /* the same, and setup's unit with it */
};

enum machine_worker { WORKER_CURRENT, WORKER_NEW };

/* What is worth telling of a decision, before anything else is done. */
enum machine_note {
	NOTE_NONE,
	NOTE_FAILED,    /* the current worker's end: it backs off, or stops */
	NOTE_FINISHED,
	NOTE_REJECTED,
	NOTE_STOPPED,   /* it was asked to end */
	NOTE_OLD_ENDED, /* it made way for a new version, or died beside it */
	NOTE_KEPT,      /* the new version failed: the old one runs on */
	NOTE_RETURNED,  /* the same: the last good one is in its place again */
	NOTE_DROPPED,   /* the new version gives way to an operator's word */
	NOTE_RELOADED,  /* the new version is the current one */
};

struct machine_ops {
	/* Writes; EVENT_COMMITTED follows, later, unless it is withdrawn. */
	void (*commit)(void *arg, enum machine_commit what);
	void (*withdraw)(void *arg);
	/* Makes a worker, of the accepted or of the offered version, under
	 * the generation that has just been written. */
	void (*spawn)(void *arg, enum machine_worker w);
	void (*set_up)(void *arg, enum machine_worker w);
	/* Ends a worker whose time is over; the event of its end follows. */
	void (*kill)(void *arg, enum machine_worker w);
	/* Of the current worker. stop: in order; quieted: it is quiet now. */
	void (*quiet)(void *arg);
	void (*resume)(void *arg);
	void (*stop)(void *arg, bool quieted);
	/* Kills the new one, of which nothing is heard any more. */
	void (*discard)(void *arg);
	/* The new one is the current one; the old one is gone. */
	void (*swap)(void *arg);
	/* Whether accepted and offered version both say reload: handover. */
	bool (*hands_over)(void *arg);
	void (*tell)(void *arg, enum machine_note note);
	/* The state has changed; nothing is done after this. */
	void (*entered)(void *arg);
};

struct sensor_machine {
	enum machine_state state;
	struct versions versions;
	bool once; /* a failure is the end, as `run --once` wants it */
	const struct machine_ops *ops;
	void *arg; /* of ops */
};

/* Stopped, with the version that it is to run first. */
void sensor_machine_init(struct sensor_machine *m,
    const struct machine_ops *ops, void *arg, struct catalog *catalog,
    struct sensor_meta *meta);
void sensor_machine_release(struct sensor_machine *m);

/* An event that the state has no use for changes nothing. */
void sensor_machine_event(struct sensor_machine *m, enum machine_event event);

/* The sensor is to be of another version now. */
void sensor_machine_reload(struct sensor_machine *m, struct catalog *catalog,
    struct sensor_meta *meta);

/* The same for one that is stopped, or stopping: its next start will be. */
void sensor_machine_adopt(struct sensor_machine *m, struct catalog *catalog,
    struct sensor_meta *meta);
