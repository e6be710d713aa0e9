/*
 * Strictness of a request's head. Called by server.c at the first sight of a
 * request; pure. It must never accept what another server could read as a
 * different request.
 */
#include "http/check.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

/* A character of a token (RFC 9110, 5.6.2). */
static bool
is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || (c != '\0' &&
	    strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* True if a header has this name. */
static bool
is_named(const char *name, size_t len, const char *wanted)
{
	return len == strlen(wanted) && strncasecmp(name, wanted, len) == 0;
}

/* Content-Length: digits, and a number that can be meant. */
static void
check_length(struct http_check *c, const char *value, size_t len)
{
	size_t i;

	c->length = 0;
	if (len == 0 || len > 18)
		c->bad = "Content-Length is no number";
	for (i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9') {
			c->bad = "Content-Length is no number";
			return;
		}
		c->length = 10 * c->length + (unsigned)(value[i] - '0');
	}
}

/* The headers that say where the request ends and whom it is for. */
static void
check_known(struct http_check *c, const char *name, size_t name_len,
    const char *value, size_t len)
{
	if (is_named(name, name_len, "content-length")) {
		c->lengths++;
		check_length(c, value, len);
	} else if (is_named(name, name_len, "transfer-encoding")) {
		c->encodings++;
		c->chunked = true;
		if (!is_named(value, len, "chunked"))
			c->bad = "Transfer-Encoding is not \"chunked\"";
	} else if (is_named(name, name_len, "host")) {
		c->hosts++;
		c->host = value;
	} else if (is_named(name, name_len, "origin")) {
		c->origins++;
		c->origin = value;
	}
}

void
http_check_header(struct http_check *c, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	size_t i;

	c->headers++;
	if (name_len == 0)
		c->bad = "a header without a name";
	for (i = 0; i < name_len; i++)
		if (!is_token((unsigned char)name[i]))
			c->bad = "a header's name is no token";
	for (i = 0; i < value_len; i++) {
		unsigned char v = (unsigned char)value[i];

		if ((v < ' ' && v != '\t') || v == 0x7f)
			c->bad = "a control character in a header";
	}
	if (!c->bad)
		check_known(c, name, name_len, value, value_len);
}

const char *
http_check_end(struct http_check *c, const char *version)
{
	bool old = strcmp(version, "HTTP/1.0") == 0;

	if (!old && strcmp(version, "HTTP/1.1") != 0)
		c->bad = "neither HTTP/1.0 nor HTTP/1.1";
	else if (c->bad)
		;
	else if (c->lengths + c->encodings > 1)
		c->bad = "more than one Content-Length or Transfer-Encoding";
	else if (old && c->encodings > 0)
		c->bad = "Transfer-Encoding in HTTP/1.0";
	else if (c->hosts != 1)
		c->bad = "not exactly one Host";
	else if (c->origins > 1)
		c->bad = "more than one Origin";
	return c->bad;
}

/* The length of the name in front of an optional port; 0: nonsense. */
static size_t
name_length(const char *host)
{
	const char *end = *host == '[' ? strchr(host, ']') : NULL;
	size_t n = end ? (size_t)(end - host) + 1 : strcspn(host, ":");
	const char *port = host + n;

	if (*port == ':')
		port += 1 + strspn(port + 1, "0123456789");
	return *port == '\0' ? n : 0;
}

/* 127.0.0.1 and its like: four numbers, the first 127. */
static bool
is_loopback_v4(const char *name, size_t n)
{
	unsigned parts = 0, value = 0, digits = 0;
	size_t i;

	for (i = 0; i <= n; i++) {
		if (i < n && name[i] >= '0' && name[i] <= '9') {
			value = 10 * value + (unsigned)(name[i] - '0');
			if (++digits > 3 || value > 255)
				return false;
		} else if ((i < n && name[i] != '.') || digits == 0 ||
		    (parts == 0 && value != 127)) {
			return false;
		} else {
			parts++;
			value = digits = 0;
		}
	}
	return parts == 4;
}

/* A name that only this machine has for itself. */
static bool
is_loopback(const char *host)
{
	size_t n = name_length(host);

	return is_named(host, n, "localhost") || is_named(host, n, "[::1]") ||
	    is_loopback_v4(host, n);
}

bool
http_check_local(const struct http_check *c)
{
	const char *origin = c->origin;

	if (!c->host || !is_loopback(c->host))
		return false;
	if (!origin)
		return true;
	if (strncasecmp(origin, "http://", 7) != 0 &&
	    strncasecmp(origin, "https://", 8) != 0)
		return false;
	return strcasecmp(strstr(origin, "//") + 2, c->host) == 0;
}
