#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "worker/unit.h"
#include "worker/vm.h"

/*
 * Coroutines that the host schedules. Every entry into a sensor is a task:
 * a coroutine with a unit of work of its own. A call that acts outside or
 * gives the turn away is a wait:
 *
 *	static const struct wait_type sleeping = {
 *		"time.sleep", sleep_start, sleep_push, sleep_release,
 *	};
 *
 *	static int
 *	time_sleep(lua_State *L)
 *	{
 *		double s = ...;               checks first: they may raise
 *		struct sleep *w = xcalloc(1, sizeof(*w));
 *		return task_wait(L, &sleeping, w);
 *	}
 *
 * The wait ends the task's unit, and start is called when all units that
 * this worker has sent so far are on disk; then somebody calls task_wake,
 * once, from wherever he learns that it is over.
 */
struct task;

/*
 * Acts, and keeps t in order to wake it. May wake it at once. Called from
 * the loop or from within the waiting call; must not call Lua.
 */
typedef void wait_start_fn(struct task *t, void *arg);

/*
 * Pushes what the call returns and returns how many values. May raise.
 * timed_out: the time given to task_wait_for is over; the action is then
 * still going on, and release must stop it.
 */
typedef int wait_push_fn(lua_State *L, void *arg, bool timed_out);

/*
 * The last that is heard of arg, in every case: after push, or without it
 * when the task is dropped while it waits, or where no waiting is possible
 * (then start was not called either). Stops what start began so that t is
 * never woken again, and frees arg if it was allocated for this wait.
 */
typedef void wait_release_fn(void *arg);

struct wait_type {
	const char *call; /* "time.sleep": for errors and `run -v` */
	wait_start_fn *start;
	wait_push_fn *push;       /* NULL: no results */
	wait_release_fn *release; /* NULL: nothing to do */
};

/*
 * Ends a C function that was called from Lua: `return task_wait(...)`, with
 * nothing held that an error would leak but arg. Raises where no coroutine of
 * the host can wait (table.sort, string.gsub, the top of a module, ...).
 */
int task_wait(lua_State *L, const struct wait_type *type, void *arg);

/* The same with a limit in seconds; 0 or less: none. */
int task_wait_for(lua_State *L, const struct wait_type *type, void *arg,
    double seconds);

/*
 * The wait is over: push is called and the coroutine goes on soon, from the
 * loop. Must not be called twice for one wait.
 */
void task_wake(struct task *t);

/*
 * The unit of the running task; raises at the top of a module, where there
 * is none. Never NULL.
 */
struct unit *task_unit(lua_State *L);

/*
 * Sends what the unit holds by now ahead of it, if there is enough to be
 * worth it, so that core checks one part while the sensor makes the next.
 */
void task_send_ahead(struct task *t);

/* As unit_reset and unit_rewind; core forgets what was sent ahead. */
void task_undo_unit(struct task *t);
void task_rewind_unit(struct task *t, struct unit_point p);

/*
 * lua_CFunction: passes a wait of an inner coroutine of the sensor's own on;
 * raises where it cannot. For the host's coroutine.resume.
 */
int task_lua_pass(lua_State *L);

/*
 * Pops words and, below them, a function inside of which no wait is possible:
 * "table.sort: fetch first, sort afterwards".
 */
void task_add_barrier(lua_State *L);

/* How a task ended; L holds its results or the error value on top. */
enum task_end { TASK_RETURNED, TASK_FAILED, TASK_DROPPED };

/*
 * Called once, when the task's last unit is on disk (TASK_RETURNED: n results
 * are the stack of L), or with the error value (TASK_FAILED: on top of L, n
 * is 1; or n is 0, where it was failed from outside. v->error is the text and
 * v->trace the traceback, task_undone what was undone). L may be changed; it
 * is NULL for TASK_DROPPED. t is freed afterwards. Must not raise.
 */
typedef void task_done_fn(struct vm *v, struct task *t, enum task_end end,
    lua_State *L, int n, void *arg);

/*
 * Starts a task with the function and its nargs arguments on top of L (which
 * are popped); entry names it in logs ("poll"). It runs from the loop, not
 * before this returns. May raise (memory), so only within a protected call.
 */
struct task *task_new(lua_State *L, int nargs, const char *entry,
    task_done_fn *done, void *arg);

