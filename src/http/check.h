#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What a request's head must be, beyond what the parser insists on: two
 * servers that read the same bytes must not see two different requests. Fed
 * header by header, then asked. All-zero is a fresh one.
 */
#define HTTP_HEADERS_MAX 100

struct http_check {
	unsigned headers;
	unsigned hosts;
	unsigned lengths;   /* Content-Length */
	unsigned encodings; /* Transfer-Encoding */
	unsigned origins;
	bool chunked;
	const char *host;   /* borrowed from the caller, as fed */
	const char *origin;
	unsigned long long length; /* of Content-Length */
	const char *bad;    /* the first thing that is wrong; static text */
};

void http_check_header(struct http_check *c, const char *name,
    size_t name_len, const char *value, size_t value_len);

/* NULL, or what is wrong with the head as a whole; static text. */
const char *http_check_end(struct http_check *c, const char *version);

/*
 * Whether a browser's page elsewhere cannot have sent this: Host is a
 * loopback name and Origin absent or that same place.
 */
bool http_check_local(const struct http_check *c);
