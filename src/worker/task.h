#pragma once

#include <stdbool.h>
#include <stddef.h>

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
 * Pushes what the call returns and returns how many values (at most 16). May
 * raise. timed_out: the time given to task_wait_for is over; the action is
 * then still going on, and release must stop it.
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

/* How a task ended; L holds its results or the error value on top. */
enum task_end { TASK_RETURNED, TASK_FAILED, TASK_DROPPED };

/*
 * Called once, when the task's last unit is on disk (TASK_RETURNED: n results
 * on the stack of L), or with the error value (TASK_FAILED: n is 1; its
 * traceback is in v->trace, unit tells what was undone). L is to be left as
 * it was; for TASK_DROPPED it is NULL.
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

/* Drops a task: never resumed, its unit undone, done(TASK_DROPPED). */
void task_drop(struct task *t);

/* What a task is, for messages. */
const char *task_entry(const struct task *t);
