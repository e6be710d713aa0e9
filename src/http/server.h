#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "http/route.h"

/*
 * The HTTP server on the loop: listens, reads requests strictly and within
 * limits and deadlines, hands each to the handler of its route. Its events
 * only note what there is to do. The owner of the loop calls
 * http_server_turn() once a turn, when it has done all else.
 */
struct event_base;
struct http_server;

struct http_limits {
	uint64_t max_header;        /* bytes of the whole head: over is 431 */
	uint64_t max_body;          /* bytes: over is 413 */
	int64_t header_timeout_us;  /* for the whole head: then 408 */
	int64_t body_timeout_us;    /* for the whole body: then 408 */
	int64_t idle_timeout_us;    /* between requests, and for an answer to
	                             * be taken: then the connection closes */
	int64_t max_connections;    /* over: 503 */
	int64_t max_per_address;    /* of TCP connections: over is 503 */
};

/* Bodies of all requests together; beyond it 503. */
#define HTTP_BODIES_MAX (256u * 1024u * 1024u)

/* Borrows routes (and their table) for its life. */
struct http_server *http_server_new(struct event_base *base,
    const struct http_limits *limits, const struct http_routes *routes,
    void *arg);

/*
 * Other limits from now on: for requests and connections still to come, apart
 * from max_header and max_connections, which stay.
 */
void http_server_limit(struct http_server *s,
    const struct http_limits *limits);

/*
 * Accepts, reads, handles and answers for a share of the turn: a quarter as
 * long as the loop has been busy or idle with all else since, between 0.1
 * and 5 ms; but at least one connection and one request that wait.
 */
void http_server_turn(struct http_server *s);

/* True if the next turn should come at once. */
bool http_server_pending(const struct http_server *s);

/*
 * Ends listening, and no handler is called any more: what is asked now is
 * answered with 503. Requests that are held can still be answered.
 */
void http_server_stop(struct http_server *s);

/*
 * Closes everything; answers that are ready still go out as far as the
 * sockets take them. Requests that are still held must be answered
 * afterwards all the same, or their memory is lost.
 */
void http_server_free(struct http_server **s);

/*
 * Listens on the Unix socket `name` in folder `dir`, replacing one that is
 * there; the folder's path may have any length.
 */
int http_listen_unix(struct http_server *s, const char *dir,
    const char *name, unsigned mode, struct err *e);

/*
 * Listens on "address:port"; port 0 takes a free one. With local_only, Host
 * must be a loopback name and Origin absent or our own (403).
 */
int http_listen_tcp(struct http_server *s, const char *address,
    bool local_only, struct err *e);

/* Serves a stream socket that listens already; takes fd. */
void http_listen_fd(struct http_server *s, int fd, bool local_only);

/*
 * Where a socket is bound, as http_listener_name says it; freed by the
 * caller. NULL: neither Unix nor TCP.
 */
char *http_socket_name(int fd, bool *tcp, bool *loopback);

/* True if an "address:port" is a loopback one; -1 with e if it is none. */
int http_address_is_loopback(const char *address, bool *loopback,
    struct err *e);

/* The i-th listener as text: a path, or "http://127.0.0.1:9101"; or NULL. */
const char *http_listener_name(const struct http_server *s, size_t i);
size_t http_connection_count(const struct http_server *s);
