#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buf.h"
#include "worker/owner.h"

/*
 * A connection as tasks see it: bytes that are read until what is wanted is
 * there, bytes that are written until all are with the kernel. One task reads
 * and one writes at a time. It reads only while a task waits for it, so that
 * a peer that sends more is held up by the kernel.
 */
struct event;
struct task;
struct vm;

#define STREAM_ALL_MAX (16u * 1024u * 1024u) /* bytes that one read gives */
#define STREAM_LINE_MAX (1024u * 1024u)
#define STREAM_MARK_MAX 256u

/* What a read wants. */
enum stream_kind {
	STREAM_BYTES, /* so many: size */
	STREAM_LINE,  /* up to LF or CR LF, of at most size bytes */
	STREAM_SOME,  /* what is there, at least a byte */
	STREAM_ALL,   /* up to the end, of at most size bytes */
	STREAM_MARK,  /* up to mark, of at most size bytes */
};

struct stream_want {
	enum stream_kind kind;
	size_t size;
	uint8_t mark[STREAM_MARK_MAX];
	size_t mark_len;
};

/* What there is of it. */
enum stream_found {
	STREAM_NOT_YET,
	STREAM_FOUND,     /* take bytes, then skip bytes belong to it */
	STREAM_ENDED,     /* it will not come: take bytes are left */
	STREAM_TOO_LARGE,
};

/* One direction: a task uses it (busy), and waits for it (task). */
struct stream_side {
	struct event *ready;
	struct task *task;
	bool busy;
	int error; /* errno: nothing more goes this way; 0: fine */
};

struct stream {
	struct owned owned;
	unsigned references; /* the owner's, and one a wait */
	int fd;              /* -1: closed by us */
	char name[sizeof(((struct address *)0)->text)]; /* of the peer */
	double timeout;      /* seconds of a wait; 0: none */
	struct stream_side reader, writer;
	struct stream_want want; /* of the reader */
	struct buf in;
	size_t at;           /* of in: taken so far */
	size_t looked;       /* bytes behind at without a mark */
	bool ended;          /* the peer has sent all */
	struct buf out;
	size_t sent;         /* of out */
};

/* Takes over fd, which does not block; on the owner list of v. */
struct stream *stream_new(struct vm *v, int fd, const char *name);
struct stream *stream_hold(struct stream *s);
void stream_let_go(struct stream *s);

/* Whether what the reader wants is there. */
enum stream_found stream_look(struct stream *s, size_t *take, size_t *skip);
void stream_take(struct stream *s, size_t n);

/* For wait_start_fn: wakes t when stream_look says more than NOT_YET. */
void stream_read(struct stream *s, struct task *t);

/* The same: when all of out is with the kernel, or never will be. */
void stream_write(struct stream *s, struct task *t);

/* For wait_release_fn: the task is done with that direction. */
void stream_rest(struct stream *s, struct stream_side *side);
