/*
 * Triggers as the sensor is told of them: add_trigger and its like, one after
 * the other in the order of their coming. Called by sensor.c at the start and
 * by worker.c for TRIGGER. An error in a callback is logged, and the sensor
 * goes on.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/sensor_private.h"

struct trigger_change {
	STAILQ_ENTRY(trigger_change) entry;
	const char *method;
	json_t *about;
};

/* entry_push_fn: method and trigger. */
static int
push_change(lua_State *L, struct sensor *s, void *arg)
{
	const struct trigger_change *c = arg;

	(void)s;
	lua_pushstring(L, c->method);
	sensor_push_json(L, c->about, false);
	return 2;
}

/* task_done_fn: a callback has ended; an error in it is only logged. */
static void
callback_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct sensor *s = arg;
	struct unit_counts undone;
	char counts[80];

	(void)L;
	(void)n;
	s->callback = 0;
	if (end == TASK_FAILED) {
		undone = task_undone(t);
		vm_log(v, LOG_ERROR, "%s failed, unit undone (%s); the "
		    "sensor goes on: %s\n%s", s->method,
		    unit_describe(&undone, counts), buf_cstr(&v->error),
		    buf_cstr(&v->trace));
	}
	sensor_next_callback(s);
}

void
sensor_next_callback(struct sensor *s)
{
	struct trigger_change *c;
	struct task *t;

	if (s->callback || s->quiet || s->end != END_NONE ||
	    s->phase < SENSOR_STARTING)
		return;
	c = STAILQ_FIRST(&s->changes);
	if (!c) {
		if (s->phase == SENSOR_STARTING)
			sensor_begin_work(s);
		return;
	}
	STAILQ_REMOVE_HEAD(&s->changes, entry);
	t = sensor_enter(s, "trigger", push_change, c, callback_done);
	if (t) {
		task_set_brief(t, false);
		s->callback = task_id(t);
		s->method = c->method;
	}
	json_decref(c->about);
	free(c);
}

void
sensor_drop_changes(struct sensor *s)
{
	struct trigger_change *c;

	while ((c = STAILQ_FIRST(&s->changes))) {
		STAILQ_REMOVE_HEAD(&s->changes, entry);
		json_decref(c->about);
		free(c);
	}
}

void
sensor_queue_change(struct sensor *s, const char *method, const json_t *about)
{
	struct trigger_change *c = xcalloc(1, sizeof(*c));

	c->method = method;
	c->about = json_copy((json_t *)(uintptr_t)about);
	json_object_del(c->about, "number");
	json_object_del(c->about, "payload_schema");
	json_object_del(c->about, "place");
	STAILQ_INSERT_TAIL(&s->changes, c, entry);
}

/* What TRIGGER hands to the protected part. */
struct changing {
	struct sensor *s;
	unsigned change;
	json_t *about;
	bool known;
};

/* vm_fn: brings the table of triggers up to date. */
static int
change(lua_State *L, void *arg)
{
	struct changing *c = arg;
	struct err e;

	c->known = facts_has(&c->s->facts, c->about);
	if (c->change == MSG_TRIGGER_REMOVE)
		facts_remove(&c->s->facts, c->s->vm, c->about);
	else if (facts_add(&c->s->facts, c->s->vm, c->about, &e) != 0)
		luaL_error(L, "%s", e.text);
	return 0;
}

void
sensor_trigger(struct sensor *s, unsigned kind, const char *text)
{
	static const char *const methods[] = {
		[MSG_TRIGGER_ADD] = "add_trigger",
		[MSG_TRIGGER_UPDATE] = "update_trigger",
		[MSG_TRIGGER_REMOVE] = "remove_trigger",
	};
	struct changing c = {s, kind, json_loads(text, 0, NULL), false};

	if (s->phase < SENSOR_LOADED || kind > MSG_TRIGGER_REMOVE ||
	    !c.about) {
		json_decref(c.about);
		return;
	}
	if (vm_protect(s->vm, change, &c, 0) != 0) {
		vm_error_text(s->vm, s->vm->L);
		lua_settop(s->vm->L, 0);
		vm_log(s->vm, LOG_ERROR, "a trigger could not be taken: %s",
		    buf_cstr(&s->vm->error));
	} else if (s->told && (kind != MSG_TRIGGER_REMOVE || c.known)) {
		sensor_queue_change(s, methods[kind], c.about);
		sensor_next_callback(s);
	}
	json_decref(c.about);
	sensor_after_step(s->vm);
}
