/*
 * Waits: how a running coroutine parks, where it may not, and how its unit
 * leaves, whole or in parts. Called by the bindings, within Lua. It must begin
 * no wait itself: that is done when the coroutine is parked, by task.c.
 */
#include <event2/event.h>
#include <lauxlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "wire/page.h"
#include "worker/bind/bind.h"
#include "worker/facts.h"
#include "worker/link.h"
#include "worker/task_private.h"

const char task_tag;

/* Kept in the registry: from functions that no wait can leave to words. */
static const char key_barriers;

void
task_add_barrier(lua_State *L)
{
	vm_kept(L, &key_barriers);
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		vm_keep(L, &key_barriers);
	}
	lua_insert(L, -3);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

/* What L is inside of, in words; NULL if nothing known. */
static const char *
find_barrier(lua_State *L)
{
	const char *words = NULL;
	lua_Debug ar;
	int level;

	vm_kept(L, &key_barriers);
	for (level = 0; !words && lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "f", &ar);
		lua_rawget(L, -2);
		words = lua_tostring(L, -1); /* the table keeps it */
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return words;
}

/* Raises the error of a wait where none is possible. */
static void
refuse(lua_State *L, const char *call)
{
	const char *barrier = find_barrier(L);
	const char *remedy;
	char place[TASK_PLACE];

	if (!barrier && !vm_of(L)->task)
		barrier = "the sensor's file itself: wait in setup, run or "
		    "poll";
	else if (!barrier)
		barrier = "a function that C code calls: wait outside of it";
	remedy = strchr(barrier, ':');
	vm_place(L, place, sizeof(place));
	lua_pushfstring(L, "%s: cannot wait inside ", place);
	lua_pushlstring(L, barrier, (size_t)(remedy - barrier));
	lua_pushfstring(L, " (%s at %s)%s", call, place, remedy);
	lua_concat(L, 3);
	lua_error(L);
}

/* Where the sensor waits: for core's watchdog, `run -v` and messages. */
static void
note_place(struct task *t, lua_State *L)
{
	vm_place(L, t->place, sizeof(t->place));
	if (t->vm->page)
		strncpy(t->vm->page->place, t->place, PAGE_PLACE - 1);
}

void
task_send_unit(struct task *t, const char *by)
{
	struct vm *v = t->vm;
	struct unit *u = &t->unit;
	struct unit_counts n;
	char counts[80];

	u->open = false;
	if (unit_empty(u) && !(u->flags & MSG_UNIT_SETUP))
		return;
	if (v->tasks->withheld && !(u->flags & MSG_UNIT_SETUP))
		return;
	unit_seal(u);
	n = u->n;
	link_commit(v->link, &u->body);
	unit_reset(u);
	v->tasks->units++;
	if (n.dispatches > 0 && n.values == 0 && !t->ending &&
	    strcmp(by, "commit") != 0 && strcmp(t->entry, "poll") == 0)
		strcpy(t->split, t->place);
	if (v->log_level == LOG_DEBUG)
		vm_log(v, LOG_DEBUG, "unit %llu: %s, ended by %s%s%s",
		    (unsigned long long)v->tasks->units,
		    unit_describe(&n, counts),
		    t->ending ? "the end of " : by,
		    t->ending ? t->entry : " at ",
		    t->ending ? "" : t->place);
}

void
task_send_ahead(struct task *t)
{
	if (t->vm->tasks->withheld || !unit_may_leave(&t->unit))
		return;
	link_part(t->vm->link, &t->unit.body);
	unit_sent_ahead(&t->unit);
}

void
task_undo_unit(struct task *t)
{
	if (t->unit.ahead > 0)
		link_undo_parts(t->vm->link);
	unit_reset(&t->unit);
}

void
task_rewind_unit(struct task *t, struct unit_point p)
{
	bool ahead = t->unit.ahead > 0;

	unit_rewind(&t->unit, p);
	if (ahead && t->unit.ahead == 0)
		link_undo_parts(t->vm->link);
}

int
task_wait_for(lua_State *L, const struct wait_type *type, void *arg,
    double seconds)
{
	struct vm *v = vm_of(L);
	struct task *t = v->task;

	if (!t || !lua_isyieldable(L)) {
		if (type->release)
			type->release(arg);
		refuse(L, type->call);
	}
	must(!t->type);
	note_place(t, L);
	t->type = type;
	t->arg = arg;
	t->timed_out = false;
	t->parked_us = clock_mono_us();
	t->seconds = seconds;
	if (seconds > 0 && !t->timer)
		t->timer = link_timer(v, task_timeout_cb, t);
	if (!t->unit.open)
		task_send_unit(t, type->call);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&task_tag);
	return lua_yield(L, 1);
}

