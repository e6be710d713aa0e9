/*
 * The HTTP parser's end of things: libmicrohttpd in external-epoll mode, by
 * one descriptor on the loop. The only file that includes microhttpd.h. Owns
 * the daemon; what it hears becomes requests (request.c) and phases (conn.c).
 * The parser is lenient, so its first word about a request is checked here
 * (check.c) before anything else sees it.
 */
#include "http/server.h"

#include <event2/event.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dict.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "http/check.h"
#include "http/server_impl.h"

/*
 * A connection's memory: the head, the parser's list of headers, and the
 * answer's head. Over 32 KB the parser maps it and gives it back to the
 * system at the end, so that many connections at once leave nothing behind.
 */
#define POOL_SLACK 8192u
#define POOL_MAPPED (36u * 1024u)

/* The connection of ours that the parser's belongs to. */
static struct http_conn *
conn_of(struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(m,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	must(info && info->socket_context);
	return info->socket_context;
}

/* The same by its descriptor, when the parser first speaks of it. */
static struct http_conn *
conn_by_fd(struct http_server *s, struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(m,
	    MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_conn *c;

	TAILQ_FOREACH_REVERSE(c, &s->conns, http_conns, link)
		if (!c->adopted && c->fd == info->connect_fd)
			return c;
	must(!"the parser has a connection that was never given to it");
	return NULL;
}

/* MHD_NotifyConnectionCallback. */
static void
connection_cb(void *cls, struct MHD_Connection *m, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		struct http_conn *c = conn_by_fd(cls, m);

		c->adopted = true;
		*context = c;
	} else if (*context) {
		http_conn_free(*context);
		*context = NULL;
	}
}

/* The URI log callback: a request's first line is there. */
static void *
request_cb(void *cls, const char *uri, struct MHD_Connection *m)
{
	struct http_conn *c = conn_of(m);

	(void)cls;
	if (c->request)
		http_request_detach(c->request);
	c->request = http_request_new(c, uri);
	http_conn_set_phase(c, HTTP_HEADER);
	return NULL;
}

/* MHD_RequestCompletedCallback: answered, or ended before. */
static void
completed_cb(void *cls, struct MHD_Connection *m, void **context,
    enum MHD_RequestTerminationCode code)
{
	struct http_conn *c = conn_of(m);

	(void)cls;
	(void)context;
	(void)code;
	if (c->request)
		http_request_detach(c->request);
	http_conn_set_phase(c, HTTP_IDLE);
}

/* Hands the answer to the parser. */
static enum MHD_Result
send_answer(struct http_request *r)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    r->out.len, r->out.data, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;
	bool typed = false;
	size_t i;

	must(response);
	r->out = (struct buf){0};
	for (i = 0; i < r->header_count; i++) {
		typed = typed || strcmp(r->headers[i].name,
		    "Content-Type") == 0;
		MHD_add_response_header(response, r->headers[i].name,
		    r->headers[i].value);
	}
	if (!typed && r->status != 204)
		MHD_add_response_header(response, "Content-Type",
		    "application/json");
	if (r->close)
		MHD_add_response_header(response, "Connection", "close");
	http_conn_set_phase(r->conn, HTTP_SEND);
	result = MHD_queue_response(r->parser, r->status, response);
	MHD_destroy_response(response);
	return result;
}

/* MHD_KeyValueIteratorN: one header, to be checked. */
static enum MHD_Result
header_cb(void *cls, enum MHD_ValueKind kind, const char *name,
    size_t name_len, const char *value, size_t value_len)
{
	(void)kind;
	http_check_header(cls, name, name_len, value ? value : "",
	    value ? value_len : 0);
	return MHD_YES;
}

/* The size of the head in bytes. */
static size_t
head_size(struct http_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    r->parser, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info ? info->header_size : 0;
}

/* Answers a request that is none for us; its connection ends. */
static void
refuse(struct http_request *r, unsigned status, const char *why)
{
	r->close = true;
	http_fail(r, status, "%s", why);
}

