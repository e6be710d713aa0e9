#pragma once

#include <event2/util.h>
#include <sys/queue.h>

#include "worker/task.h"

/* What task.c and task_wait.c share; nobody else includes it. */
enum task_state {
	TASK_READY,   /* on the ready list */
	TASK_RUNNING, /* in lua_resume */
	TASK_GATED,   /* parked until the units sent so far are on disk */
	TASK_HELD,    /* parked, and quieted: the wait has not begun */
	TASK_WITHHELD, /* parked with a unit that waits for setup's */
	TASK_WAITING, /* parked; the wait has begun */
};

struct task {
	TAILQ_ENTRY(task) all;
	TAILQ_ENTRY(task) queue; /* READY and GATED */
	uint64_t id;
	enum task_state state;
	bool brief;
	bool heirs; /* what it starts is brief, too */
	bool shared; /* co outlives it: somebody keeps the results there */
	bool ending; /* its function has returned */
	bool timed_out;
	int nargs; /* of the first resume; -1 later */
	uint64_t need; /* the unit that must be on disk, while gated */
	const struct wait_type *type; /* NULL: does not wait */
	void *arg;
	double seconds; /* limit of the wait; 0: none */
	struct event *timer;
	struct event *open_timer; /* of an open transaction; NULL: none yet */
	struct unit unit;
	struct unit_counts undone;
	int64_t parked_us;    /* when the present wait began, monotonic */
	/* from here on not cleared when the task is renewed */
	struct vm *vm;
	lua_State *co;
	int ref; /* anchors co in the registry */
	bool kept; /* its function stays at 1 in co, for task_again */
	const char *entry;
	task_done_fn *done;
	void *done_arg;
	char opened[TASK_PLACE]; /* where the transaction was opened */
	char place[TASK_PLACE];
	char split[TASK_PLACE];
	struct task_wait_note longest;
};

TAILQ_HEAD(task_list, task);

struct tasks {
	struct task_list all;
	struct task_list ready;
	struct task_list gated; /* by need, rising */
	struct task *spare; /* one whose coroutine can run again, or NULL */
	struct task *opening; /* init, then setup until its end; else NULL */
	bool setup_sent; /* its unit, and it is not on disk */
	bool withheld; /* setup is not on disk: no other unit may be sent */
	size_t unit_limit;
	uint64_t last_id;
	uint64_t units; /* sent, for `run -v` */
	enum tasks_mode mode;
	tasks_after_step_fn *after_step;
};

/* The value that a parked coroutine yields, by its address. */
extern const char task_tag;

/*
 * Frees a task that has ended. A coroutine whose function returned can run
 * another function: one is spared, unless its results still wait there.
 */
void task_free(struct task *t, bool returned);

/* Sends the unit unless it is empty; `by` says what ended it. */
void task_send_unit(struct task *t, const char *by);

/* Parked: begins the wait, or the end, when the units are on disk. */
void task_gate(struct task *t);

/* Whether it has to wait for setup to be on disk, with what it has done. */
bool task_is_withheld(const struct task *t);

/*
 * Its function has returned: what it has done joins the unit of a setup that
 * goes on. -1 when that would be too large.
 */
int task_end_opening(struct task *t, struct err *e);

/* Ends the wait: calls release, stops the timer. */
void task_release_wait(struct task *t);

/* event_callback_fn: the time given to task_wait_for is over. */
void task_timeout_cb(evutil_socket_t fd, short events, void *arg);
