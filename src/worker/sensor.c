/*
 * A sensor's life, first half: it is loaded, made, set up, told its triggers,
 * and set to work. Called by worker.c with core's messages; every entry into
 * Lua is a task whose end calls back here. It must never decide about a next
 * start: it reports, and core decides.
 */
#include "worker/sensor.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_log.h"
#include "worker/boot.h"
#include "worker/link.h"
#include "worker/sensor_private.h"
#include "worker/service.h"
#include "worker/spawn.h"

void
sensor_open(struct vm *v)
{
	struct sensor *s = xcalloc(1, sizeof(*s));

	s->vm = v;
	v->sensor = s;
	v->facts = &s->facts;
	STAILQ_INIT(&s->changes);
}

/* What sensor_enter hands to the protected part. */
struct entering {
	struct sensor *s;
	const char *entry;
	entry_push_fn *push;
	void *arg;
	task_done_fn *done;
	struct task *task;
};

/* vm_fn: makes the task. */
static int
enter(lua_State *L, void *arg)
{
	struct entering *e = arg;
	int n;

	boot_entry(L, e->entry);
	n = e->push ? e->push(L, e->s, e->arg) : 0;
	e->task = task_new(L, n, e->entry, e->done, e->s);
	return 0;
}

struct task *
sensor_enter(struct sensor *s, const char *entry, entry_push_fn *push,
    void *arg, task_done_fn *done)
{
	struct entering e = {s, entry, push, arg, done, NULL};
	const struct unit_counts none = {0};

	if (vm_protect(s->vm, enter, &e, 0) == 0)
		return e.task;
	vm_error_text(s->vm, s->vm->L);
	lua_settop(s->vm->L, 0);
	sensor_failed(s, entry, &none);
	return NULL;
}

/* Reports a failed entry; false if the task did not fail. */
static bool
check_failed(struct sensor *s, struct task *t, enum task_end end)
{
	struct unit_counts undone;

	if (end == TASK_RETURNED)
		return false;
	if (end == TASK_FAILED) {
		undone = task_undone(t);
		sensor_failed(s, task_entry(t), &undone);
	}
	return true;
}

/* task_done_fn: run came back. */
static void
run_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct sensor *s = arg;
	double after = (double)(clock_mono_us() - s->began_us) / 1e6;

	(void)v;
	(void)L;
	(void)n;
	if (check_failed(s, t, end))
		return;
	if (s->facts.once)
		sensor_set_end(s, END_ONCE, json_pack("{s:b}", "failed", 0));
	else
		sensor_set_end(s, END_RETURNED,
		    json_pack("{s:f}", "after", after));
}

void
sensor_begin_work(struct sensor *s)
{
	s->phase = SENSOR_RUNNING;
	if (s->at_work)
		s->at_work();
	if (s->polls) {
		sensor_poll_begin(s);
		return;
	}
	s->began_us = clock_mono_us();
	sensor_enter(s, "run", NULL, NULL, run_done);
}

/* Says that the sensor runs, and when it polls. */
static void
report_running(struct sensor *s)
{
	char text[96] = "{}";

	if (s->polls)
		snprintf(text, sizeof(text), "{\"next\":%.6f,\"every\":%.9g}",
		    (double)clock_unix_us() / 1e6 + sensor_first_delay(s),
		    s->interval);
	link_state(s->vm->link, MSG_STATE_RUNNING, text);
}

/* task_done_fn: setup is done and on disk. */
static void
setup_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct sensor *s = arg;
	size_t i;

	(void)L;
	(void)n;
	event_del(s->timer);
	if (end == TASK_RETURNED)
		tasks_release(v);
	if (check_failed(s, t, end) || s->end != END_NONE)
		return;
	report_running(s);
	s->told = true;
	for (i = 0; i < s->facts.ntriggers; i++)
		if (!s->facts.triggers[i]->type->foreign)
			sensor_queue_change(s, "add_trigger",
			    s->facts.triggers[i]->about);
	sensor_next_callback(s);
}

/* event_callback_fn: setup takes too long. */
static void
setup_timeout_cb(evutil_socket_t fd, short events, void *arg)
{
	struct sensor *s = arg;
	struct task *t = task_find(s->vm, s->entry_task);
	const struct wait_type *w = t ? task_waits_in(t) : NULL;
	const struct task *held = tasks_any_withheld(s->vm);

	(void)fd;
	(void)events;
	if (t && w)
		task_fail(t, "%s: setup has not ended within setup_timeout "
		    "(%g s); it waits in %s%s%s%s", task_place(t),
		    s->facts.setup_timeout, w->call, held ? ", while a task "
		    "that it started, and that has dispatched or stored, "
		    "waits at " : "", held ? task_place(held) : "",
		    held ? " for the end of setup" : "");
	sensor_after_step(s->vm);
}

/* task_done_fn: the instance is made. */
static void
init_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct sensor *s = arg;
	struct task *setup;

	(void)L;
	(void)n;
	if (check_failed(s, t, end) || s->end != END_NONE)
		return;
	setup = sensor_enter(s, "setup", NULL, NULL, setup_done);
	if (!setup)
		return;
	task_open_setup(setup, t);
	t = setup;
	s->entry_task = task_id(t);
	s->timer = link_timer(v, setup_timeout_cb, s);
	if (s->facts.setup_timeout > 0)
		link_arm(v, s->timer, s->facts.setup_timeout);
}

/* entry_push_fn: what init makes the instance of. */
static int
push_service(lua_State *L, struct sensor *s, void *arg)
{
	(void)s;
	(void)arg;
	service_push(L);
	bind_log_push(L, "");
	return 2;
}

void
sensor_start(struct sensor *s)
{
	struct task *t;

	if (s->phase != SENSOR_LOADED || s->end != END_NONE)
		return;
	s->phase = SENSOR_STARTING;
	t = sensor_enter(s, "init", push_service, NULL, init_done);
	if (t)
		task_open_init(t);
	sensor_after_step(s->vm);
}
