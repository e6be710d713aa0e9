/*
 * How tasks are made and freed. Called by who starts them and, at their end,
 * by task.c. It must never run one.
 */
#include <event2/event.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/task_private.h"

/* A task with its coroutine is as new; it is queued. */
static void
renew(struct task *t, struct vm *v)
{
	memset(t, 0, offsetof(struct task, vm));
	t->place[0] = t->split[0] = '\0';
	t->longest.us = 0;
	t->id = ++v->tasks->last_id;
	t->brief = t->heirs = v->task && v->task->heirs;
	unit_init(&t->unit, v->tasks->unit_limit);
	TAILQ_INSERT_TAIL(&v->tasks->all, t, all);
	TAILQ_INSERT_TAIL(&v->tasks->ready, t, queue);
}

/*
 * A task with its coroutine, anchored in the registry: the spare one, so
 * that little garbage is made, or a new one. Raises.
 */
static struct task *
take_task(struct tasks *s, lua_State *L, int nargs)
{
	struct task *t = s->spare;
	lua_State *co = t ? t->co : lua_newthread(L);
	int ref;

	if (!lua_checkstack(co, nargs + 1))
		bind_raise(L, "too many arguments");
	ref = t ? t->ref : luaL_ref(L, LUA_REGISTRYINDEX);
	s->spare = NULL;
	if (t)
		lua_settop(co, 0);
	else
		t = xmalloc(sizeof(*t));
	t->kept = false;
	t->co = co;
	t->ref = ref;
	return t;
}

struct task *
task_new(lua_State *L, int nargs, const char *entry, task_done_fn *done,
    void *arg)
{
	struct vm *v = vm_of(L);
	struct task *t = take_task(v->tasks, L, nargs);

	lua_xmove(L, t->co, nargs + 1);
	renew(t, v);
	t->vm = v;
	t->entry = entry;
	t->nargs = nargs;
	t->done = done;
	t->done_arg = arg;
	return t;
}

void
task_set_arg(struct task *t, void *arg)
{
	t->done_arg = arg;
}

void
task_keep(struct task *t)
{
	must(t->nargs == 0 && !t->kept);
	t->kept = true;
	lua_pushvalue(t->co, 1);
}

struct task *
task_again(struct vm *v)
{
	struct task *t = v->tasks->spare;

	if (!t || !t->kept)
		return NULL;
	v->tasks->spare = NULL;
	renew(t, v);
	lua_pushvalue(t->co, 1);
	return t;
}

void
task_free(struct task *t, bool returned)
{
	struct tasks *s = t->vm->tasks;

	TAILQ_REMOVE(&s->all, t, all);
	if (s->opening == t)
		s->opening = NULL;
	if (t->timer)
		event_free(t->timer);
	if (t->open_timer)
		event_free(t->open_timer);
	unit_release(&t->unit);
	if (returned && !t->shared && !s->spare) {
		lua_settop(t->co, t->kept);
		s->spare = t;
		return;
	}
	luaL_unref(t->vm->L, LUA_REGISTRYINDEX, t->ref);
	free(t);
}