/* Refuses what must not come in. */
static void
admit(struct http_request *r, const char *version)
{
	const struct http_server *s = r->server;
	struct http_check check = {0};
	const char *bad;

	MHD_get_connection_values_n(r->parser, MHD_HEADER_KIND, header_cb,
	    &check);
	bad = http_check_end(&check, version);
	r->has_body = check.chunked || check.length > 0;
	if (bad)
		refuse(r, 400, bad);
	else if (head_size(r) > s->limits.max_header)
		refuse(r, 431, "the head is larger than api.max_header");
	else if (check.headers > HTTP_HEADERS_MAX)
		refuse(r, 431, "too many headers");
	else if (r->conn->local_only && !http_check_local(&check))
		refuse(r, 403, "Host must be a loopback name and Origin "
		    "absent or the same, because api.auth is false");
	else if (check.length > s->limits.max_body)
		refuse(r, 413, "the body is larger than api.max_body");
	else if (r->has_body && s->body_bytes > HTTP_BODIES_MAX)
		refuse(r, 503, "too much is being read");
}

/* Finds whose request it is; answers if it is nobody's. */
static void
find_route(struct http_request *r)
{
	char allow[HTTP_ALLOW_TEXT];
	struct err e;

	if (http_target_init(&r->target, r->raw, &e) != 0) {
		refuse(r, 400, e.text);
		return;
	}
	r->route = http_route_find(r->server->routes, r->method, &r->target,
	    allow);
	if (r->route)
		return;
	if (*allow) {
		http_add_header(r, "Allow", allow);
		http_fail(r, 405, "%s is not among the methods of this "
		    "resource: %s", r->method, allow);
	} else {
		http_fail(r, 404, "The resource could not be found.");
	}
}

/* The head is there: may it come in, and whose is it? */
static enum MHD_Result
begin(struct http_request *r, struct MHD_Connection *m, const char *method,
    const char *version)
{
	r->begun = true;
	r->parser = m;
	strncpy(r->method, method, sizeof(r->method) - 1);
	admit(r, version);
	if (!r->answered)
		find_route(r);
	/* Answered before its body, the connection ends; so only then. */
	if (r->answered && (r->close || r->has_body))
		return send_answer(r);
	http_conn_set_phase(r->conn, HTTP_BODY);
	return MHD_YES;
}

/* Leaves the request alone until it is answered or its turn comes. */
static enum MHD_Result
suspend(struct http_request *r)
{
	MHD_suspend_connection(r->parser);
	r->suspended = true;
	return MHD_YES;
}

/* A piece of the body. */
static enum MHD_Result
take_body(struct http_request *r, const char *data, size_t *len)
{
	if (r->server->closing) {
		http_conn_refuse(r->conn, 503, "the host is stopping");
		return MHD_NO;
	}
	if (r->body.len + *len > r->server->limits.max_body) {
		http_conn_refuse(r->conn, 413,
		    "the body is larger than api.max_body");
		return MHD_NO;
	}
	if (!http_turn_take(r))
		return suspend(r);
	buf_put(&r->body, data, *len);
	r->server->body_bytes += *len;
	*len = 0;
	return MHD_YES;
}

void
http_handle(struct http_request *r)
{
	r->dispatched = true;
	r->route->handler(r, r->server->arg);
}

/* It is whole: the handler's turn, or the answer's. */
static enum MHD_Result
dispatch(struct http_request *r)
{
	struct http_server *s = r->server;

	if (!r->answered && !r->dispatched) {
		http_conn_set_phase(r->conn, HTTP_HELD);
		r->whole = true;
		if (s->closing)
			refuse(r, 503, "the host is stopping");
		else if (http_turn_take(r))
			http_handle(r);
	}
	return r->answered ? send_answer(r) : suspend(r);
}

/* MHD_AccessHandlerCallback. */
static enum MHD_Result
access_cb(void *cls, struct MHD_Connection *m, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **context)
{
	struct http_request *r = conn_of(m)->request;

	(void)cls;
	(void)url;
	(void)context;
	if (!r)
		return MHD_NO;
	if (!r->begun)
		return begin(r, m, method, version);
	return *len > 0 ? take_body(r, data, len) : dispatch(r);
}

