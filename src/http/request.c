/*
 * A request between parser and handler. Made and fed by server.c, answered
 * by handlers. It lives until it is answered and the connection has let go
 * of it, whichever comes last.
 */
#include "http/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "http/server_impl.h"

struct http_request *
http_request_new(struct http_conn *c, const char *raw)
{
	struct http_request *r = xcalloc(1, sizeof(*r));

	r->server = c->server;
	r->conn = c;
	r->raw = xstrdup(raw);
	memcpy(r->who, c->who, sizeof(r->who));
	TAILQ_INSERT_TAIL(&c->server->requests, r, link);
	return r;
}

void
http_request_free(struct http_request *r)
{
	if (r->server) {
		http_turn_forget(r);
		r->server->body_bytes -= r->body.len;
		TAILQ_REMOVE(&r->server->requests, r, link);
	}
	while (r->header_count > 0) {
		free(r->headers[--r->header_count].name);
		free(r->headers[r->header_count].value);
	}
	http_target_release(&r->target);
	buf_release(&r->body);
	buf_release(&r->out);
	free(r->raw);
	free(r);
}

void
http_request_detach(struct http_request *r)
{
	if (r->conn)
		r->conn->request = NULL;
	r->conn = NULL;
	r->parser = NULL;
	r->suspended = false;
	if (r->answered || !r->dispatched)
		http_request_free(r);
}

const char *
http_param(const struct http_request *r, const char *name)
{
	const char *value = http_route_param(r->route, &r->target, name);

	must(value);
	return value;
}

const char *
http_query(const struct http_request *r, const char *name)
{
	return http_target_query(&r->target, name);
}

const char *
http_body(struct http_request *r, size_t *len)
{
	*len = r->body.len;
	return buf_cstr(&r->body);
}

const char *
http_who(const struct http_request *r)
{
	return r->who;
}

struct buf *
http_out(struct http_request *r)
{
	return &r->out;
}

void
http_add_header(struct http_request *r, const char *name, const char *value)
{
	must(r->header_count < HTTP_HEADERS_OUT);
	r->headers[r->header_count++] = (struct http_header_out){
	    xstrdup(name), xstrdup(value)};
}

void
http_answer(struct http_request *r, unsigned status)
{
	must(!r->answered);
	r->answered = true;
	r->status = status;
	if (r->suspended)
		http_wake(r);
	else if (!r->conn)
		http_request_free(r);
}

void
http_fail(struct http_request *r, unsigned status, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	r->out.len = 0;
	buf_puts(&r->out, "{\"faultstring\": ");
	js_put_string_lossy(&r->out, text, strlen(text));
	buf_puts(&r->out, "}\n");
	free(text);
	if (status == 503)
		http_add_header(r, "Retry-After", "1");
	http_answer(r, status);
}
