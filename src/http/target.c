/*
 * From a request's target to path segments and query. Called by server.c for
 * every request; pure, bounded by the length of what it is given. It decodes
 * after splitting, so that no escape can make a separator.
 */
#include "http/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/xalloc.h"

/* The value of a hexadecimal digit, or -1. */
static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place; -1 with e if it is no text afterwards. */
static int
decode(char *text, int plus_is_space, struct err *e)
{
	char *out = text, *in;
	int high, low;

	for (in = text; *in; in++) {
		char c = *in;

		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			high = hex(in[1]);
			low = high < 0 ? -1 : hex(in[2]);
			if (low < 0)
				return err_set(e, "a malformed %% escape in "
				    "the request's target");
			c = (char)(high << 4 | low);
			in += 2;
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return err_set(e, "a control character in the "
			    "request's target");
		*out++ = c;
	}
	*out = '\0';
	if (!js_utf8_valid(text, (size_t)(out - text)))
		return err_set(e, "the request's target is not UTF-8");
	return 0;
}

/* Splits the path at its slashes. */
static int
take_path(struct http_target *t, char *path, struct err *e)
{
	char *next;

	for (; path; path = next) {
		next = strchr(path, '/');
		if (next)
			*next++ = '\0';
		if (!next && *path == '\0')
			break;
		if (t->segment_count == HTTP_SEGMENTS_MAX)
			return err_set(e, "the path has over %u segments",
			    HTTP_SEGMENTS_MAX);
		if (decode(path, 0, e) != 0)
			return -1;
		t->segments[t->segment_count++] = path;
	}
	return 0;
}

/* Splits the query at its ampersands and equals signs. */
static int
take_query(struct http_target *t, char *query, struct err *e)
{
	char *next, *value;

	for (; query; query = next) {
		next = strchr(query, '&');
		if (next)
			*next++ = '\0';
		if (*query == '\0')
			continue;
		value = strchr(query, '=');
		if (value)
			*value++ = '\0';
		if (t->query_count == HTTP_QUERY_MAX)
			return err_set(e, "the query has over %u parameters",
			    HTTP_QUERY_MAX);
		if (decode(query, 1, e) != 0 ||
		    (value && decode(value, 1, e) != 0))
			return -1;
		t->query[t->query_count++] = (struct http_pair){query,
		    value ? value : ""};
	}
	return 0;
}

int
http_target_init(struct http_target *t, const char *raw, struct err *e)
{
	char *query;

	*t = (struct http_target){.text = xstrdup(raw)};
	if (*raw != '/')
		return err_set(e, "the request's target is no path");
	query = strchr(t->text, '?');
	if (query)
		*query++ = '\0';
	if (take_path(t, t->text + 1, e) != 0)
		return -1;
	return take_query(t, query, e);
}

void
http_target_release(struct http_target *t)
{
	free(t->text);
	*t = (struct http_target){0};
}

const char *
http_target_query(const struct http_target *t, const char *name)
{
	size_t i;

	for (i = t->query_count; i > 0; i--)
		if (strcmp(t->query[i - 1].name, name) == 0)
			return t->query[i - 1].value;
	return NULL;
}