void
http_parse(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	s->more = false;
	MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0)
		s->more = true;
}

/* event_callback_fn: the parser's descriptor is ready. */
static void
ready_cb(evutil_socket_t fd, short events, void *arg)
{
	struct http_server *s = arg;

	(void)fd;
	(void)events;
	s->more = true;
}

/* MHD_LogCallback: what the parser has to say about clients. */
static void
log_cb(void *cls, const char *fmt, va_list ap)
{
	char *text;

	(void)cls;
	if (!log_enabled(LOG_DEBUG))
		return;
	text = xvasprintf(fmt, ap);
	log_debug("http: %.*s", (int)strcspn(text, "\n"), text);
	free(text);
}

void
http_adopt(struct http_conn *c, const void *address, unsigned len)
{
	struct http_server *s = c->server;

	if (MHD_add_connection(s->daemon, c->fd, address, len) != MHD_YES &&
	    !c->adopted)
		http_conn_free(c);
	s->more = true;
}

void
http_wake(struct http_request *r)
{
	r->suspended = false;
	MHD_resume_connection(r->parser);
	r->server->more = true;
}

/* The size of a connection's memory. */
static size_t
pool_size(const struct http_limits *l)
{
	size_t n = (size_t)l->max_header + POOL_SLACK;

	return n > POOL_MAPPED ? n : POOL_MAPPED;
}

/* Starts the parser. */
static struct MHD_Daemon *
start_parser(struct http_server *s)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    access_cb, s,
	    MHD_OPTION_EXTERNAL_LOGGER, log_cb, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, connection_cb, s,
	    MHD_OPTION_NOTIFY_COMPLETED, completed_cb, s,
	    MHD_OPTION_URI_LOG_CALLBACK, request_cb, s,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)s->limits.max_connections + 1,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    pool_size(&s->limits),
	    MHD_OPTION_CONNECTION_TIMEOUT, 0u,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

struct http_server *
http_server_new(struct event_base *base, const struct http_limits *limits,
    const struct http_routes *routes, void *arg)
{
	struct http_server *s = xcalloc(1, sizeof(*s));
	const union MHD_DaemonInfo *info;

	s->base = base;
	s->limits = *limits;
	s->routes = routes;
	s->arg = arg;
	s->addresses = dict_new();
	TAILQ_INIT(&s->listeners);
	TAILQ_INIT(&s->conns);
	TAILQ_INIT(&s->requests);
	TAILQ_INIT(&s->waiting);
	s->daemon = start_parser(s);
	must(s->daemon);
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	must(info);
	s->epoll = event_new(base, info->epoll_fd, EV_READ | EV_PERSIST,
	    ready_cb, s);
	must(s->epoll && event_add(s->epoll, NULL) == 0);
	return s;
}

/* Answers those that wait, and lets go of those that a handler still has. */
static void
release_requests(struct http_server *s)
{
	struct http_request *r, *next;

	for (r = TAILQ_FIRST(&s->requests); r; r = next) {
		next = TAILQ_NEXT(r, link);
		http_turn_forget(r);
		if (r->suspended)
			http_wake(r); /* the parser must not stop before */
		if (r->dispatched && !r->answered)
			http_request_detach(r);
	}
	http_parse(s);
}

void
http_server_free(struct http_server **sp)
{
	struct http_server *s = *sp;
	struct http_request *r;

	if (!s)
		return;
	http_server_stop(s);
	http_parse(s);
	release_requests(s);
	event_free(s->epoll);
	MHD_stop_daemon(s->daemon);
	while (!TAILQ_EMPTY(&s->conns))
		http_conn_free(TAILQ_FIRST(&s->conns));
	while ((r = TAILQ_FIRST(&s->requests))) {
		TAILQ_REMOVE(&s->requests, r, link);
		r->server = NULL;
	}
	dict_free(&s->addresses, NULL);
	free(s);
	*sp = NULL;
}
