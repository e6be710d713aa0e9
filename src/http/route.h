#pragma once

#include <stddef.h>

#include "http/target.h"

/*
 * What there is to ask for: one table, method and pattern to handler. In a
 * pattern, a segment `:name` takes any one segment. HEAD is answered by the
 * GET of the same path.
 */
struct http_request;
typedef void http_handler_fn(struct http_request *r, void *arg);

struct http_route {
	const char *method;
	const char *pattern; /* "/v1/sensortypes/:ref" */
	http_handler_fn *handler;
};

struct http_routes {
	const struct http_route *items;
	size_t count;
};

/* The methods of a path, as the Allow header lists them. */
#define HTTP_ALLOW_TEXT 64

/*
 * The route of a request, or NULL; then allow lists the methods that the
 * path has, "" if there is no such path.
 */
const struct http_route *http_route_find(const struct http_routes *routes,
    const char *method, const struct http_target *target,
    char allow[HTTP_ALLOW_TEXT]);

/* The segment that stands where the pattern has :name; NULL if none does. */
const char *http_route_param(const struct http_route *route,
    const struct http_target *target, const char *name);
