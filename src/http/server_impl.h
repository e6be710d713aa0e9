#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "http/request.h"
#include "http/server.h"

/* What the files of http/ share; nobody else includes this. */
struct dict;
struct event;
struct MHD_Connection;
struct MHD_Daemon;

/* What a connection is doing, which decides how long it may. */
enum http_phase {
	HTTP_HEADER, /* the head comes in */
	HTTP_BODY,   /* the body comes in */
	HTTP_HELD,   /* a handler has it: no limit of ours */
	HTTP_SEND,   /* the answer goes out */
	HTTP_IDLE,   /* between two requests */
};

/* How many connections an address has. */
struct http_address {
	unsigned connections;
	char name[64];
};

struct http_conn {
	TAILQ_ENTRY(http_conn) link;
	struct http_server *server;
	int fd;               /* the parser's to close */
	bool adopted;         /* the parser has it */
	bool local_only;
	enum http_phase phase;
	struct event *deadline;
	struct http_address *address; /* NULL: Unix */
	struct http_request *request; /* NULL: none under way */
	char who[64];
};

struct http_header_out {
	char *name;
	char *value;
};
#define HTTP_HEADERS_OUT 16u

struct http_request {
	TAILQ_ENTRY(http_request) link;
	TAILQ_ENTRY(http_request) next; /* while it waits for its turn */
	struct http_server *server; /* NULL: it was freed */
	struct http_conn *conn;     /* NULL: the client has gone */
	struct MHD_Connection *parser;
	char *raw;                  /* the target as it came */
	char method[16];
	char who[64];
	struct http_target target;
	const struct http_route *route;
	struct buf body;
	struct buf out;
	struct http_header_out headers[HTTP_HEADERS_OUT];
	size_t header_count;
	unsigned status;
	bool begun;      /* its head has been checked */
	bool has_body;
	bool waiting;    /* for time to be read or handled */
	bool due;        /* its time has come: its next step is taken */
	bool whole;      /* it has been read */
	bool dispatched; /* the handler has had it */
	bool suspended;  /* the parser waits for the answer */
	bool answered;
	bool close;      /* the connection ends with it */
};

struct http_listener {
	TAILQ_ENTRY(http_listener) link;
	struct http_server *server;
	int fd;
	int dir;     /* of a Unix socket: the folder, else -1 */
	char *name;
	char *file;  /* of a Unix socket: its name in dir */
	bool local_only;
	struct event *ready;
	struct event *again; /* after a pause for want of descriptors */
	bool waiting;        /* connections are there to be accepted */
};

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	const struct http_routes *routes;
	void *arg;
	struct MHD_Daemon *daemon;
	struct event *epoll;
	bool more;           /* the parser has something to do */
	bool closing;        /* nothing is handled any more */
	int64_t until_us;    /* this turn's share ends */
	int64_t left_us;     /* the last one ended */
	TAILQ_HEAD(, http_request) waiting;
	TAILQ_HEAD(, http_listener) listeners;
	TAILQ_HEAD(http_conns, http_conn) conns;
	TAILQ_HEAD(, http_request) requests;
	size_t connections;
	struct dict *addresses;
	uint64_t body_bytes;
};

/* listener.c: takes connections that wait, one in any case. */
void http_listeners_accept(struct http_server *s);
void http_listeners_close(struct http_server *s);

/* conn.c: NULL if one of the caps is reached; address NULL: Unix. */
struct http_conn *http_conn_new(struct http_listener *l, int fd,
    const char *address, const char *who);
void http_conn_free(struct http_conn *c);
void http_conn_set_phase(struct http_conn *c, enum http_phase phase);

/* Answers past the parser, then shuts down: nothing else may be under way. */
void http_conn_refuse(struct http_conn *c, unsigned status,
    const char *why);

/* Writes a refusal to a descriptor that the caller closes. */
void http_refuse_fd(int fd, unsigned status, const char *why);

/* request.c */
struct http_request *http_request_new(struct http_conn *c, const char *raw);
void http_request_free(struct http_request *r);

/* The connection has no more to do with its request. */
void http_request_detach(struct http_request *r);

/* turn.c: is there time for more in this turn? */
bool http_turn_has_time(const struct http_server *s);

/*
 * False: the request's next step (a piece of its body, its handler) has to
 * wait, in the order in which requests began to; it is called again then, or
 * handled if it is whole. Its connection is to be suspended.
 */
bool http_turn_take(struct http_request *r);
void http_turn_forget(struct http_request *r);

/*
 * server.c: gives a connection to the parser; wakes a held one; lets the
 * parser work once, which reads and answers at most two requests of each
 * connection; calls a request's handler.
 */
void http_adopt(struct http_conn *c, const void *address, unsigned len);
void http_wake(struct http_request *r);
void http_parse(struct http_server *s);
void http_handle(struct http_request *r);
