/*
 * host.spawn: tasks of the sensor's own. A handle outlives its task: it keeps
 * the coroutine with the results, or the error, until somebody joins or the
 * handle is collected.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/spawn.h"
#include "worker/task.h"

enum spawn_state { SPAWN_RUNS, SPAWN_RETURNED, SPAWN_FAILED, SPAWN_CANCELLED };

struct spawn;

/* Somebody who waits for the end of a task. */
struct joiner {
	TAILQ_ENTRY(joiner) entry;
	struct spawn *spawn; /* NULL once it is gone */
	struct task *task;
	bool listed;
};

struct spawn {
	struct owned owned;
	TAILQ_ENTRY(spawn) failed;
	enum spawn_state state;
	struct task *task;  /* while it runs */
	uint64_t parent;    /* the task that started it */
	lua_State *co;      /* holds results or the error value */
	int ref;            /* which anchors it */
	int n;              /* results on co */
	bool unclaimed;     /* on the list of failed ones */
	unsigned joining;   /* waits for its end that have not returned */
	struct buf error, trace;
	struct unit_counts undone;
	TAILQ_HEAD(, joiner) joiners;
};

struct spawns {
	TAILQ_HEAD(, spawn) failed;
};

static const struct bind_class spawn_class;
static const struct wait_type joining;

/* Takes a failed task off the list of those that nobody has joined. */
static void
claim(struct spawn *s, struct vm *v)
{
	if (s->unclaimed)
		TAILQ_REMOVE(&v->spawns->failed, s, failed);
	s->unclaimed = false;
}

/* owned_release_fn: nothing but the record is left. */
static void
spawn_release(struct owned *o)
{
	struct spawn *s = (struct spawn *)o;
	struct joiner *j;
	struct vm *v = vm_of(s->co);

	claim(s, v);
	TAILQ_FOREACH(j, &s->joiners, entry)
		j->spawn = NULL;
	if (s->task)
		task_forget_done(s->task);
	luaL_unref(v->L, LUA_REGISTRYINDEX, s->ref);
	buf_release(&s->error);
	buf_release(&s->trace);
	free(s);
}

/* Wakes those who wait for the end. */
static void
wake_joiners(struct spawn *s)
{
	struct joiner *j;

	while ((j = TAILQ_FIRST(&s->joiners))) {
		TAILQ_REMOVE(&s->joiners, j, entry);
		j->listed = false;
		task_wake(j->task);
	}
}

/* Keeps what a failed task has said, until it is joined. */
static void
keep_error(struct vm *v, struct spawn *s, struct task *t)
{
	buf_put(&s->error, v->error.data, v->error.len);
	buf_put(&s->trace, v->trace.data, v->trace.len);
	s->undone = task_undone(t);
	if (!TAILQ_EMPTY(&s->joiners))
		return;
	s->unclaimed = true;
	TAILQ_INSERT_TAIL(&v->spawns->failed, s, failed);
}

/* owned_release_fn, for `collected` too: frees it when nobody can ask. */
static void
forget(struct owned *o)
{
	struct spawn *s = (struct spawn *)o;

	if (!o->handle && s->state != SPAWN_RUNS && s->joining == 0 &&
	    !s->unclaimed)
		owned_close(o);
}

/* task_done_fn: the end of a spawned task. */
static void
on_done(struct vm *v, struct task *t, enum task_end end, lua_State *L, int n,
    void *arg)
{
	struct spawn *s = arg;

	(void)L;
	s->task = NULL;
	s->n = n;
	s->state = end == TASK_RETURNED ? SPAWN_RETURNED :
	    end == TASK_FAILED ? SPAWN_FAILED : SPAWN_CANCELLED;
	if (end == TASK_FAILED)
		keep_error(v, s, t);
	wake_joiners(s);
	forget(&s->owned);
}

/* spawn(fn, ...) -> task */
static int
spawn_spawn(lua_State *L)
{
	struct vm *v = vm_of(L);
	struct owned **slot;
	struct spawn *s;
	struct task *t;

	bind_function(L, 1, "spawn", "its first argument");
	if (!v->task)
		bind_raise(L, "spawn works in setup, run, poll and what they "
		    "call, not while the sensor's file is loaded");
	slot = bind_slot(L, &spawn_class);
	lua_insert(L, 1);
	t = task_new(L, lua_gettop(L) - 2, "spawn", on_done, NULL);
	s = xcalloc(1, sizeof(*s));
	task_set_arg(t, s);
	TAILQ_INIT(&s->joiners);
	s->task = t;
	s->parent = task_id(v->task);
	s->co = task_thread(t);
	s->ref = task_share_thread(t);
	owner_add(&v->owner, &s->owned, spawn_release);
	s->owned.collected = forget;
	bind_fill(slot, &s->owned);
	return 1;
}

