/*
 * The scheduler of coroutines. Owns every task from task_new to its done
 * function. Called by worker.c from the loop. It must never resume a task
 * from within Lua or from a callback of the loop: task_wake only queues it.
 */
#include "worker/task.h"

#include <event2/event.h>
#include <lauxlib.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/link.h"
#include "worker/task_private.h"

/* Undoes the unit and remembers what was undone. */
static void
undo_unit(struct task *t)
{
	t->undone = t->unit.n;
	task_undo_unit(t);
}

/* Tells how the task ended, and frees it. */
static void
finish(struct task *t, enum task_end end, lua_State *L, int n)
{
	if (t->done)
		t->done(t->vm, t, end, L, n, t->done_arg);
	task_free(t, end == TASK_RETURNED);
}

/* The error value is on top of `from`, which is co or the main state. */
static void
fail(struct task *t, lua_State *from)
{
	struct vm *v = t->vm;

	v->lifted = true;
	buf_reset(&v->trace, 4096);
	vm_traceback(t->co, &v->trace);
	if (from != t->co)
		lua_xmove(from, t->co, 1);
	if (v->inner_of && v->inner_of == lua_topointer(t->co, -1)) {
		buf_reset(&v->trace, 4096);
		buf_put(&v->trace, v->inner.data, v->inner.len);
	}
	v->inner_of = NULL;
	vm_error_text(v, t->co);
	v->lifted = false;
	undo_unit(t);
	finish(t, TASK_FAILED, t->co, 1);
}

/* Values that a coroutine always has room for. */
#define ROOM 16

/* vm_fn: pushes what the wait returns. */
static int
push_results(lua_State *L, void *arg)
{
	struct task *t = arg;
	int n = t->type->push ? t->type->push(L, t->arg, t->timed_out) : 0;

	if (n > ROOM && !lua_checkstack(t->co, n))
		return luaL_error(L, "%s: no room for %d results",
		    t->type->call, n);
	return n;
}

/*
 * Moves the results of the wait to the coroutine. Returns how many, or -1
 * when pushing them failed: the error value is then on the main state.
 */
static int
take_results(struct task *t)
{
	lua_State *L = t->vm->L;
	int base = lua_gettop(L), n, r;

	r = vm_protect(t->vm, push_results, t, LUA_MULTRET);
	task_release_wait(t);
	if (r != 0)
		return -1;
	n = lua_gettop(L) - base;
	lua_xmove(L, t->co, n);
	return n;
}

/* The coroutine has returned: its unit goes out, and then it has ended. */
static void
end_orderly(struct task *t)
{
	struct err e;

	t->ending = true;
	if (task_end_opening(t, &e) != 0) {
		task_fail(t, "%s", e.text);
		return;
	}
	task_send_unit(t, "its end");
	task_gate(t);
}

/* What lua_resume came back with. */
static void
on_resumed(struct task *t, int result)
{
	bool parked = result == LUA_YIELD && lua_gettop(t->co) > 0 &&
	    lua_touserdata(t->co, -1) == (void *)(uintptr_t)&task_tag;

	if (parked && t->type) {
		lua_settop(t->co, 0);
		task_gate(t);
	} else if (result == 0) {
		end_orderly(t);
	} else if (result == LUA_YIELD) {
		task_fail(t, "coroutine.yield outside of a coroutine that "
		    "the sensor made with coroutine.create or .wrap");
	} else {
		fail(t, t->co);
	}
}

/* Resumes one task. */
static void
step(struct task *t)
{
	struct vm *v = t->vm;
	int n = t->nargs, r;

	TAILQ_REMOVE(&v->tasks->ready, t, queue);
	t->state = TASK_RUNNING;
	if (n >= 0)
		t->nargs = -1;
	else
		n = take_results(t);
	if (n < 0) {
		fail(t, v->L);
		return;
	}
	v->task = t;
	vm_enter(v, t->entry);
	r = lua_resume(t->co, n);
	vm_leave(v);
	v->task = NULL;
	on_resumed(t, r);
}

/* Whether a ready task may run now. */
static bool
may_run(const struct tasks *s, const struct task *t)
{
	return s->mode == TASKS_GO || (s->mode == TASKS_BRIEF && t->brief);
}

bool
tasks_ready(const struct vm *v)
{
	const struct task *t;

	TAILQ_FOREACH(t, &v->tasks->ready, queue)
		if (may_run(v->tasks, t))
			return true;
	return false;
}

