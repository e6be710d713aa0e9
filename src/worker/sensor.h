#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "worker/facts.h"
#include "worker/unit.h"
#include "worker/vm.h"

/*
 * One sensor's life in its worker: load, init, setup, triggers, run or poll,
 * quiet, the end. worker.c hands it core's messages; it reports by STATE.
 */
enum sensor_phase {
	SENSOR_EMPTY,    /* nothing loaded */
	SENSOR_LOADED,
	SENSOR_STARTING, /* init, setup, the first add_triggers */
	SENSOR_RUNNING,
	SENSOR_ENDING,   /* the end is decided; polls may finish */
	SENSOR_CLEANUP,
	SENSOR_OVER      /* reported; the worker may exit */
};

/* How the sensor ends; the first decision counts. */
enum sensor_end {
	END_NONE,
	END_FINISHED,
	END_REJECTED,
	END_FAILED,
	END_RETURNED,
	END_ONCE,
	END_STOPPED
};

/* What is said again as long as it goes on. */
struct reminder {
	int64_t at_us; /* monotonic: not before */
	double gap;    /* seconds between the last two sayings */
};

struct trigger_change;
STAILQ_HEAD(trigger_changes, trigger_change);

struct sensor {
	struct vm *vm;
	enum sensor_phase phase;
	enum sensor_end end;
	uint32_t quiet_id;   /* of QUIET, to be answered; 0: none */
	bool quiet;
	bool polls;

	/* poll: what each one passes lies together */
	bool polling;
	bool armed;          /* the next one is to come, at due_us */
	bool timed;          /* tick waits for it */
	unsigned streak;     /* failed polls in a row */
	struct event *tick;
	double interval;
	int64_t due_us;      /* monotonic: the poll's scheduled time */
	int64_t poll_began_us;
	uint64_t entry_task; /* id of the task that timer is about */

	struct facts facts;
	void (*at_work)(void); /* called when it is; NULL: nobody waits */
	char *lint; /* what a check found, JSON; NULL: this is none */
	bool no_lua;        /* the file does not compile */
	bool asked_to_stop; /* STOP came while it ended anyway */
	char *why;           /* of finish, reject, stop */
	json_t *report;      /* what STATE will say of the end */
	double cleanup_time; /* seconds */
	struct event *timer; /* setup's, the grace's, cleanup's limit */
	struct trigger_changes changes; /* callbacks still to be made */
	bool told; /* of the triggers there were after setup */
	uint64_t callback;   /* the task of the one that runs, or 0 */
	const char *method;  /* and its name */
	int64_t began_us;    /* of run */
	int64_t streak_us;   /* Unix time of the first failed poll in a row */
	struct reminder failure;
	unsigned overruns;   /* polls in a row that took too long */
	uint64_t overrun_ticks; /* that they missed */
	int64_t overruns_us; /* Unix time of the first */
	int64_t overran_us;  /* monotonic, the last */
	struct reminder overrun;
	bool warned_split;

	/* The last value read that is a number as text, and its name. */
	char text_key[64];
	char text_value[32];

	/* rejected payloads that were logged, and since when */
	unsigned invalid_logged;
	int64_t invalid_since_us;
};

/* The sensor of this process, which lives as long. */
void sensor_open(struct vm *v);

/* LOAD: 0, or -1 with a text (in v->error, traceback in v->trace). */
int sensor_load(struct sensor *s, const char *spec);
void sensor_start(struct sensor *s);
void sensor_quiet(struct sensor *s, uint32_t id, double seconds);
void sensor_resume(struct sensor *s);
void sensor_stop(struct sensor *s, const char *reason, double grace,
    double cleanup);
void sensor_trigger(struct sensor *s, unsigned change, const char *about);

/*
 * The next poll, for the loop. sensor_poll_delay: microseconds until then (0:
 * now), or -1 when none is to come; sensor_poll_due: the monotonic time, or
 * 0 when none is to come. It is begun by sensor_poll_tick, which
 * does nothing before its time, or by a timer of the loop where one is set.
 */
int64_t sensor_poll_delay(const struct sensor *s);
int64_t sensor_poll_due(const struct sensor *s);
void sensor_poll_tick(struct sensor *s);
void sensor_poll_set_timer(struct sensor *s);
void sensor_poll_unset_timer(struct sensor *s);

/* self:finish() and self:reject(): ends it at the end of this turn. */
void sensor_decide(struct sensor *s, enum sensor_end end, const char *why);

/* An entry failed: v->error and v->trace say how. */
void sensor_failed(struct sensor *s, const char *entry,
    const struct unit_counts *undone);

/* tasks_after_step_fn: goes on where a turn has ended. */
void sensor_after_step(struct vm *v);
