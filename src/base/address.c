/*
 * Addresses of stream sockets: read, spelled, and compared with the ranges
 * that a configuration allows. Called by core (where sensors may listen), by
 * the host's configuration and by workers. It must never ask a resolver.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIX "unix:"
#define UNIX_LEN (sizeof(UNIX) - 1)
#define HOST_MAX 64

/* Writes the one spelling of a->to into a->text. */
static void
spell(struct address *a)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->to.any.sa_family == AF_UNIX) {
		snprintf(a->text, sizeof(a->text), UNIX "%s",
		    a->to.path.sun_path);
	} else if (a->to.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->to.six.sin6_addr, host, sizeof(host));
		snprintf(a->text, sizeof(a->text), "[%s]:%u", host,
		    ntohs(a->to.six.sin6_port));
	} else {
		inet_ntop(AF_INET, &a->to.four.sin_addr, host, sizeof(host));
		snprintf(a->text, sizeof(a->text), "%s:%u", host,
		    ntohs(a->to.four.sin_port));
	}
}

/* The address of a Unix path. */
static int
parse_path(struct address *a, const char *path, struct err *e)
{
	size_t len = strlen(path);

	if (*path != '/' || len == 1)
		return err_set(e, "\"" UNIX "%s\": the path must be absolute, "
		    "such as " UNIX "/run/x.sock", path);
	if (len >= sizeof(a->to.path.sun_path))
		return err_set(e, "\"" UNIX "%s\": the path has %zu bytes, "
		    "the system takes %zu", path, len,
		    sizeof(a->to.path.sun_path) - 1);
	a->to.path.sun_family = AF_UNIX;
	memcpy(a->to.path.sun_path, path, len + 1);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	spell(a);
	return 0;
}

/* The host without brackets; false if it cannot be an address. */
static bool
strip(const char *host, char bare[HOST_MAX])
{
	bool brackets;
	size_t len;

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	len = strlen(host);
	brackets = len > 2 && host[0] == '[' && host[len - 1] == ']';
	if (brackets) {
		host++;
		len -= 2;
	}
	if (len >= HOST_MAX)
		return false;
	memcpy(bare, host, len);
	bare[len] = '\0';
	return !brackets || strchr(bare, ':');
}

int
address_parse(struct address *a, const char *host, uint16_t port,
    struct err *e)
{
	char bare[HOST_MAX];

	memset(a, 0, sizeof(*a));
	if (strncmp(host, UNIX, UNIX_LEN) == 0)
		return parse_path(a, host + UNIX_LEN, e);
	if (!strip(host, bare)) {
		;
	} else if (inet_pton(AF_INET, bare, &a->to.four.sin_addr) == 1) {
		a->to.four.sin_family = AF_INET;
		a->len = sizeof(a->to.four);
	} else if (inet_pton(AF_INET6, bare, &a->to.six.sin6_addr) == 1) {
		a->to.six.sin6_family = AF_INET6;
		a->len = sizeof(a->to.six);
	}
	if (a->len == 0)
		return err_set(e, "\"%.200s\" is no numeric address: write it "
		    "as 127.0.0.1, ::1, localhost or " UNIX "/run/x.sock",
		    host);
	address_set_port(a, port);
	return 0;
}

void
address_set_port(struct address *a, uint16_t port)
{
	if (a->to.any.sa_family == AF_INET)
		a->to.four.sin_port = htons(port);
	else if (a->to.any.sa_family == AF_INET6)
		a->to.six.sin6_port = htons(port);
	spell(a);
}

bool
address_any_port(const struct address *a)
{
	switch (a->to.any.sa_family) {
	case AF_INET:
		return a->to.four.sin_port == 0;
	case AF_INET6:
		return a->to.six.sin6_port == 0;
	default:
		return false;
	}
}

int
address_of_socket(struct address *a, int fd, bool peer)
{
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->to);
	if ((peer ? getpeername(fd, &a->to.any, &a->len) :
	    getsockname(fd, &a->to.any, &a->len)) != 0)
		return -1;
	a->to.path.sun_path[sizeof(a->to.path.sun_path) - 1] = '\0';
	spell(a);
	return 0;
}

/* The port in the machine's byte order; 0 of a path. */
static uint16_t
port_of(const struct address *a)
{
	return a->to.any.sa_family == AF_INET ? ntohs(a->to.four.sin_port) :
	    a->to.any.sa_family == AF_INET6 ? ntohs(a->to.six.sin6_port) : 0;
}

void
address_split(const struct address *a, char host[sizeof(a->text)],
    uint16_t *port)
{
	*port = port_of(a);
	if (a->to.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->to.four.sin_addr, host,
		    sizeof(a->text));
	else if (a->to.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->to.six.sin6_addr, host,
		    sizeof(a->text));
	else
		memcpy(host, a->text, sizeof(a->text));
}

/* A range taken apart. */
struct range {
	struct address host; /* len 0: any */
	unsigned long low, high;
};

/* Reads digits; false if there are none. */
static bool
read_port(const char **at, unsigned long *port)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*port = strtoul(*at, &end, 10);
	*at = end;
	return *port <= 65535;
}

/* Reads host:low-high. */
static bool
parse_range(struct range *r, const char *text)
{
	const char *colon = strrchr(text, ':'), *at = colon + 1;
	char host[HOST_MAX];
	struct err e;

	r->host.len = 0;
	if (!colon || colon == text || colon - text >= HOST_MAX ||
	    !read_port(&at, &r->low))
		return false;
	r->high = r->low;
	if (*at == '-' && (at++, !read_port(&at, &r->high)))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (*at != '\0' || r->low > r->high ||
	    (strchr(host, ':') && host[0] != '['))
		return false;
	return strcmp(host, "*") == 0 ||
	    address_parse(&r->host, host, 0, &e) == 0;
}

/* Whether a path is the range's own, or lies directly in its folder. */
static bool
path_in(const char *path, const char *range)
{
	size_t len = strlen(range);

	if (len > 0 && range[len - 1] != '/')
		return strcmp(path, range) == 0;
	return strncmp(path, range, len) == 0 && path[len] != '\0' &&
	    !strchr(path + len, '/') && strcmp(path + len, ".") != 0 &&
	    strcmp(path + len, "..") != 0;
}

/* Whether the host of a is the range's. */
static bool
host_in(const struct address *a, const struct address *host)
{
	const struct in6_addr *six = &host->to.six.sin6_addr;
	in_addr_t four = host->to.four.sin_addr.s_addr;

	if (host->len == 0)
		return true;
	if (host->to.any.sa_family != a->to.any.sa_family)
		return false;
	if (host->to.any.sa_family == AF_INET)
		return four == INADDR_ANY ||
		    four == a->to.four.sin_addr.s_addr;
	return IN6_IS_ADDR_UNSPECIFIED(six) ||
	    IN6_ARE_ADDR_EQUAL(six, &a->to.six.sin6_addr);
}

bool
address_in(const struct address *a, const char *text)
{
	struct range r;

	if (a->to.any.sa_family == AF_UNIX)
		return strncmp(text, UNIX "/", UNIX_LEN + 1) == 0 &&
		    path_in(a->to.path.sun_path, text + UNIX_LEN);
	return strncmp(text, UNIX, UNIX_LEN) != 0 && parse_range(&r, text) &&
	    host_in(a, &r.host) && port_of(a) >= r.low &&
	    port_of(a) <= r.high;
}

bool
address_is_range(const char *text)
{
	struct range r;

	if (strncmp(text, UNIX, UNIX_LEN) == 0)
		return text[UNIX_LEN] == '/';
	return parse_range(&r, text);
}
