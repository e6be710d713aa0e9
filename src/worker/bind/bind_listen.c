/*
 * Listening sockets, which core opens and keeps: the worker has a descriptor
 * of its own. A connection is accepted when the task that asked goes on, never
 * before: one that is quieted meanwhile leaves it in the kernel, to the next
 * worker of the sensor.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_socket.h"
#include "worker/link.h"
#include "worker/sensor.h"
#include "worker/stream.h"
#include "worker/task.h"

struct listener {
	struct owned owned;
	LIST_ENTRY(listener) link;
	unsigned references; /* the owner's, a wait's, one a handler */
	struct vm *vm;
	int fd;              /* -1: closed */
	char *asked;         /* as socket.listen was told */
	uint16_t asked_port;
	struct address bound;
	struct event *ready;
	struct task *task;   /* waits for a connection */
	bool busy;
	bool with_room;      /* it wants room for a handler, too */
	unsigned live, max;  /* handlers */
};

/* All of the worker: one process, one sensor. */
static LIST_HEAD(, listener) listeners = LIST_HEAD_INITIALIZER(listeners);

static const struct bind_class listener_class;

/* The listener behind argument 1. */
static struct listener *
self(lua_State *L, const char *method)
{
	return (struct listener *)bind_self(L, &listener_class, method);
}

/* Frees it when nobody has it any more. */
static void
let_go(struct listener *l)
{
	if (--l->references > 0)
		return;
	free(l->asked);
	free(l);
}

/* Wakes who waits for a connection. */
static void
wake(struct listener *l)
{
	struct task *t = l->task;

	l->task = NULL;
	if (t)
		task_wake(t);
}

/* event_callback_fn: a connection waits. */
static void
ready_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	wake(arg);
}

/* Looks for a connection, if somebody waits and one could be served. */
static void
look_out(struct listener *l)
{
	if (!l->task)
		return;
	if (l->fd < 0)
		wake(l);
	else if (l->vm->sensor->phase >= SENSOR_RUNNING &&
	    !(l->with_room && l->live >= l->max))
		must(event_add(l->ready, NULL) == 0);
}

/* The sensor is at work: tasks that setup started may accept from now on. */
static void
listeners_begin(void)
{
	struct listener *l;

	LIST_FOREACH(l, &listeners, link)
		look_out(l);
}

/* Says to core that nobody here wants the socket any more. */
static void
tell_core(const struct listener *l)
{
	struct buf body = {0};

	msg_put_str(&body, l->asked);
	msg_put_u16(&body, l->asked_port);
	link_tell(l->vm->link, MSG_UNLISTEN, &body);
	buf_release(&body);
}

/*
 * owned_release_fn: what a sensor closes as it ends stays open in core, for
 * the sensor's next start.
 */
static void
listener_release(struct owned *o)
{
	struct listener *l = (struct listener *)o;

	if (l->vm->sensor->phase < SENSOR_ENDING)
		tell_core(l);
	LIST_REMOVE(l, link);
	event_free(l->ready);
	close(l->fd);
	l->fd = -1;
	wake(l);
	let_go(l);
}

/* The connection that is there now, or -1 with errno. */
static int
take(struct listener *l, struct address *from)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	if (address_of_socket(from, fd, true) != 0 ||
	    from->to.any.sa_family == AF_UNIX)
		*from = l->bound;
	return fd;
}

/* Pushes a connection; false if there is none; nil and an error. */
static int
push_connection(lua_State *L, struct listener *l)
{
	struct owned **slot = bind_socket_slot(L);
	struct address from;
	int fd = take(l, &from);

	if (fd >= 0) {
		bind_fill(slot, &stream_new(l->vm, fd, from.text)->owned);
		return 1;
	}
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED &&
	    errno != EPROTO)
		return bind_fail_errno(L, "accept", l->bound.text);
	lua_pushboolean(L, false);
	return 1;
}

/* wait_start_fn */
static void
accept_start(struct task *t, void *arg)
{
	struct listener *l = arg;

	l->task = t;
	look_out(l);
}

/* wait_push_fn */
static int
accept_push(lua_State *L, void *arg, bool timed_out)
{
	struct listener *l = arg;

	(void)timed_out;
	if (l->fd < 0)
		return bind_fail(L, "closed", "accept", l->bound.text,
		    "the sensor has closed the listener");
	return push_connection(L, l);
}

/* wait_release_fn */
static void
accept_release(void *arg)
{
	struct listener *l = arg;

	l->busy = false;
	l->task = NULL;
	if (l->fd >= 0)
		event_del(l->ready);
	let_go(l);
}

static const struct wait_type accepting = {
	"listener:accept", accept_start, accept_push, accept_release,
};

/* listener:accept(with_room) → handle | false | nil, err [w] */
static int
listener_accept(lua_State *L)
{
	struct listener *l = self(L, "accept");

	if (l->busy)
		return bind_fail(L, "busy", "accept", l->bound.text,
		    "another task of the sensor accepts or serves here");
	l->busy = true;
	l->with_room = lua_toboolean(L, 2);
	l->references++;
	return task_wait(L, &accepting, l);
}

