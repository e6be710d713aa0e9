/*
 * Polls: at a fixed rate on the monotonic clock, counted from the scheduled
 * time, never two at once. Owns the tick. Called by sensor.c. A poll that
 * returned nil and an error is a failed one, and the sensor goes on.
 */
#include <event2/event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/units.h"
#include "worker/bind/bind.h"
#include "worker/link.h"
#include "worker/sensor_private.h"

/* A streak is said again after facts.reminder, then twice that ..., in s. */
#define GAPS_MAX 60 /* times facts.reminder, at most */

/*
 * Polls that come once a second or less often begin at a multiple of 20 ms:
 * the workers of a host wake in groups, and the processor less often.
 */
#define TOGETHER_US 20000
#define TOGETHER_FROM 1.0 /* seconds */

/* When a streak began, UTC: "12:01", or with its day if it is not of today. */
static const char *
since(int64_t unix_us, char text[CLOCK_TEXT])
{
	clock_rfc3339(unix_us, text);
	text[10] = ' ';
	text[16] = '\0';
	return clock_unix_us() - unix_us < (int64_t)86400e6 ? text + 11 : text;
}

/* The next poll is to come. */
static void
arm(struct sensor *s)
{
	s->armed = !s->quiet && s->end == END_NONE && !s->polling;
}

int64_t
sensor_poll_delay(const struct sensor *s)
{
	int64_t now;

	if (!s->armed)
		return -1;
	now = clock_mono_us();
	return s->due_us > now ? s->due_us - now : 0;
}

int64_t
sensor_poll_due(const struct sensor *s)
{
	return s->armed ? s->due_us : 0;
}

void
sensor_poll_set_timer(struct sensor *s)
{
	if (!s->armed || s->timed)
		return;
	s->timed = true;
	link_arm(s->vm, s->tick, (double)sensor_poll_delay(s) / 1e6);
}

void
sensor_poll_unset_timer(struct sensor *s)
{
	if (s->timed)
		event_del(s->tick);
	s->timed = false;
}

/* Moves due past the ticks that were missed; returns how many. */
static unsigned
skip_missed(struct sensor *s, int64_t now)
{
	int64_t step = (int64_t)(s->interval * 1e6 + 0.5), missed;

	step = step > 0 ? step : 1;
	s->due_us += step;
	if (s->due_us >= now)
		return 0;
	missed = (now - s->due_us) / step + 1;
	s->due_us += missed * step;
	return missed < UINT32_MAX ? (unsigned)missed : UINT32_MAX;
}

/* Tells core of a change of how polls go. */
static void
report(struct sensor *s, bool failing, const char *error, const char *kind,
    unsigned skipped)
{
	int64_t wait = s->due_us - clock_mono_us();
	double next = (double)(clock_unix_us() + wait) / 1e6;
	json_t *o = json_pack("{s:b s:o s:o s:i s:f s:f s:i}",
	    "failing", failing, "error", sensor_words(s, error), "kind",
	    sensor_words(s, kind), "streak", (int)s->streak, "next", next,
	    "every", s->interval, "skipped", (int)(skipped & 0x7fffffff));
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text)
		link_state(s->vm->link, MSG_STATE_POLLED, text);
	free(text);
	json_decref(o);
}

/*
 * Whether what goes on is said now: when it is new, and then at a growing
 * distance.
 */
static bool
is_said(const struct sensor *s, struct reminder *r, bool is_new, int64_t now)
{
	if (is_new)
		r->gap = s->facts.reminder;
	else if (now < r->at_us)
		return false;
	else
		r->gap = fmin(r->gap * 2, s->facts.reminder * GAPS_MAX);
	r->at_us = now + (int64_t)(r->gap * 1e6);
	return true;
}

/* A failed poll, and how many there have been if it is not the first. */
static void
note_failure(struct sensor *s, const char *error, const char *kind,
    unsigned skipped)
{
	char at[CLOCK_TEXT], times[64] = "";

	if (s->streak++ == 0)
		s->streak_us = clock_unix_us();
	else
		snprintf(times, sizeof(times), " (%u%s poll in a row, since "
		    "%s)", s->streak, units_ordinal(s->streak),
		    since(s->streak_us, at));
	if (is_said(s, &s->failure, s->streak == 1, clock_mono_us()))
		vm_log(s->vm, LOG_WARNING, "poll failed, its unit is undone: "
		    "%s%s; tried again every %g s", error, times, s->interval);
	report(s, true, error, kind, skipped);
}

/* A good poll: the end of a streak is said. */
static void
note_success(struct sensor *s, unsigned skipped, bool moved)
{
	char at[CLOCK_TEXT];

	if (s->streak > 0)
		vm_log(s->vm, LOG_INFO, "poll works again, after %u that "
		    "failed since %s", s->streak, since(s->streak_us, at));
	if (s->streak > 0 || skipped > 0 || moved) {
		s->streak = 0;
		report(s, false, NULL, NULL, skipped);
	}
}

/*
 * A poll that took too long. A streak of them is over when none came for as
 * long as the last two sayings are apart.
 */
