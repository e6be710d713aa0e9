/*
 * host.time: clocks and the sleep. Nothing here keeps state.
 */
#include <event2/event.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/link.h"
#include "worker/task.h"

#define UNIX_MIN -62167219200.0 /* the beginning of the year 0 */
#define UNIX_MAX 253402300799.0 /* the end of the year 9999 */

/* A sleep: its timer, made when it begins. */
struct nap {
	struct task *task;
	double seconds;
	struct event *timer;
};

/* event_callback_fn: the time is over. */
static void
nap_over_cb(evutil_socket_t fd, short events, void *arg)
{
	struct nap *n = arg;

	(void)fd;
	(void)events;
	task_wake(n->task);
}

/* wait_start_fn */
static void
nap_start(struct task *t, void *arg)
{
	struct nap *n = arg;

	n->task = t;
	n->timer = link_timer(task_vm(t), nap_over_cb, n);
	link_arm(task_vm(t), n->timer, n->seconds);
}

/* wait_release_fn */
static void
nap_release(void *arg)
{
	struct nap *n = arg;

	if (n->timer)
		event_free(n->timer);
	free(n);
}

static const struct wait_type sleeping = {
	"time.sleep", nap_start, NULL, nap_release,
};

/* sleep(seconds) [w] */
static int
time_sleep(lua_State *L)
{
	struct nap *n;
	double seconds;

	bind_dot(L, "time.sleep");
	seconds = bind_seconds(L, 1, "time.sleep", "the time");
	n = xcalloc(1, sizeof(*n));
	n->seconds = seconds;
	return task_wait(L, &sleeping, n);
}

/* now() -> Unix time with microseconds */
static int
time_now(lua_State *L)
{
	bind_dot(L, "time.now");
	lua_pushnumber(L, (double)clock_unix_us() / 1e6);
	return 1;
}

/* unix() -> whole seconds of Unix time */
static int
time_unix(lua_State *L)
{
	bind_dot(L, "time.unix");
	lua_pushnumber(L, floor((double)clock_unix_us() / 1e6));
	return 1;
}

/* monotonic() -> seconds of a clock that is never set */
static int
time_monotonic(lua_State *L)
{
	bind_dot(L, "time.monotonic");
	lua_pushnumber(L, (double)clock_mono_us() / 1e6);
	return 1;
}

/* rfc3339([t [, tz="UTC"]]) -> text */
static int
time_rfc3339(lua_State *L)
{
	char text[CLOCK_TEXT];
	int64_t us = clock_unix_us();
	const char *zone;
	double t;

	bind_dot(L, "time.rfc3339");
	if (!lua_isnoneornil(L, 1)) {
		t = bind_number(L, 1, "time.rfc3339", "the time");
		if (!(t >= UNIX_MIN && t <= UNIX_MAX))
			bind_raise(L, "time.rfc3339: %.14g is no Unix time of "
			    "the years 0 to 9999", t);
		us = (int64_t)llround(t * 1e6);
	}
	if (!lua_isnoneornil(L, 2)) {
		zone = bind_text(L, 2, "time.rfc3339", "the zone", NULL);
		if (strcmp(zone, "UTC") != 0)
			bind_raise(L, "time.rfc3339: the zone \"%s\" is not "
			    "known here: times are printed in UTC", zone);
	}
	lua_pushstring(L, clock_rfc3339(us, text));
	return 1;
}

int
bind_time_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"sleep", time_sleep},
		{"now", time_now},
		{"unix", time_unix},
		{"monotonic", time_monotonic},
		{"rfc3339", time_rfc3339},
		{NULL, NULL},
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
