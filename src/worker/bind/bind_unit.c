/*
 * sensor_service: units of work as the sensor sees them: commit, and what
 * transaction and attempt (lua/sensorhost/service.lua, since they call the
 * sensor's functions and must let waits pass) are made of.
 */
#include <lauxlib.h>
#include <string.h>

#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/link.h"
#include "worker/sensor.h"
#include "worker/service.h"
#include "worker/task.h"

/* wait_start_fn: a commit waits for nothing but the disk. */
static void
commit_start(struct task *t, void *arg)
{
	(void)arg;
	task_wake(t);
}

/* wait_push_fn: a commit returns true. */
static int
commit_push(lua_State *L, void *arg, bool timed_out)
{
	(void)arg;
	(void)timed_out;
	lua_pushboolean(L, 1);
	return 1;
}

static const struct wait_type committing = {
	"commit", commit_start, commit_push, NULL,
};

/* wait_type: what a transaction begins and ends with; no results. */
static const struct wait_type transacting = {
	"transaction", commit_start, NULL, NULL,
};

/* Raises inside of a transaction. */
static void
check_closed(lua_State *L, const struct unit *u, const char *call)
{
	if (!u->open)
		return;
	if (task_is_opening(vm_of(L)->task))
		bind_raise(L, "%s inside %s: %s as a whole is one "
		    "transaction", call, task_entry(vm_of(L)->task),
		    task_entry(vm_of(L)->task));
	bind_raise(L, "%s inside a transaction: it is one unit of work, and "
	    "ends with its function", call);
}

/* service:commit() [w] -> true */
static int
service_commit(lua_State *L)
{
	struct unit *u = task_unit(L);
	const struct link *l = vm_of(L)->link;

	service_self(L, "commit");
	check_closed(L, u, "commit()");
	if (unit_empty(u) && l->acked == l->sent) {
		lua_pushboolean(L, 1);
		return 1;
	}
	return task_wait(L, &committing, NULL);
}

/* begin(service, fn) [w]: commits what was before a transaction. */
static int
unit_begin(lua_State *L)
{
	struct unit *u = task_unit(L);

	service_self(L, "transaction");
	bind_function(L, 2, "transaction", "its argument");
	check_closed(L, u, "transaction()");
	return task_wait(L, &transacting, NULL);
}

/* open(): from here on waits do not end the unit. */
static int
unit_open(lua_State *L)
{
	task_unit(L)->open = true;
	task_watch_open(L);
	return 0;
}

/* close() [w]: the transaction ends and is committed. */
static int
unit_close(lua_State *L)
{
	task_unit(L)->open = false;
	task_unwatch_open(vm_of(L)->task);
	return task_wait(L, &transacting, NULL);
}

/* abort(): the transaction is undone. */
static int
unit_abort(lua_State *L)
{
	task_unit(L)->open = false;
	task_unwatch_open(vm_of(L)->task);
	task_undo_unit(vm_of(L)->task);
	return 0;
}

/* undo(): what the unit holds is undone; for a failed poll. */
static int
unit_undo(lua_State *L)
{
	task_unit(L);
	task_undo_unit(vm_of(L)->task);
	return 0;
}

/* mark(service, fn) -> point: for attempt. */
static int
unit_lua_mark(lua_State *L)
{
	struct unit *u = task_unit(L);
	struct unit_point *p;

	service_self(L, "attempt");
	bind_function(L, 2, "attempt", "its argument");
	p = lua_newuserdata(L, sizeof(*p));
	*p = unit_mark(u);
	return 1;
}

/* leave(point, keep): the end of an attempt. */
static int
unit_lua_leave(lua_State *L)
{
	const struct unit_point *p = lua_touserdata(L, 1);

	if (lua_toboolean(L, 2))
		unit_accept(task_unit(L), *p);
	else
		task_rewind_unit(vm_of(L)->task, *p);
	return 0;
}

/* trace(err) -> err: a handler for xpcall that keeps the traceback. */
static int
unit_trace(lua_State *L)
{
	struct vm *v = vm_of(L);

	lua_settop(L, 1);
	if (v->inner_of && v->inner_of == lua_topointer(L, 1))
		return 1; /* passed on before: the first is the inner one */
	buf_reset(&v->inner, 4096);
	vm_traceback(L, &v->inner);
	v->inner_of = lua_topointer(L, 1);
	return 1;
}

/* trace_of(co, err): keeps the traceback of a coroutine that has failed. */
static int
unit_trace_of(lua_State *L)
{
	struct vm *v = vm_of(L);
	lua_State *co = lua_tothread(L, 1);

	if (!co || (v->inner_of && v->inner_of == lua_topointer(L, 2)))
		return 0;
	buf_reset(&v->inner, 4096);
	vm_traceback(co, &v->inner);
	buf_putc(&v->inner, '\n');
	vm_traceback(L, &v->inner);
	v->inner_of = lua_topointer(L, 2);
	return 0;
}

void
service_warn_split(lua_State *L, const char *before, const char *name,
    const char *after)
{
	struct vm *v = vm_of(L);
	const char *split = task_split_place(v->task);
	char place[TASK_PLACE];

	if (v->sensor->warned_split || !*split)
		return;
	v->sensor->warned_split = true;
	vm_place(L, place, sizeof(place));
	vm_log(v, LOG_WARNING, "%s%s%s at %s is not in one unit with the "
	    "dispatches that the wait at %s has committed: a kill between "
	    "them repeats those. Gather first, then dispatch and store; or "
	    "use transaction()", before, name, after, place, split);
}

int
bind_unit_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"commit", service_commit},
		{NULL, NULL},
	};
	static const luaL_Reg functions[] = {
		{"begin", unit_begin},
		{"open", unit_open},
		{"close", unit_close},
		{"abort", unit_abort},
		{"undo", unit_undo},
		{"mark", unit_lua_mark},
		{"leave", unit_lua_leave},
		{"trace", unit_trace},
		{"trace_of", unit_trace_of},
		{NULL, NULL},
	};

	service_methods(L);
	luaL_register(L, NULL, methods);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	service_methods(L);
	lua_setfield(L, -2, "methods");
	return 1;
}