/* listener:take() → handle | false | nil, err */
static int
listener_take(lua_State *L)
{
	struct listener *l = self(L, "take");

	if (l->live < l->max)
		return push_connection(L, l);
	lua_pushboolean(L, false);
	return 1;
}

/* A handler: what it serves, until it has ended. */
struct handling {
	struct listener *listener;
	struct stream *stream;
};

/* task_done_fn: an error in a handler is only logged. */
static void
handler_done(struct vm *v, struct task *t, enum task_end end, lua_State *L,
    int n, void *arg)
{
	struct handling *h = arg;
	struct unit_counts undone;
	char counts[80];

	(void)L;
	(void)n;
	if (end == TASK_FAILED) {
		undone = task_undone(t);
		vm_log(v, LOG_ERROR, "the handler of a connection from %s "
		    "failed, unit undone (%s): %s\n%s", h->stream->name,
		    unit_describe(&undone, counts), buf_cstr(&v->error),
		    buf_cstr(&v->trace));
	}
	if (h->stream->fd >= 0)
		owned_close(&h->stream->owned);
	stream_let_go(h->stream);
	h->listener->live--;
	look_out(h->listener);
	let_go(h->listener);
	free(h);
}

/* listener:handle(fn, handle, socket) */
static int
listener_handle(lua_State *L)
{
	struct listener *l = self(L, "handle");
	struct stream *s = bind_socket_stream(L, 3);
	struct handling *h;
	struct task *t;

	must(s);
	lua_settop(L, 4);
	lua_remove(L, 3);
	t = task_new(L, 1, "handler", handler_done, NULL);
	h = xcalloc(1, sizeof(*h));
	h->listener = l;
	h->stream = s;
	task_set_arg(t, h);
	task_set_brief(t, true);
	stream_hold(s);
	l->references++;
	l->live++;
	return 0;
}

/* listener:alone() */
static int
listener_alone(lua_State *L)
{
	self(L, "alone");
	task_set_long(vm_of(L)->task);
	return 0;
}

/* listener:address() → host, port */
static int
listener_address(lua_State *L)
{
	struct listener *l = self(L, "address");
	char host[sizeof(l->bound.text)];
	uint16_t port;

	address_split(&l->bound, host, &port);
	lua_pushstring(L, host);
	lua_pushinteger(L, port);
	return 2;
}

/* listener:close() */
static int
listener_close(lua_State *L)
{
	struct owned *o = bind_self_or_closed(L, &listener_class, "close");

	if (o)
		owned_close(o);
	return 0;
}

static const luaL_Reg listener_methods[] = {
	{"accept", listener_accept},
	{"take", listener_take},
	{"handle", listener_handle},
	{"alone", listener_alone},
	{"address", listener_address},
	{"close", listener_close},
	{NULL, NULL},
};
static const struct bind_class listener_class = {
	"listener", listener_methods
};

/* Makes a listener of what core has opened. */
static struct listener *
listener_new(struct vm *v, int fd, const char *host, uint16_t port,
    struct msg_cursor *c)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	struct err e;
	char *at = msg_get_text(c);

	l->references = 1;
	l->vm = v;
	l->fd = fd;
	l->asked = xstrdup(host);
	l->asked_port = port;
	must(address_parse(&l->bound, at, msg_get_u16(c), &e) == 0);
	free(at);
	l->ready = event_new(v->base, fd, EV_READ, ready_cb, l);
	must(l->ready);
	LIST_INSERT_HEAD(&listeners, l, link);
	v->sensor->at_work = listeners_begin;
	owner_add(&v->owner, &l->owned, listener_release);
	return l;
}

/* socket.listen(host, port, max) → listener | nil, err */
int
bind_listen(lua_State *L)
{
	const char *host = bind_text(L, 1, "socket.listen", "the host", NULL);
	struct vm *v = vm_of(L);
	struct buf body = {0}, reply = {0};
	struct owned **slot;
	struct listener *l;
	struct link_error e;
	struct msg_cursor c;
	uint16_t port = 0;
	int fd;

	if (strncmp(host, "unix:", 5) != 0)
		port = (uint16_t)bind_integer(L, 2, "socket.listen",
		    "the port", 0, 65535);
	task_unit(L);
	slot = bind_slot(L, &listener_class);
	msg_put_str(&body, host);
	msg_put_u16(&body, port);
	fd = link_call_fd(v->link, MSG_LISTEN, &body, &reply, &c, &e);
	buf_release(&body);
	if (fd < 0)
		return bind_fail(L, e.kind, "listen", NULL, "%s", e.text);
	l = listener_new(v, fd, host, port, &c);
	l->max = (unsigned)lua_tonumber(L, 3);
	buf_release(&reply);
	bind_fill(slot, &l->owned);
	return 1;
}