/* wait_start_fn */
static void
join_start(struct task *t, void *arg)
{
	struct joiner *j = arg;

	j->task = t;
	if (!j->spawn || j->spawn->state != SPAWN_RUNS) {
		task_wake(t);
		return;
	}
	j->listed = true;
	TAILQ_INSERT_TAIL(&j->spawn->joiners, j, entry);
}

/* Pushes nil and what the task failed with. */
static int
push_failure(lua_State *L, struct spawn *s)
{
	lua_pushnil(L);
	if (s->n == 1) {
		lua_pushvalue(s->co, -1);
		lua_xmove(s->co, L, 1);
		if (lua_isnil(L, -1))
			lua_pushliteral(L, "nil");
	} else {
		lua_pushlstring(L, (char *)s->error.data, s->error.len);
	}
	return 2;
}

/* Pushes the results of a task; they stay on its coroutine, too. */
static int
push_results(lua_State *L, struct spawn *s)
{
	int i, base = lua_gettop(s->co) - s->n;

	luaL_checkstack(L, s->n, "results of a task");
	for (i = 1; i <= s->n; i++) {
		lua_pushvalue(s->co, base + i);
		lua_xmove(s->co, L, 1);
	}
	return s->n;
}

/* wait_push_fn */
static int
join_push(lua_State *L, void *arg, bool timed_out)
{
	struct joiner *j = arg;
	struct spawn *s = j->spawn;

	if (timed_out)
		return bind_fail(L, "timeout", "join", NULL,
		    "the task has not ended in time");
	if (!s || s->state == SPAWN_CANCELLED)
		return bind_fail(L, "cancelled", "join", NULL,
		    "the task was cancelled");
	claim(s, vm_of(L));
	return s->state == SPAWN_FAILED ? push_failure(L, s)
	    : push_results(L, s);
}

/* wait_release_fn */
static void
join_release(void *arg)
{
	struct joiner *j = arg;

	if (j->listed && j->spawn)
		TAILQ_REMOVE(&j->spawn->joiners, j, entry);
	if (j->spawn) {
		j->spawn->joining--;
		forget(&j->spawn->owned);
	}
	free(j);
}

static const struct wait_type joining = {
	"task:join", join_start, join_push, join_release,
};

/* task:join([timeout]) [w] -> results | nil, err */
static int
spawn_join(lua_State *L)
{
	struct spawn *s = (struct spawn *)bind_self(L, &spawn_class, "join");
	double seconds = 0;
	struct joiner *j;

	if (!lua_isnoneornil(L, 2) && lua_type(L, 2) != LUA_TBOOLEAN)
		seconds = bind_seconds(L, 2, "task:join", "timeout");
	if (s->task && s->task == vm_of(L)->task)
		bind_raise(L, "task:join(): a task cannot join itself");
	j = xcalloc(1, sizeof(*j));
	j->spawn = s;
	s->joining++;
	claim(s, vm_of(L));
	return task_wait_for(L, &joining, j, seconds);
}

/* task:cancel(): it is dropped at its wait; its unfinished unit is undone. */
static int
spawn_cancel(lua_State *L)
{
	struct spawn *s = (struct spawn *)bind_self(L, &spawn_class,
	    "cancel");

	if (s->task && s->task == vm_of(L)->task)
		bind_raise(L, "task:cancel(): a task cannot cancel itself: "
		    "return from its function");
	claim(s, vm_of(L));
	if (s->task)
		task_drop(s->task);
	return 0;
}

static const luaL_Reg spawn_methods[] = {
	{"join", spawn_join},
	{"cancel", spawn_cancel},
	{NULL, NULL},
};

static const struct bind_class spawn_class = {"task", spawn_methods};

void
spawns_open(struct vm *v)
{
	v->spawns = xcalloc(1, sizeof(*v->spawns));
	TAILQ_INIT(&v->spawns->failed);
}

bool
spawns_unclaimed(struct vm *v, struct unit_counts *undone)
{
	struct spawn *s;
	struct task *parent;

	TAILQ_FOREACH(s, &v->spawns->failed, failed) {
		parent = task_find(v, s->parent);
		if (parent && (!task_waits_in(parent) ||
		    task_waits_in(parent) == &joining))
			continue;
		buf_reset(&v->error, 4096);
		buf_put(&v->error, s->error.data, s->error.len);
		buf_reset(&v->trace, 4096);
		buf_put(&v->trace, s->trace.data, s->trace.len);
		*undone = s->undone;
		claim(s, v);
		forget(&s->owned);
		return true;
	}
	return false;
}

int
bind_spawn_open(lua_State *L)
{
	lua_pushcfunction(L, spawn_spawn);
	return 1;
}
