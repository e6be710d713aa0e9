/*
 * A sensor's life, second half: quiet, and the end. However it ends, the
 * tasks are dropped at their waits, cleanup runs, all units are on disk, and
 * then one STATE says how it was. Called by sensor.c and worker.c.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/link.h"
#include "worker/sensor_private.h"
#include "worker/spawn.h"

#define CLEANUP_TIME 10.0 /* seconds, where core has not said */
/* Of an error or a traceback in a report, quoted: three fit into a STATE. */
#define TEXT_MAX (MSG_STATE_MAX / 4)

static const struct {
	enum msg_state state;
	const char *reason; /* for cleanup; NULL: core's */
} ends[] = {
	[END_FINISHED] = {MSG_STATE_FINISHED, "finished"},
	[END_REJECTED] = {MSG_STATE_REJECTED, "rejected"},
	[END_FAILED] = {MSG_STATE_FAILED, "failed"},
	[END_RETURNED] = {MSG_STATE_RETURNED, "returned"},
	[END_ONCE] = {MSG_STATE_ONCE, "once"},
	[END_STOPPED] = {MSG_STATE_STOPPED, NULL},
};

/* A JSON string of text that may be anything; cut, and secrets masked. */
static json_t *
json_text(const struct sensor *s, const struct buf *from)
{
	struct buf text = {0}, quoted = {0};
	json_t *o;

	buf_put(&text, from->data, from->len);
	link_mask(s->vm->link, &text);
	js_put_string_lossy(&quoted, (char *)text.data, text.len);
	while (quoted.len > TEXT_MAX) {
		text.len = (size_t)((double)text.len * TEXT_MAX /
		    (double)quoted.len * 0.9);
		buf_puts(&text, " ...");
		quoted.len = 0;
		js_put_string_lossy(&quoted, (char *)text.data, text.len);
	}
	o = json_loadb((char *)quoted.data, quoted.len,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	buf_release(&text);
	buf_release(&quoted);
	return o ? o : json_string("?");
}

json_t *
sensor_words(const struct sensor *s, const char *words)
{
	struct buf text = {0};
	json_t *o;

	if (!words)
		return json_null();
	buf_puts(&text, words);
	o = json_text(s, &text);
	buf_release(&text);
	return o;
}

void
sensor_set_end(struct sensor *s, enum sensor_end end, json_t *report)
{
	if (s->end != END_NONE) {
		json_decref(report);
		return;
	}
	s->end = end;
	s->report = report ? report : json_object();
}

void
sensor_decide(struct sensor *s, enum sensor_end end, const char *why)
{
	char *text;

	if (s->end != END_NONE)
		return;
	sensor_set_end(s, end, json_pack("{s:o}", "why",
	    sensor_words(s, why)));
	if (end != END_REJECTED || s->phase != SENSOR_STARTING)
		return;
	/* Ahead of setup's unit, which core may hold back for a handover. */
	text = json_dumps(s->report, JSON_COMPACT);
	link_state(s->vm->link, MSG_STATE_REJECTS, text ? text : "{}");
	free(text);
}

void
sensor_failed(struct sensor *s, const char *entry,
    const struct unit_counts *undone)
{
	struct vm *v = s->vm;

	if (s->end != END_NONE) {
		vm_log(v, LOG_WARNING, "%s failed while the sensor was "
		    "ending: %s", entry, buf_cstr(&v->error));
		return;
	}
	sensor_set_end(s, END_FAILED, json_pack("{s:s s:o s:o s:{s:i s:i}}",
	    "entry", entry, "error", json_text(s, &v->error), "traceback",
	    json_text(s, &v->trace), "undone", "dispatches",
	    (int)undone->dispatches, "values", (int)undone->values));
}

/* Sends the last STATE, once all units are on disk. */
static void
finish_report(struct sensor *s)
{
	struct link *l = s->vm->link;
	char *text;

	if (l->acked < l->sent)
		return;
	text = json_dumps(s->report, JSON_COMPACT);
	link_state(l, ends[s->end].state, text ? text : "{}");
	free(text);
	s->phase = SENSOR_OVER;
}

/* task_done_fn: cleanup has ended. */
static void
cleanup_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct sensor *s = arg;

	(void)t;
	(void)L;
	(void)n;
	event_del(s->timer);
	s->entry_task = 0;
	if (end == TASK_FAILED) {
		buf_putc(&v->error, '\n');
		buf_put(&v->error, v->trace.data, v->trace.len);
		json_object_set_new(s->report, "cleanup_error",
		    json_text(s, &v->error));
	}
}

/* event_callback_fn: cleanup takes too long. */
static void
cleanup_timeout_cb(evutil_socket_t fd, short events, void *arg)
{
	struct sensor *s = arg;
	struct task *t = task_find(s->vm, s->entry_task);

	(void)fd;
	(void)events;
	if (t)
		task_fail(t, "%s: cleanup has not ended within %g s",
		    task_place(t), s->cleanup_time);
	sensor_after_step(s->vm);
}

