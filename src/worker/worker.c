/*
 * A worker: the loop, and core's messages. It does what core says and ends
 * with core. It must survive whatever its sensor does short of the memory
 * and the time that only a kill can bound.
 */
#include "worker/worker.h"

#include <event2/event.h>
#include <lauxlib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "wire/page.h"
#include "worker/bind/bind.h"
#include "worker/link.h"
#include "worker/sensor.h"
#include "worker/task.h"

/* HELLO: both ends must be of one version. */
static void
on_hello(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	struct buf body = {0};
	uint16_t version = msg_get_u16(c);

	if (version == MSG_VERSION)
		msg_put_ok(&body);
	else
		msg_put_error(&body, "invalid", "this worker speaks version "
		    "%u, core speaks version %u", MSG_VERSION, version);
	if (version == MSG_VERSION)
		msg_put_u16(&body, MSG_VERSION);
	link_reply(v->link, id, &body);
	buf_release(&body);
}

/* LOAD; a sensor that does not load is the end of its worker. */
static void
on_load(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	char *spec = msg_get_text(c);
	struct buf body = {0}, text = {0};

	if (sensor_load(v->sensor, spec) == 0) {
		msg_put_ok(&body);
		if (v->sensor->lint)
			msg_put_str(&body, v->sensor->lint);
	} else {
		buf_put(&text, v->error.data, v->error.len);
		if (v->trace.len > 0) {
			buf_putc(&text, '\n');
			buf_put(&text, v->trace.data, v->trace.len);
		}
		link_mask(v->link, &text);
		msg_put_error(&body, v->sensor->no_lua ? "syntax" :
		    "invalid", "%s", buf_cstr(&text));
		v->sensor->phase = SENSOR_OVER;
	}
	link_reply(v->link, id, &body);
	buf_release(&body);
	buf_release(&text);
	free(spec);
}

/* START */
static void
on_start(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	(void)id;
	(void)c;
	sensor_start(v->sensor);
}

/* QUIET */
static void
on_quiet(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	sensor_quiet(v->sensor, id, msg_get_u32(c) / 1000.0);
}

/* RESUME */
static void
on_resume(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	struct buf body = {0};

	(void)c;
	if (id != 0) {
		msg_put_ok(&body);
		link_reply(v->link, id, &body);
		buf_release(&body);
	}
	sensor_resume(v->sensor);
}

/* STOP */
static void
on_stop(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	char *reason = msg_get_text(c);
	double grace = msg_get_u32(c) / 1000.0;
	double cleanup = msg_get_u32(c) / 1000.0;

	(void)id;
	sensor_stop(v->sensor, reason, grace, cleanup);
	free(reason);
}

/* TRIGGER */
static void
on_trigger(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	unsigned change = msg_get_u8(c);
	char *about = msg_get_text(c);

	(void)id;
	sensor_trigger(v->sensor, change, about);
	free(about);
}

/* LEVEL */
static void
on_level(struct vm *v, uint32_t id, struct msg_cursor *c)
{
	(void)id;
	v->log_level = (enum log_level)msg_get_u8(c);
}

typedef void handler_fn(struct vm *v, uint32_t id, struct msg_cursor *c);

static handler_fn *const handlers[MSG_TYPES] = {
	[MSG_HELLO] = on_hello,
	[MSG_LOAD] = on_load,
	[MSG_START] = on_start,
	[MSG_QUIET] = on_quiet,
	[MSG_RESUME] = on_resume,
	[MSG_STOP] = on_stop,
	[MSG_TRIGGER] = on_trigger,
	[MSG_LEVEL] = on_level,
};

/* peer_message_fn: hands a message to its handler. */
static void
on_message(struct peer *p, const struct frame *f)
{
	struct link *l = p->owner;
	struct msg_cursor c;

	if (f->type >= MSG_TYPES || !handlers[f->type])
		return;
	msg_begin(&c, f->body, f->len);
	handlers[f->type](l->vm, f->id, &c);
}

/* lua_CFunction: the random numbers of each worker are its own. */
static int
seed_random(lua_State *L)
{
	uint64_t r;

	must(getrandom(&r, sizeof(r), 0) == (ssize_t)sizeof(r));
	lua_getglobal(L, "math");
	lua_getfield(L, -1, "randomseed");
	lua_pushnumber(L, (double)(r >> 11));
	lua_call(L, 1, 0);
	return 0;
}

/* Sends what is left, waiting for core to take it. */
static void
flush_all(struct peer *p)
{
	struct pollfd writable = {.fd = p->fd, .events = POLLOUT};

	while (!p->closed && peer_backlog(p) > 0) {
		peer_flush(p);
		if (peer_backlog(p) > 0 && poll(&writable, 1, 1000) <= 0)
			break;
	}
}

/* The loop, of one thread. */
static struct event_base *
make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	must(config);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK |
	    EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	must(base);
	event_config_free(config);
	return base;
}

/* Seconds between two steps of the clock that the loop reads. */
static double
clock_tick(void)
{
	struct timespec t;

	must(clock_getres(CLOCK_MONOTONIC_COARSE, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Most workers only wait for core and for the time of the next poll. This is
 * the short way to do so: the loop's would pass three times as much memory.
 * False, where there is more to wait for, or something from core.
 */
static bool
nap(struct vm *v)
{
	struct pollfd core = {.fd = v->link->peer.fd, .events = POLLIN};
	struct sensor *s = v->sensor;
	int64_t us = sensor_poll_delay(s);
	struct timespec t = {.tv_sec = (time_t)(us / 1000000),
	    .tv_nsec = (long)(us % 1000000) * 1000};

	if (us < 0 || event_base_get_num_events(v->base,
	    EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE) !=
	    (s->timed ? 2 : 1))
		return false;
	sensor_poll_unset_timer(s);
	if (ppoll(&core, 1, &t, NULL) != 0)
		return false;
	sensor_poll_tick(s);
	return true;
}

/*
 * Waits for what comes next, and lets the loop's callbacks see to it. The
 * page says meanwhile when we wake at the latest.
 */
static void
wait_for_events(struct vm *v)
{
	bool ready = v->tasks && tasks_ready(v);

	atomic_store_explicit(&v->page->wake_us, ready ? 0 :
	    sensor_poll_due(v->sensor), memory_order_relaxed);
	if (ready || !nap(v)) {
		sensor_poll_set_timer(v->sensor);
		event_base_loop(v->base, ready ? EVLOOP_NONBLOCK :
		    EVLOOP_ONCE);
	}
	atomic_store_explicit(&v->page->wake_us, 0, memory_order_relaxed);
}

_Noreturn void
worker_main(struct vm *v, int link_fd, int page_fd)
{
	struct err e;

	v->page = page_map(page_fd, &e);
	must(v->page);
	close(page_fd);
	v->base = make_base();
	v->tick = clock_tick();
	v->link = link_new(v, link_fd, tasks_acked, on_message);
	sensor_open(v);
	if (lua_cpcall(v->L, seed_random, NULL) != 0)
		_exit(70);
	while (v->sensor->phase != SENSOR_OVER) {
		wait_for_events(v);
		if (v->tasks)
			tasks_run(v);
		if (v->link->peer.out.len > 0)
			peer_flush(&v->link->peer);
	}
	flush_all(&v->link->peer);
	_exit(0);
}
