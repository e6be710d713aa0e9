/*
 * Paging, as StackStorm's own client asks for it.
 */
#include "api/page.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A whole number of the query; fallback if absent; -1 with *bad. */
static int
number(struct http_request *r, const char *name, long fallback, long *out)
{
	const char *text = http_query(r, name);
	char *end;

	*out = fallback;
	if (!text || *text == '\0')
		return 0;
	errno = 0;
	*out = strtol(text, &end, 10);
	if (*end == '\0' && errno == 0 && (*text == '-' ||
	    (*text >= '0' && *text <= '9')))
		return 0;
	http_fail(r, 400, "%s, \"%s\" specified, must be a number.", name,
	    text);
	return -1;
}

int
page_init(struct page *p, struct http_request *r)
{
	long limit, offset;

	*p = (struct page){0};
	if (number(r, "limit", PAGE_DEFAULT, &limit) != 0 ||
	    number(r, "offset", 0, &offset) != 0)
		return -1;
	if (limit == 0 || limit < -1) {
		http_fail(r, 400, "Limit, \"%ld\" specified, must be a "
		    "positive number.", limit);
		return -1;
	}
	if (offset < 0) {
		http_fail(r, 400, "Offset, \"%ld\" specified, must not be "
		    "negative.", offset);
		return -1;
	}
	if (limit < 0)
		limit = PAGE_MAX;
	if (limit > (long)PAGE_MAX) {
		http_fail(r, 400, "Limit \"%ld\" specified, maximum value is "
		    "\"%u\"", limit, PAGE_MAX);
		return -1;
	}
	p->limit = (size_t)limit;
	p->offset = (size_t)offset;
	return 0;
}

int
page_takes(struct page *p)
{
	size_t at = p->total++;

	return at >= p->offset && at - p->offset < p->limit;
}

void
page_headers(const struct page *p, struct http_request *r)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", p->total);
	http_add_header(r, "X-Total-Count", text);
	snprintf(text, sizeof(text), "%zu", p->limit);
	http_add_header(r, "X-Limit", text);
}
