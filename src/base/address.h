#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

/*
 * Addresses of stream sockets, by number and never by a name that somebody
 * would have to be asked for: IPv4, IPv6 and Unix paths.
 */
struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
		struct sockaddr_un path;
	} to;
	socklen_t len;
	/* "127.0.0.1:9000", "[::1]:9000", "unix:/run/x": one spelling each */
	char text[sizeof(struct sockaddr_un) + 8];
};

/*
 * host: an IPv4 or IPv6 address (brackets are fine), localhost (127.0.0.1),
 * or unix: and an absolute path, where port means nothing. -1 with *e when
 * it is none of these.
 */
int address_parse(struct address *a, const char *host, uint16_t port,
    struct err *e);

/* Another port for the same host; leaves a Unix path as it is. */
void address_set_port(struct address *a, uint16_t port);

/* Whether it is a host with port 0: any that is free. Never a Unix path. */
bool address_any_port(const struct address *a);

/* What a socket is bound to (peer: connected to); -1 with errno. */
int address_of_socket(struct address *a, int fd, bool peer);

/* "127.0.0.1" and 9000; of a Unix path "unix:/run/x" and 0. */
void address_split(const struct address *a, char host[sizeof(a->text)],
    uint16_t *port);

/*
 * Whether a is within a range: host:port, host:low-high, where host is as
 * above or * (any) or 0.0.0.0 or [::] (any of its family); unix:/path; or
 * unix:/folder/ for whatever lies directly in it. Never in what is no range.
 */
bool address_in(const struct address *a, const char *range);

/* Whether the text is such a range. */
bool address_is_range(const char *range);