/* The next ready task of those that were there when the pass began. */
static struct task *
next_ready(struct tasks *s, uint64_t *budget)
{
	struct task *t;

	if (*budget == 0)
		return NULL;
	--*budget;
	TAILQ_FOREACH(t, &s->ready, queue)
		if (may_run(s, t))
			return t;
	return NULL;
}

void
tasks_run(struct vm *v)
{
	struct tasks *s = v->tasks;
	struct task *t;
	uint64_t budget = 0;

	TAILQ_FOREACH(t, &s->ready, queue)
		budget++;
	while ((t = next_ready(s, &budget))) {
		step(t);
		s->after_step(v);
	}
}

/* Lets a parked task begin its wait, or end. */
static void
begin(struct task *t)
{
	if (task_is_withheld(t)) {
		t->state = TASK_WITHHELD;
		return;
	}
	if (t->ending) {
		finish(t, TASK_RETURNED, t->co,
		    lua_gettop(t->co) - t->kept);
		return;
	}
	if (!may_run(t->vm->tasks, t)) {
		t->state = TASK_HELD;
		return;
	}
	t->state = TASK_WAITING;
	if (t->timer && t->seconds > 0)
		link_arm(t->vm, t->timer, t->seconds);
	if (t->type->start)
		t->type->start(t, t->arg);
}

void
task_gate(struct task *t)
{
	struct link *l = t->vm->link;

	t->need = l->sent;
	if (l->acked >= t->need) {
		begin(t);
		return;
	}
	t->state = TASK_GATED;
	TAILQ_INSERT_TAIL(&t->vm->tasks->gated, t, queue);
}

void
tasks_acked(struct vm *v)
{
	struct tasks *s = v->tasks;
	struct task *t;

	while ((t = TAILQ_FIRST(&s->gated)) && t->need <= v->link->acked) {
		TAILQ_REMOVE(&s->gated, t, queue);
		begin(t);
	}
	s->after_step(v);
}

void
tasks_set_mode(struct vm *v, enum tasks_mode mode)
{
	struct task *t, *next;

	v->tasks->mode = mode;
	for (t = TAILQ_FIRST(&v->tasks->all); t; t = next) {
		next = TAILQ_NEXT(t, all);
		if (t->state == TASK_HELD)
			begin(t);
	}
}

enum tasks_mode
tasks_mode(const struct vm *v)
{
	return v->tasks->mode;
}

void
task_forget_done(struct task *t)
{
	t->done = NULL;
}

/* Takes a parked or ready task off its list and out of its wait. */
static void
unlink_task(struct task *t)
{
	must(t->state != TASK_RUNNING);
	if (t->state == TASK_READY)
		TAILQ_REMOVE(&t->vm->tasks->ready, t, queue);
	else if (t->state == TASK_GATED)
		TAILQ_REMOVE(&t->vm->tasks->gated, t, queue);
	task_release_wait(t);
}

void
task_drop(struct task *t)
{
	unlink_task(t);
	undo_unit(t);
	finish(t, TASK_DROPPED, NULL, 0);
}

void
task_fail(struct task *t, const char *fmt, ...)
{
	struct vm *v = t->vm;
	va_list ap;

	if (t->state != TASK_RUNNING)
		unlink_task(t);
	buf_reset(&v->trace, 4096);
	vm_traceback(t->co, &v->trace);
	buf_reset(&v->error, 4096);
	va_start(ap, fmt);
	buf_vprintf(&v->error, fmt, ap);
	va_end(ap);
	undo_unit(t);
	finish(t, TASK_FAILED, t->co, 0);
}

bool
tasks_any_brief(const struct vm *v)
{
	const struct task *t;

	TAILQ_FOREACH(t, &v->tasks->all, all)
		if (t->brief)
			return true;
	return false;
}

/* Drops all tasks, or all but the brief ones. */
static void
drop_tasks(struct vm *v, bool brief_too)
{
	struct task *t;

	do {
		TAILQ_FOREACH(t, &v->tasks->all, all)
			if (brief_too || !t->brief)
				break;
		if (t)
			task_drop(t);
	} while (t);
}

void
tasks_drop_all(struct vm *v)
{
	drop_tasks(v, true);
}

void
tasks_drop_long(struct vm *v)
{
	drop_tasks(v, false);
}

void
tasks_open(struct vm *v, size_t unit_limit, tasks_after_step_fn *after)
{
	v->tasks = xcalloc(1, sizeof(*v->tasks));
	TAILQ_INIT(&v->tasks->all);
	TAILQ_INIT(&v->tasks->ready);
	TAILQ_INIT(&v->tasks->gated);
	v->tasks->unit_limit = unit_limit;
	v->tasks->after_step = after;
}
