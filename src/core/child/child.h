#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/child/bounds.h"
#include "core/child/spawner_link.h"
#include "core/child/unit_parts.h"
#include "core/child/window.h"
#include "wire/msg.h"
#include "wire/page.h"
#include "wire/peer.h"

struct catalog;
struct child;
struct context;
struct event;
struct listening_list;
struct log_lines;
struct output;
struct pool;
struct sensor_meta;

/*
 * One worker process, from the request to the spawner until it is gone
 * (pool.h makes and ends it), and the gate for all that core sends to it. It
 * knows the seam and nothing of why it was started: what happens is told to
 * its supervisor, which decides.
 */
enum child_state {
	CHILD_LOADING,  /* asked for; HELLO and LOAD are in its link */
	CHILD_LOADED,   /* the file is loaded; waits for child_start */
	CHILD_STARTED,  /* init and setup run */
	CHILD_RUNNING,
	CHILD_REPORTED, /* said how it ended; about to exit */
	CHILD_GONE      /* process reaped and link closed */
};

/* What a supervisor hears; each is called from the loop. */
struct child_ops {
	void (*loaded)(struct child *c);
	void (*running)(struct child *c);
	void (*polled)(struct child *c, const json_t *details);
	void (*quiet)(struct child *c);
	/* The unit of setup came: true if the supervisor holds it (body is
	 * borrowed), false if it is a unit like any other. */
	bool (*setup_unit)(struct child *c, uint32_t id, const void *body,
	    size_t len);
	/* That of cleanup came: true if it counts for nothing. */
	bool (*cleanup_unit)(struct child *c);
	/* It will reject itself; the report comes when it has cleaned up. */
	void (*rejects)(struct child *c, const json_t *details);
	void (*reported)(struct child *c);
	void (*gone)(struct child *c);
};

SLIST_HEAD(dead_list, child);

struct child {
	TAILQ_ENTRY(child) link; /* of all of the pool's */
	SLIST_ENTRY(child) dead;
	unsigned references;
	struct context *ctx;
	struct pool *pool;                /* for pool.c alone */
	struct spawner_link *spawner;     /* its */
	struct dead_list *dead_list;      /* its: where the last unref goes */
	struct listening_list *listening; /* its: the sockets of sensors */
	const struct child_ops *ops;
	void *owner; /* the supervisor; NULL: nobody listens any more */
	struct catalog *catalog; /* a reference: meta is borrowed from it */
	const struct sensor_meta *meta;
	uint32_t sensor; /* number in the registry */
	uint64_t generation;
	enum child_state state;
	struct birth *birth; /* asked for, with a reference; NULL: no more */
	pid_t pid; /* -1: not born, or reaped */
	pid_t born_pid; /* the same, kept; 0: not born */
	int pidfd;      /* -1: not born */
	struct event *exited; /* at the pidfd */
	struct peer peer;
	bool linked; /* peer is in use */
	int core_end;   /* the peer's descriptor */
	int worker_end; /* of the link; -1: the worker has it */
	bool link_ended;
	bool told; /* that it runs is on disk: what is for it may leave */
	struct page *page;     /* NULL: not before the spawner is asked */
	struct output *output; /* the same */
	struct log_lines *log_lines;
	struct window listens; /* how often it asked for a new socket */
	char *spec; /* the LOAD message's JSON, until it is sent */
	struct bounds bounds;
	uint32_t next_id;
	uint32_t hello_id, load_id, quiet_id, resume_id;
	enum msg_state report; /* valid in CHILD_REPORTED and after */
	json_t *details;       /* of the report, or the lint's; NULL: none */
	bool reported;
	bool overran;          /* killed by the watchdog for limits.slice */
	bool interpreted;      /* its worker keeps limits.slice by itself */
	int status;            /* of waitpid, once reaped */
	bool reaped;
	char *stop_reason; /* of child_stop; NULL: it was not asked to */
	char *killed_for; /* why core killed it; NULL: it did not */
	struct unit_parts ahead; /* of a unit whose COMMIT has not come */
	unsigned units_waiting; /* sent and not yet committed */
	unsigned tick_turn;     /* watchdog: the page's turn at the last tick */
	unsigned ticks;         /* and for how many ticks it was the same */
	int64_t wake_us;        /* watchdog: the page's at the last tick */
	unsigned late_ticks;    /* and for how many it has been over */
	struct event *deadline; /* kills it when it passes */
	int64_t deadline_us;    /* the same, monotonic; 0: none */
	const char *deadline_why;
};

struct child *child_ref(struct child *c);

/* After the last one it is freed when the turn ends. */
void child_unref(struct child **c);

/* That the process is there is on disk: it may hear what it is to do. */
void child_tell(struct child *c);

/* The same sensor, unchanged, in a newer catalog. */
void child_take(struct child *c, struct catalog *catalog,
    const struct sensor_meta *meta);

/* How long its Lua may go on without a wait, in microseconds. */
int64_t child_slice_us(const struct child *c);

void child_start(struct child *c);
void child_quiet(struct child *c, int64_t grace_us);
/* Ends the quiet; a worker that does not answer to it is killed. */
void child_resume(struct child *c);
void child_resumed(struct child *c);

/*
 * Asks for the orderly end, and kills when it takes longer than both times.
 * The worker is told a little less for its cleanup, so that one that uses all
 * of its time can still say so before it is killed for it. One that has no
 * process yet has nothing to clean up: it counts as stopped in order, and is
 * gone as after child_kill.
 */
void child_stop(struct child *c, const char *reason, int64_t grace_us,
    int64_t cleanup_us);

/*
 * SIGKILL; why is what the log and the state will say. A child that has no
 * process yet is not asked for any more. It is gone later, from the loop: at
 * its next pass where there is no process; where there is one that even
 * SIGKILL does not end, after KILL_US.
 */
void child_kill(struct child *c, const char *why);
#define KILL_US INT64_C(2000000)

/* Kills the child unless the deadline is cleared or set anew before. */
void child_set_deadline(struct child *c, int64_t us, const char *why);
void child_clear_deadline(struct child *c);

/* The same, unless one that is nearer is set already. */
void child_bring_deadline(struct child *c, int64_t us, const char *why);

/*
 * For pool.c: nothing more comes from it, no exit and no message. It is gone
 * at the loop's next pass, and no deadline is set any more.
 */
void child_end(struct child *c);
bool child_has_ended(const struct child *c);

/* Queues a message or a reply; it leaves at the end of the turn. */
void child_send(struct child *c, uint8_t type, uint32_t id,
    const struct buf *body);

/*
 * Queues a reply with a descriptor, which stays the caller's. -1: the worker
 * does not get it; it is told why, unless it is given up.
 */
int child_send_fd(struct child *c, uint32_t id, const struct buf *body,
    int fd);

/* A bad frame: ends the worker, says why. */
void child_bad(struct child *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How it ended, in words: "killed by signal 11 (Segmentation fault)". */
char *child_obituary(const struct child *c);

/* What core says of it in the log, what it says itself, and its secrets: as
 * in sensor_log.h. */
void child_log(const struct child *c, enum log_level level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void child_log_text(const struct child *c, enum log_level level,
    const char *logger, const char *text, size_t len);
void child_mask(const struct child *c, struct buf *text, bool cut);
bool child_log_wanted(const struct child *c, enum log_level level);
