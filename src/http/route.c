/*
 * Finds the handler of a request. Called by server.c; pure.
 */
#include "http/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The next segment of a pattern that begins at *at, and its length. */
static const char *
next_segment(const char **at, size_t *len)
{
	const char *segment;

	if (**at != '/')
		return NULL;
	segment = *at + 1;
	*len = strcspn(segment, "/");
	*at = segment + *len;
	return segment;
}

/* True if the pattern takes the path. */
static bool
takes(const char *pattern, const struct http_target *t)
{
	const char *segment;
	size_t i, len;

	for (i = 0; (segment = next_segment(&pattern, &len)); i++) {
		if (i == t->segment_count)
			return false;
		if (*segment == ':')
			continue;
		if (strlen(t->segments[i]) != len ||
		    memcmp(t->segments[i], segment, len) != 0)
			return false;
	}
	return i == t->segment_count;
}

/* Adds a method to the list. */
static void
add_method(char *allow, const char *method)
{
	size_t n = strlen(allow);

	snprintf(allow + n, HTTP_ALLOW_TEXT - n, "%s%s", n ? ", " : "",
	    method);
}

const struct http_route *
http_route_find(const struct http_routes *routes, const char *method,
    const struct http_target *target, char allow[HTTP_ALLOW_TEXT])
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	size_t i;

	*allow = '\0';
	for (i = 0; i < routes->count; i++) {
		const struct http_route *r = &routes->items[i];

		if (!takes(r->pattern, target))
			continue;
		if (strcmp(r->method, wanted) == 0)
			return r;
		add_method(allow, r->method);
		if (strcmp(r->method, "GET") == 0)
			add_method(allow, "HEAD");
	}
	return NULL;
}

const char *
http_route_param(const struct http_route *route,
    const struct http_target *target, const char *name)
{
	const char *at = route->pattern, *segment;
	size_t i, len;

	for (i = 0; (segment = next_segment(&at, &len)); i++)
		if (*segment == ':' && len == strlen(name) + 1 &&
		    memcmp(segment + 1, name, len - 1) == 0)
			return target->segments[i];
	return NULL;
}
