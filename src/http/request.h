#pragma once

#include <stddef.h>

#include "base/buf.h"

/*
 * One request, as its handler sees it: read whole, within all limits. The
 * handler answers exactly once, at once or later ("held"); until then the
 * request is its own, also when the client has gone meanwhile. After
 * http_answer it is not to be touched.
 */
struct http_request;

/* What stands at :name of the route's pattern; never NULL for one it has. */
const char *http_param(const struct http_request *r, const char *name);

/* A parameter of the query, the last one if repeated; NULL if absent. */
const char *http_query(const struct http_request *r, const char *name);

/* The body; NUL behind it. */
const char *http_body(struct http_request *r, size_t *len);

/*
 * Who asks, in words: "uid 0" on a Unix socket, the address on TCP.
 */
const char *http_who(const struct http_request *r);

/* The answer's body, to be written to; JSON unless a Content-Type is set. */
struct buf *http_out(struct http_request *r);

/* Adds a header to the answer; both texts are copied. */
void http_add_header(struct http_request *r, const char *name,
    const char *value);
void http_answer(struct http_request *r, unsigned status);

/* Answers {"faultstring": ...} in place of what was written so far. */
void http_fail(struct http_request *r, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