/* Another arg for done: one that is made only when the task is there. */
void task_set_arg(struct task *t, void *arg);

/*
 * For what is run over and over: the function of t, which takes no arguments
 * and has not run yet, stays with its coroutine. When t has returned and no
 * other task took the coroutine, task_again starts it as task_new did, but
 * touches little memory and needs no protected call; NULL where it cannot.
 * The results are the topmost n values.
 */
void task_keep(struct task *t);
struct task *task_again(struct vm *v);

/* done is not called any more. */
void task_forget_done(struct task *t);

/* Drops a parked task: never resumed, its unit undone. */
void task_drop(struct task *t);

/* Ends a parked task as if its wait had raised the text. */
void task_fail(struct task *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * What a task is: its entry; a number never used again, by which it can be
 * found while it lives; what it waits in (NULL: nothing); the place of its
 * last wait.
 */
const char *task_entry(const struct task *t);
struct vm *task_vm(const struct task *t);

/* Its coroutine, and another anchor for it (luaL_unref); may raise. */
lua_State *task_thread(const struct task *t);
int task_share_thread(struct task *t);
uint64_t task_id(const struct task *t);
struct task *task_find(struct vm *v, uint64_t id);
const struct wait_type *task_waits_in(const struct task *t);
const char *task_place(const struct task *t);

/* The longest wait of a task so far; us is 0 if it had none. */
#define TASK_PLACE 160
struct task_wait_note {
	int64_t us;
	const char *call;
	char place[TASK_PLACE];
};
const struct task_wait_note *task_longest_wait(const struct task *t);

/* Of a poll: the wait that sent dispatches without any value; "" if none. */
const char *task_split_place(const struct task *t);
struct unit_counts task_undone(const struct task *t);
void task_set_unit_flags(struct task *t, uint8_t flags);

/*
 * A transaction that is open for long (limits.transaction of the spec, 60 s)
 * is warned of, once: from here on, until unwatched or the task's end.
 */
void task_watch_open(lua_State *L);
void task_unwatch_open(struct task *t);

/*
 * init and setup are one transaction, setup's unit, which is sent in any
 * case. task_open_init begins it, task_open_setup carries it from init's
 * task, which has just ended, to setup's. Until it is on disk no other unit
 * is sent: a task that has dispatched or stored halts at its next wait, and
 * what one has done that ends before setup does goes into setup's unit.
 * tasks_release lets them go on: setup is on disk.
 */
void task_open_init(struct task *t);
void task_open_setup(struct task *t, struct task *init);
bool task_is_opening(const struct task *t);
void tasks_release(struct vm *v);

/* Whether the unit of setup is sent, and not on disk. */
bool tasks_setup_sent(const struct vm *v);

/* A task that halts for setup's end, or NULL. */
const struct task *tasks_any_withheld(const struct vm *v);

/*
 * A brief task is a poll, a callback or a handler: it may go on while the
 * sensor is quieted. Others halt at their next wait. With heirs the tasks that
 * it starts are brief, too; those of add_trigger are not, for they follow what
 * the trigger names for as long as it exists.
 */
void task_set_brief(struct task *t, bool heirs);

/*
 * The task is not brief, whoever started it: it serves for as long as the
 * sensor lives, and halts at its next wait when that is quieted.
 */
void task_set_long(struct task *t);

/*
 * The scheduler, for worker.c and sensor.c. tasks_run resumes what is ready
 * once each and calls after_step behind each; tasks_acked is told of units
 * on disk, and calls it, too; tasks_set_mode halts and lets go on.
 */
typedef void tasks_after_step_fn(struct vm *v);
void tasks_open(struct vm *v, size_t unit_limit, tasks_after_step_fn *after);
bool tasks_ready(const struct vm *v);
void tasks_run(struct vm *v);
void tasks_acked(struct vm *v);

/* TASKS_GO: all run; TASKS_BRIEF: brief ones only; TASKS_HALT: none. */
enum tasks_mode { TASKS_GO, TASKS_BRIEF, TASKS_HALT };
void tasks_set_mode(struct vm *v, enum tasks_mode mode);
enum tasks_mode tasks_mode(const struct vm *v);

/* Whether a brief task lives. */
bool tasks_any_brief(const struct vm *v);
void tasks_drop_all(struct vm *v);

/* Drops the tasks that are not brief. */
void tasks_drop_long(struct vm *v);
