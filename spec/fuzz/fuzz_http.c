/*
 * Fuzz target: what is ours of an HTTP request. The first line of the input
 * is a target, the others are headers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "http/check.h"
#include "http/route.h"
#include "http/target.h"

static const struct http_route table[] = {
	{"GET", "/v1/a", NULL},
	{"GET", "/v1/a/:ref", NULL},
	{"POST", "/v1/a/:ref/b/:what", NULL},
};
static const struct http_routes routes = {table, 3};

/* A target that parses is made of texts that end, and finds its route. */
static void
try_target(const char *raw)
{
	char allow[HTTP_ALLOW_TEXT];
	const struct http_route *r;
	struct http_target t;
	struct err e;
	size_t i, total = 0;

	if (http_target_init(&t, raw, &e) == 0) {
		for (i = 0; i < t.segment_count; i++)
			total += strlen(t.segments[i]);
		for (i = 0; i < t.query_count; i++) {
			total += strlen(t.query[i].name) +
			    strlen(t.query[i].value);
			must(http_target_query(&t, t.query[i].name));
		}
		must(total <= strlen(raw));
		r = http_route_find(&routes, "GET", &t, allow);
		must(!r || strchr(r->pattern, ':') == NULL ||
		    http_route_param(r, &t, "ref"));
	}
	http_target_release(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *line, *next, *colon;
	struct http_check check = {0};

	memcpy(text, data, size);
	text[size] = '\0';
	next = strchr(text, '\n');
	if (next)
		*next++ = '\0';
	try_target(text);
	for (line = next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		http_check_header(&check, line, (size_t)(colon - line),
		    colon + 1, strlen(colon + 1));
	}
	if (!http_check_end(&check, "HTTP/1.1")) {
		must(check.hosts == 1 && check.host);
		(void)http_check_local(&check);
	}
	free(text);
	return 0;
}