int
task_wait(lua_State *L, const struct wait_type *type, void *arg)
{
	return task_wait_for(L, type, arg, 0);
}

/* Remembers the longest wait of the task. */
static void
note_wait(struct task *t)
{
	int64_t us = clock_mono_us() - t->parked_us;

	if (us <= t->longest.us)
		return;
	t->longest.us = us;
	t->longest.call = t->type->call;
	memcpy(t->longest.place, t->place, TASK_PLACE);
}

const struct task_wait_note *
task_longest_wait(const struct task *t)
{
	return &t->longest;
}

void
task_release_wait(struct task *t)
{
	const struct wait_type *type = t->type;

	if (type)
		note_wait(t);
	t->type = NULL;
	if (t->timer)
		event_del(t->timer);
	if (type && type->release)
		type->release(t->arg);
}

void
task_wake(struct task *t)
{
	/* Its time was over in the same pass of the loop. */
	if (t->timed_out && t->state == TASK_READY)
		return;
	must(t->state == TASK_WAITING);
	t->state = TASK_READY;
	if (t->timer)
		event_del(t->timer);
	TAILQ_INSERT_TAIL(&t->vm->tasks->ready, t, queue);
}

void
task_timeout_cb(evutil_socket_t fd, short events, void *arg)
{
	struct task *t = arg;

	(void)fd;
	(void)events;
	t->timed_out = true;
	task_wake(t);
}

/*
 * lua_CFunction can_wait(): whether a wait passed up from an inner coroutine
 * can pass this one too. Where not, drops the wait and raises.
 */
int
task_lua_pass(lua_State *L)
{
	struct task *t = vm_of(L)->task;
	const char *call;

	if (lua_isyieldable(L))
		return 0;
	must(t && t->type);
	call = t->type->call;
	task_release_wait(t);
	refuse(L, call);
	return 0;
}

struct unit *
task_unit(lua_State *L)
{
	struct task *t = vm_of(L)->task;

	if (!t)
		bind_raise(L, "this works in setup, run, poll and what they "
		    "call, not while the sensor's file is loaded");
	return &t->unit;
}

const char *
task_entry(const struct task *t)
{
	return t->entry;
}

struct vm *
task_vm(const struct task *t)
{
	return t->vm;
}

lua_State *
task_thread(const struct task *t)
{
	return t->co;
}

int
task_share_thread(struct task *t)
{
	lua_State *L = t->vm->L;

	t->shared = true;
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

uint64_t
task_id(const struct task *t)
{
	return t->id;
}

struct task *
task_find(struct vm *v, uint64_t id)
{
	struct task *t;

	TAILQ_FOREACH(t, &v->tasks->all, all)
		if (t->id == id)
			return t;
	return NULL;
}

const struct wait_type *
task_waits_in(const struct task *t)
{
	return t->type;
}

const char *
task_split_place(const struct task *t)
{
	return t->split;
}

const char *
task_place(const struct task *t)
{
	return t->place;
}

struct unit_counts
task_undone(const struct task *t)
{
	return t->undone;
}

void
task_set_unit_flags(struct task *t, uint8_t flags)
{
	t->unit.flags = flags;
}

/* event_callback_fn: a transaction has been open for long. */
static void
open_timeout_cb(evutil_socket_t fd, short events, void *arg)
{
	const struct task *t = arg;

	(void)fd;
	(void)events;
	vm_log(t->vm, LOG_WARNING, "the transaction at %s has been open for "
	    "%g s, now in %s at %s: what it dispatches is not on disk before "
	    "its end, and an error or a stop undoes it; it is no lock",
	    t->opened, t->vm->facts->long_transaction,
	    t->type ? t->type->call : "a wait", t->place);
}

void
task_watch_open(lua_State *L)
{
	struct task *t = vm_of(L)->task;

	vm_place(L, t->opened, sizeof(t->opened));
	if (!t->open_timer)
		t->open_timer = link_timer(t->vm, open_timeout_cb, t);
	link_arm(t->vm, t->open_timer, t->vm->facts->long_transaction);
}

void
task_unwatch_open(struct task *t)
{
	if (t->open_timer)
		event_del(t->open_timer);
}

void
task_set_long(struct task *t)
{
	t->brief = t->heirs = false;
}

void
task_set_brief(struct task *t, bool heirs)
{
	t->brief = true;
	t->heirs = heirs;
}
