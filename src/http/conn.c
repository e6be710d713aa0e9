/*
 * A connection's caps and deadlines. Called by listener.c (new ones) and by
 * server.c (what the parser sees). A deadline that passes shuts the socket
 * down, and the parser finds it ended: this file must never close a socket
 * that the parser has.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/dict.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "http/server_impl.h"

static const struct {
	unsigned status;
	const char *text;
} reasons[] = {
	{400, "Bad Request"},
	{408, "Request Timeout"},
	{413, "Content Too Large"},
	{503, "Service Unavailable"},
};

void
http_refuse_fd(int fd, unsigned status, const char *why)
{
	char body[256], text[512];
	const char *reason = "";
	size_t i;
	int n;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			reason = reasons[i].text;
	n = snprintf(body, sizeof(body), "{\"faultstring\": \"%s\"}\n", why);
	n = snprintf(text, sizeof(text), "HTTP/1.1 %u %s\r\n"
	    "Content-Type: application/json\r\nContent-Length: %d\r\n%s"
	    "Connection: close\r\n\r\n%s", status, reason, n,
	    status == 503 ? "Retry-After: 1\r\n" : "", body);
	(void)!send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Takes what has come and nobody will read, so that closing resets nobody. */
static void
drain(int fd)
{
	char waste[4096];
	int i;

	for (i = 0; i < 16; i++)
		if (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) <= 0)
			return;
}

void
http_conn_refuse(struct http_conn *c, unsigned status, const char *why)
{
	http_refuse_fd(c->fd, status, why);
	drain(c->fd);
	shutdown(c->fd, SHUT_RDWR);
}

/* What happens to who takes too long. */
static void
end_late(struct http_conn *c)
{
	if (c->phase == HTTP_HEADER)
		http_conn_refuse(c, 408, "the head took too long");
	else if (c->phase == HTTP_BODY)
		http_conn_refuse(c, 408, "the body took too long");
	else
		shutdown(c->fd, SHUT_RDWR);
}

/* event_callback_fn: the deadline of the phase has passed. */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	(void)events;
	if (c->adopted)
		end_late(c);
	else
		http_conn_free(c); /* the parser closed it unseen */
}

void
http_conn_set_phase(struct http_conn *c, enum http_phase phase)
{
	const struct http_limits *l = &c->server->limits;
	const int64_t limits[] = {
		[HTTP_HEADER] = l->header_timeout_us,
		[HTTP_BODY] = l->body_timeout_us,
		[HTTP_SEND] = l->idle_timeout_us,
		[HTTP_IDLE] = l->idle_timeout_us,
		[HTTP_HELD] = 0,
	};
	const struct timeval tv = {.tv_sec = limits[phase] / 1000000,
	    .tv_usec = limits[phase] % 1000000};

	c->phase = phase;
	if (phase == HTTP_HELD)
		event_del(c->deadline);
	else
		must(event_add(c->deadline, &tv) == 0);
}

/* Counts the connection for its address; NULL if that has too many. */
static struct http_address *
count_address(struct http_server *s, const char *name)
{
	struct http_address *a = dict_get_str(s->addresses, name);

	if (!a) {
		a = xcalloc(1, sizeof(*a));
		snprintf(a->name, sizeof(a->name), "%s", name);
		dict_set_str(s->addresses, a->name, a);
	} else if (a->connections >= (uint64_t)s->limits.max_per_address) {
		return NULL;
	}
	a->connections++;
	return a;
}

struct http_conn *
http_conn_new(struct http_listener *l, int fd, const char *address,
    const char *who)
{
	struct http_server *s = l->server;
	struct http_address *a = NULL;
	struct http_conn *c;

	if (s->connections >= (uint64_t)s->limits.max_connections)
		return NULL;
	if (address && !(a = count_address(s, address)))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->server = s;
	c->fd = fd;
	c->local_only = l->local_only;
	c->address = a;
	snprintf(c->who, sizeof(c->who), "%s", who);
	c->deadline = event_new(s->base, -1, 0, deadline_cb, c);
	must(c->deadline);
	s->connections++;
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	http_conn_set_phase(c, HTTP_HEADER);
	return c;
}

void
http_conn_free(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->request)
		http_request_detach(c->request);
	if (c->address && --c->address->connections == 0) {
		dict_remove_str(s->addresses, c->address->name);
		free(c->address);
	}
	TAILQ_REMOVE(&s->conns, c, link);
	s->connections--;
	event_free(c->deadline);
	free(c);
}

void
http_server_limit(struct http_server *s, const struct http_limits *limits)
{
	const struct http_limits old = s->limits;

	s->limits = *limits;
	s->limits.max_header = old.max_header;
	s->limits.max_connections = old.max_connections;
}

size_t
http_connection_count(const struct http_server *s)
{
	return s->connections;
}
