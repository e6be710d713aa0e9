#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "wire/frame.h"

#define PEER_FDS 4u /* descriptors in one message, or waiting */

struct event;
struct event_base;
struct peer;

/*
 * One end of a link (a stream socket) on an event loop: gathers whole
 * messages from what arrives, and sends what was queued when it is told to.
 * Uses plain reads and writes, since a bufferevent of libevent 2.1 takes at
 * most 4096 bytes at a time.
 *
 * What one link may take of a turn of the loop is bounded in bytes, in
 * messages and in the time that they take; the rest comes in the next turn,
 * when the others have had theirs.
 */
#define PEER_TURN_MESSAGES 256u
#define PEER_TURN_US 5000

/*
 * A whole message; f->body is borrowed until the function returns or calls
 * peer_call. The function must not release the peer.
 */
typedef void peer_message_fn(struct peer *p, const struct frame *f);

/*
 * The link ended: why is NULL at a plain end of file, else says what was
 * wrong. Called once; the peer still has to be released, but later: not from
 * inside this call.
 */
typedef void peer_closed_fn(struct peer *p, const char *why);

/* A descriptor that leaves with the byte of the output at that place. */
struct peer_fd {
	size_t at;
	int fd;
};

struct peer {
	int fd;
	void *owner;
	peer_message_fn *on_message;
	peer_closed_fn *on_closed;
	struct event *readable;
	struct event *writable;
	struct buf in;
	size_t in_at; /* decoded so far */
	unsigned depth; /* handlers entered */
	struct buf whole; /* a message in parts, so far */
	uint8_t whole_type;
	uint32_t whole_id;
	struct buf out;
	size_t out_sent;
	struct buf later; /* whole messages set aside by peer_call */
	struct event *deferred; /* what is to be handed out without a read */
	int fds[PEER_FDS]; /* descriptors received and not yet taken */
	unsigned nfds;
	struct peer_fd out_fds[PEER_FDS]; /* queued, in their order */
	unsigned nout_fds;
	size_t max_message;
	bool paused;
	bool more;     /* than a turn takes: deferred goes on with it */
	bool draining; /* ends when there is nothing more to read */
	bool closed;
};

/*
 * Takes over fd, a blocking one. max_message bounds a message in parts;
 * a larger one ends the link. Reading starts at once.
 */
void peer_init(struct peer *p, struct event_base *base, int fd,
    size_t max_message, peer_message_fn *on_message,
    peer_closed_fn *on_closed, void *owner);
void peer_release(struct peer *p);

/* Queues a message; nothing is written before peer_flush. */
void peer_queue(struct peer *p, uint8_t type, uint32_t id, const void *body,
    size_t len);

/*
 * Queues a message with a descriptor, which stays the caller's (the link has
 * a copy of its own). The other end finds it with peer_take_fd as soon as it
 * has the message. -1 when PEER_FDS wait already: that end does not read; or
 * with errno when there is no descriptor left for the copy.
 */
int peer_queue_fd(struct peer *p, uint8_t type, uint32_t id,
    const void *body, size_t len, int fd);

/* Writes what it can; the rest goes out when the socket takes it. */
void peer_flush(struct peer *p);

/*
 * Reads all that is there and then ends the link: its process is dead, so
 * nothing more can come. It takes as many turns as it has to, and waits while
 * the link is paused. on_closed is called as for any end, perhaps from here.
 */
void peer_drain(struct peer *p);

/* How many bytes wait to be written. */
size_t peer_backlog(const struct peer *p);

/* Stops and restarts reading (flow control). */
void peer_pause(struct peer *p);
void peer_resume(struct peer *p);

/*
 * Sends a small message (PIPE_BUF) with descriptors (at most PEER_FDS) at once
 * and past the queue; for the spawner's link alone. It never waits: -1 with
 * errno, and nothing sent, when the link is full (EAGAIN, ENOBUFS,
 * ETOOMANYREFS) or dead (EPIPE, ECONNRESET). The descriptors stay the
 * caller's.
 */
int peer_send_fds(struct peer *p, uint8_t type, uint32_t id,
    const void *body, size_t len, const int *fds, unsigned nfds);

/* Takes the oldest received descriptor, or -1. The caller closes it. */
int peer_take_fd(struct peer *p);

/*
 * Flushes and waits, blocking, for the REPLY to id; appends its body to
 * reply. Other messages that come meanwhile are handed to on_message later,
 * from the loop, in their order. -1: the link is dead.
 */
int peer_call(struct peer *p, uint32_t id, struct buf *reply);
