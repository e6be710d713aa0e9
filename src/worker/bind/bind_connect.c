/*
 * socket.connect: a connection to a numeric address or a Unix path. Nothing
 * is looked up here.
 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/address.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_socket.h"
#include "worker/stream.h"
#include "worker/task.h"
#include "worker/vm.h"

/* An attempt. */
struct connecting {
	struct address to;
	double seconds;
	int fd;    /* -1: not begun, or handed on */
	int error; /* errno; 0: it stands */
	struct event *ready;
	struct task *task;
};

/* event_callback_fn: it stands, or failed. */
static void
connected_cb(evutil_socket_t fd, short events, void *arg)
{
	struct connecting *c = arg;
	socklen_t len = sizeof(c->error);

	(void)events;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &c->error, &len);
	task_wake(c->task);
}

/* wait_start_fn */
static void
connect_start(struct task *t, void *arg)
{
	struct connecting *c = arg;
	const int on = 1;

	c->task = t;
	c->fd = socket(c->to.to.any.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, &c->to.to.any, c->to.len) != 0)
		c->error = errno;
	if (c->fd >= 0 && c->to.to.any.sa_family != AF_UNIX)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (c->error != EINPROGRESS) {
		task_wake(t);
		return;
	}
	c->ready = event_new(task_vm(t)->base, c->fd, EV_WRITE, connected_cb,
	    c);
	must(c->ready && event_add(c->ready, NULL) == 0);
}

/* wait_push_fn */
static int
connect_push(lua_State *L, void *arg, bool timed_out)
{
	struct connecting *c = arg;
	struct owned **slot;
	struct stream *s;

	if (c->error == EINPROGRESS && timed_out)
		return bind_fail(L, "timeout", "connect", c->to.text,
		    "timed out after %g s", c->seconds);
	if (c->error) {
		errno = c->error;
		return bind_fail_errno(L, "connect", c->to.text);
	}
	slot = bind_socket_slot(L);
	s = stream_new(vm_of(L), c->fd, c->to.text);
	c->fd = -1;
	if (c->ready)
		event_free(c->ready);
	c->ready = NULL;
	bind_fill(slot, &s->owned);
	return 1;
}

/* wait_release_fn */
static void
connect_release(void *arg)
{
	struct connecting *c = arg;

	if (c->ready)
		event_free(c->ready);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static const struct wait_type connecting = {
	"socket.connect", connect_start, connect_push, connect_release,
};

int
bind_connect(lua_State *L)
{
	const char *host = bind_text(L, 1, "socket.connect", "the host",
	    NULL);
	struct connecting *c;
	struct address to;
	uint16_t port = 0;
	struct err e;

	if (strncmp(host, "unix:", 5) != 0)
		port = (uint16_t)bind_integer(L, 2, "socket.connect",
		    "the port", 1, 65535);
	if (address_parse(&to, host, port, &e) != 0)
		return bind_fail(L, "invalid", "connect", host, "%s", e.text);
	c = xcalloc(1, sizeof(*c));
	c->to = to;
	c->seconds = lua_tonumber(L, 3);
	c->fd = -1;
	return task_wait_for(L, &connecting, c, c->seconds);
}