/* entry_push_fn: the reason. */
static int
push_reason(lua_State *L, struct sensor *s, void *arg)
{
	(void)arg;
	lua_pushstring(L, ends[s->end].reason ? ends[s->end].reason : s->why);
	return 1;
}

/* Replaces the timer of the phase before. */
static void
set_timer(struct sensor *s, event_callback_fn cb, double seconds)
{
	if (s->timer)
		event_free(s->timer);
	s->timer = link_timer(s->vm, cb, s);
	link_arm(s->vm, s->timer, seconds);
}

/* Drops what is left and runs cleanup. */
static void
start_cleanup(struct sensor *s)
{
	struct task *t;

	if (tasks_setup_sent(s->vm) && s->end != END_STOPPED) {
		/* What setup did counts, as soon as core says so. */
		tasks_set_mode(s->vm, TASKS_HALT);
		return;
	}
	s->phase = SENSOR_CLEANUP;
	s->entry_task = 0;
	tasks_drop_all(s->vm);
	tasks_release(s->vm);
	tasks_set_mode(s->vm, TASKS_GO);
	if (s->cleanup_time <= 0)
		s->cleanup_time = CLEANUP_TIME;
	set_timer(s, cleanup_timeout_cb, s->cleanup_time);
	t = sensor_enter(s, "cleanup", push_reason, NULL, cleanup_done);
	if (!t)
		return;
	task_set_unit_flags(t, MSG_UNIT_LAST);
	s->entry_task = task_id(t);
}

/* event_callback_fn: polls and handlers had their time. */
static void
grace_cb(evutil_socket_t fd, short events, void *arg)
{
	struct sensor *s = arg;

	(void)fd;
	(void)events;
	if (s->phase == SENSOR_ENDING)
		start_cleanup(s);
	else if (s->quiet)
		tasks_set_mode(s->vm, TASKS_HALT);
	sensor_after_step(s->vm);
}

/* The end is decided: nothing new begins. */
static void
begin_end(struct sensor *s)
{
	bool started = s->phase >= SENSOR_STARTING;

	s->phase = SENSOR_ENDING;
	sensor_poll_pause(s);
	sensor_drop_changes(s);
	if (!started) {
		s->phase = SENSOR_CLEANUP; /* there is nothing to clean */
		return;
	}
	if (s->end != END_STOPPED)
		start_cleanup(s);
}

/* Answers QUIET when nothing runs and all is on disk. */
static void
check_quiet(struct sensor *s)
{
	struct link *l = s->vm->link;
	struct buf body = {0};

	if (!s->quiet_id || l->acked < l->sent)
		return;
	if (s->vm->tasks && tasks_mode(s->vm) == TASKS_BRIEF &&
	    tasks_any_brief(s->vm))
		return;
	msg_put_ok(&body);
	link_reply(l, s->quiet_id, &body);
	buf_release(&body);
	s->quiet_id = 0;
}

void
sensor_after_step(struct vm *v)
{
	struct sensor *s = v->sensor;
	struct unit_counts undone;

	if (s->phase < SENSOR_ENDING && v->spawns &&
	    spawns_unclaimed(v, &undone))
		sensor_failed(s, "spawn", &undone);
	if (s->end != END_NONE && s->phase < SENSOR_ENDING)
		begin_end(s);
	if (s->phase == SENSOR_ENDING && !tasks_any_brief(v))
		start_cleanup(s);
	if (s->phase == SENSOR_CLEANUP && !s->entry_task)
		finish_report(s);
	check_quiet(s);
}

void
sensor_quiet(struct sensor *s, uint32_t id, double seconds)
{
	s->quiet = true;
	s->quiet_id = id;
	if (s->phase == SENSOR_STARTING || s->phase == SENSOR_RUNNING) {
		sensor_poll_pause(s);
		tasks_set_mode(s->vm, TASKS_BRIEF);
		set_timer(s, grace_cb, seconds);
	}
	sensor_after_step(s->vm);
}

void
sensor_resume(struct sensor *s)
{
	if (!s->quiet)
		return;
	s->quiet = false;
	s->quiet_id = 0;
	if (s->phase != SENSOR_STARTING && s->phase != SENSOR_RUNNING)
		return;
	if (s->timer)
		event_del(s->timer);
	tasks_set_mode(s->vm, TASKS_GO);
	sensor_poll_resume(s);
	sensor_next_callback(s);
	sensor_after_step(s->vm);
}

void
sensor_stop(struct sensor *s, const char *reason, double grace,
    double cleanup)
{
	if (s->end != END_NONE) {
		s->asked_to_stop = true;
		return;
	}
	s->why = xstrdup(reason);
	s->cleanup_time = cleanup;
	s->end = END_STOPPED;
	s->report = json_object();
	begin_end(s);
	if (s->phase == SENSOR_ENDING) {
		tasks_drop_long(s->vm);
		tasks_set_mode(s->vm, TASKS_BRIEF);
		set_timer(s, grace_cb, grace);
	}
	sensor_after_step(s->vm);
}
