#pragma once

#include <stddef.h>

#include "base/err.h"

/*
 * A request's target, taken apart: the segments of its path and its query,
 * both percent-decoded, in UTF-8, without NUL or control characters.
 */
#define HTTP_SEGMENTS_MAX 16u
#define HTTP_QUERY_MAX 64u

struct http_pair {
	const char *name;
	const char *value;
};

struct http_target {
	char *text; /* holds all of it */
	const char *segments[HTTP_SEGMENTS_MAX];
	size_t segment_count;
	struct http_pair query[HTTP_QUERY_MAX];
	size_t query_count;
};

/*
 * Takes "/v1/a%2Fb?limit=5&x=1+2" apart; of an empty last segment nothing is
 * kept. -1 with e: malformed, or more than can be meant.
 */
int http_target_init(struct http_target *t, const char *raw, struct err *e);
void http_target_release(struct http_target *t);

/* The value of a name in the query, the last one if repeated; or NULL. */
const char *http_target_query(const struct http_target *t, const char *name);