static void
note_skipped(struct sensor *s, struct task *t, unsigned skipped, int64_t now)
{
	double took = (double)(now - s->poll_began_us) / 1e6;
	const struct task_wait_note *w = task_longest_wait(t);
	char wait[TASK_PLACE + 64] = "", times[96] = "", at[CLOCK_TEXT];

	if (skipped == 0 || took < s->interval)
		return;
	if ((double)(now - s->overran_us) / 1e6 > s->overrun.gap)
		s->overruns = s->overrun_ticks = 0;
	if (s->overruns++ == 0)
		s->overruns_us = clock_unix_us();
	s->overran_us = now;
	s->overrun_ticks += skipped;
	if (!is_said(s, &s->overrun, s->overruns == 1, now))
		return;
	if (s->overruns > 1)
		snprintf(times, sizeof(times), " (%u such polls since %s, "
		    "%llu ticks)", s->overruns, since(s->overruns_us, at),
		    (unsigned long long)s->overrun_ticks);
	if ((double)w->us / 1e6 > took / 4)
		snprintf(wait, sizeof(wait), "; %.3g s of it in %s (%s)",
		    (double)w->us / 1e6, w->call, w->place);
	vm_log(s->vm, LOG_WARNING, "poll took %.3g s, longer than "
	    "poll_interval %g s: %u tick%s skipped%s%s", took, s->interval,
	    skipped, skipped == 1 ? "" : "s", times, wait);
}

/* Takes the interval from the result at `at`; true if it is another one. */
static bool
take_interval(struct sensor *s, lua_State *L, int at)
{
	double before = s->interval;
	double wanted = lua_type(L, at) == LUA_TNUMBER ?
	    lua_tonumber(L, at) : 0;

	if (isfinite(wanted) && wanted > 0)
		s->interval = wanted < 1e9 ? wanted : 1e9;
	else
		vm_log(s->vm, LOG_WARNING, "_poll_interval is no number of "
		    "seconds above 0; it stays %g", s->interval);
	return s->interval < before || s->interval > before;
}

/* --once: the one poll is done. */
static void
end_once(struct sensor *s, const char *error)
{
	sensor_set_end(s, END_ONCE, json_pack("{s:b s:o}", "failed",
	    error != NULL, "error", sensor_words(s, error)));
}

/* task_done_fn: a poll has ended, and its unit is on disk. */
static void
poll_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct sensor *s = arg;
	struct unit_counts undone;
	const char *error = NULL, *kind = NULL;
	int64_t now = clock_mono_us();
	unsigned skipped;
	bool moved;
	int at;

	s->polling = false;
	if (end == TASK_FAILED) {
		undone = task_undone(t);
		sensor_failed(s, "poll", &undone);
	}
	if (end != TASK_RETURNED)
		return;
	at = lua_gettop(L) - n + 1;
	moved = take_interval(s, L, at);
	if (n >= 3 && !lua_toboolean(L, at + 1)) {
		error = lua_tostring(L, at + 2);
		kind = lua_type(L, at + 3) == LUA_TSTRING ?
		    lua_tostring(L, at + 3) : NULL;
		error = error ? error : "poll returned nil";
	}
	skipped = skip_missed(s, now);
	note_skipped(s, t, skipped, now);
	if (error)
		note_failure(s, error, kind, skipped);
	else
		note_success(s, skipped, moved);
	if (s->facts.once)
		end_once(s, error);
	arm(s);
	(void)v;
}

void
sensor_poll_tick(struct sensor *s)
{
	int64_t now = clock_mono_us();
	struct task *t;

	if (!s->armed || now < s->due_us)
		return;
	s->armed = false;
	s->polling = true;
	s->poll_began_us = now;
	t = task_again(s->vm);
	if (!t && (t = sensor_enter(s, "poll", NULL, NULL, poll_done)))
		task_keep(t);
	if (t)
		task_set_brief(t, true);
	else
		sensor_after_step(s->vm);
}

/* event_callback_fn: it is time for a poll. */
static void
tick_cb(evutil_socket_t fd, short events, void *arg)
{
	struct sensor *s = arg;

	(void)fd;
	(void)events;
	s->timed = false;
	sensor_poll_tick(s);
}

void
sensor_poll_open(struct sensor *s)
{
	const json_t *given = json_object_get(s->facts.spec, "poll_interval");

	s->interval = json_is_number(given) ? json_number_value(given) : 5;
	s->tick = link_timer(s->vm, tick_cb, s);
}

double
sensor_first_delay(const struct sensor *s)
{
	const json_t *spec = s->facts.spec;
	const json_t *last = json_object_get(spec, "last_poll");
	double now = (double)clock_unix_us() / 1e6, due;

	if (s->facts.once)
		return 0;
	if (s->facts.scheduled && json_is_number(last)) {
		due = json_number_value(last) + s->interval;
		/* A clock set back must not put it off for ever. */
		return fmin(fmax(due - now, 0), s->interval);
	}
	return json_number_value(json_object_get(spec, "first_poll_delay"));
}

void
sensor_poll_begin(struct sensor *s)
{
	s->due_us = clock_mono_us() +
	    (int64_t)llround(sensor_first_delay(s) * 1e6);
	if (s->interval >= TOGETHER_FROM && !s->facts.once)
		s->due_us += TOGETHER_US - s->due_us % TOGETHER_US;
	arm(s);
}

void
sensor_poll_pause(struct sensor *s)
{
	s->armed = false;
	sensor_poll_unset_timer(s);
}

void
sensor_poll_resume(struct sensor *s)
{
	if (s->polls && s->phase == SENSOR_RUNNING)
		arm(s);
}
