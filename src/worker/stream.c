/*
 * Connections: a descriptor with a buffer for each direction. Called by
 * bind_socket.c and the loop. It must never call Lua, and never read more
 * than the waiting task has asked for by more than a chunk.
 */
#include "worker/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/task.h"
#include "worker/vm.h"

#define CHUNK (16u * 1024u)
#define CHUNKS_AT_ONCE 64

/* Wakes the task that waits in a direction. */
static void
wake(struct stream_side *side)
{
	struct task *t = side->task;

	side->task = NULL;
	if (t)
		task_wake(t);
}

/* Whether it is all over with a direction. */
static bool
is_over(const struct stream *s, const struct stream_side *side)
{
	return s->fd < 0 || side->error != 0;
}

/* How far the reader's bytes reach: `rest` bytes are there. */
static enum stream_found
look_for_mark(struct stream *s, const uint8_t *mark, size_t len, size_t rest,
    size_t *take, size_t *skip)
{
	const uint8_t *from = s->in.data + s->at;
	size_t begin = s->looked >= len ? s->looked - (len - 1) : 0;
	const uint8_t *found = rest > begin ?
	    memmem(from + begin, rest - begin, mark, len) : NULL;

	*take = found ? (size_t)(found - from) : rest;
	*skip = len;
	if (*take > s->want.size)
		return STREAM_TOO_LARGE;
	if (found)
		return STREAM_FOUND;
	s->looked = rest;
	return STREAM_NOT_YET;
}

/* The same for a line, whose end may be CR LF. */
static enum stream_found
look_for_line(struct stream *s, size_t rest, size_t *take, size_t *skip)
{
	enum stream_found r = look_for_mark(s, (const uint8_t *)"\n", 1, rest,
	    take, skip);

	if (r == STREAM_FOUND && *take > 0 &&
	    s->in.data[s->at + *take - 1] == '\r') {
		--*take;
		++*skip;
	}
	return r;
}

enum stream_found
stream_look(struct stream *s, size_t *take, size_t *skip)
{
	size_t rest = s->in.len - s->at;
	const struct stream_want *w = &s->want;
	bool over = s->ended || is_over(s, &s->reader);
	enum stream_found r = STREAM_NOT_YET;

	*take = rest;
	*skip = 0;
	if (w->kind == STREAM_MARK) {
		r = look_for_mark(s, w->mark, w->mark_len, rest, take, skip);
	} else if (w->kind == STREAM_LINE) {
		r = look_for_line(s, rest, take, skip);
	} else if (w->kind == STREAM_ALL) {
		if (rest > w->size)
			r = STREAM_TOO_LARGE;
		else if (s->ended)
			r = STREAM_FOUND;
	} else if (rest >= (w->kind == STREAM_SOME ? 1 : w->size)) {
		if (*take > w->size)
			*take = w->size;
		r = STREAM_FOUND;
	}
	return r == STREAM_NOT_YET && over ? STREAM_ENDED : r;
}

void
stream_take(struct stream *s, size_t n)
{
	s->at += n;
	s->looked = 0;
	if (s->at < s->in.len)
		return;
	s->at = 0;
	buf_reset(&s->in, CHUNK);
}

/* Reads a chunk; false if there is nothing now, or nothing more. */
static bool
read_chunk(struct stream *s)
{
	ssize_t n;

	if (s->at > 0)
		buf_drain(&s->in, s->at);
	s->at = 0;
	n = read(s->fd, buf_reserve(&s->in, CHUNK), CHUNK);
	if (n > 0)
		s->in.len += (size_t)n;
	else if (n == 0)
		s->ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		s->reader.error = errno;
	return n > 0;
}

/* Reads until what is wanted is there, or the peer has to send more. */
static void
go_on_reading(struct stream *s)
{
	size_t take, skip;
	int i;

	for (i = 0; stream_look(s, &take, &skip) == STREAM_NOT_YET; i++) {
		if (i < CHUNKS_AT_ONCE && read_chunk(s))
			continue;
		if (s->ended || s->reader.error)
			continue;
		must(event_add(s->reader.ready, NULL) == 0);
		return;
	}
	wake(&s->reader);
}

/* Writes until all is written, or the kernel takes no more now. */
static void
go_on_writing(struct stream *s)
{
	ssize_t n;

	while (!is_over(s, &s->writer) && s->sent < s->out.len) {
		n = send(s->fd, s->out.data + s->sent, s->out.len - s->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			s->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			must(event_add(s->writer.ready, NULL) == 0);
			return;
		} else if (errno != EINTR) {
			s->writer.error = errno;
		}
	}
	wake(&s->writer);
}

/* event_callback_fn: the peer has sent something. */
static void
readable_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	go_on_reading(arg);
}

/* event_callback_fn: there is room for more. */
static void
writable_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	go_on_writing(arg);
}

void
stream_read(struct stream *s, struct task *t)
{
	s->reader.task = t;
	go_on_reading(s);
}

void
stream_write(struct stream *s, struct task *t)
{
	s->writer.task = t;
	go_on_writing(s);
}

/* owned_release_fn for `collected`: closes what Lua has lost sight of. */
static void
stream_collected(struct owned *o)
{
	const struct stream *s = (struct stream *)o;

	/* A task that waits in it has no handle on its stack. */
	if (!s->reader.busy && !s->writer.busy)
		owned_close(o);
}

void
stream_rest(struct stream *s, struct stream_side *side)
{
	side->busy = false;
	side->task = NULL;
	if (side->ready)
		event_del(side->ready);
	if (side == &s->writer) {
		s->sent = 0;
		buf_reset(&s->out, CHUNK);
	}
	if (s->fd >= 0 && !s->owned.handle)
		stream_collected(&s->owned);
	stream_let_go(s);
}

/* Ends a direction: whoever waits hears of it. */
static void
end_side(struct stream_side *side)
{
	event_free(side->ready);
	side->ready = NULL;
	wake(side);
}

/* owned_release_fn */
static void
stream_release(struct owned *o)
{
	struct stream *s = (struct stream *)o;
	int fd = s->fd;

	s->fd = -1;
	end_side(&s->reader);
	end_side(&s->writer);
	close(fd);
	stream_let_go(s);
}

struct stream *
stream_hold(struct stream *s)
{
	s->references++;
	return s;
}

void
stream_let_go(struct stream *s)
{
	if (--s->references > 0)
		return;
	buf_release(&s->in);
	buf_release(&s->out);
	free(s);
}

struct stream *
stream_new(struct vm *v, int fd, const char *name)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->references = 1;
	s->fd = fd;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->reader.ready = event_new(v->base, fd, EV_READ, readable_cb, s);
	s->writer.ready = event_new(v->base, fd, EV_WRITE, writable_cb, s);
	must(s->reader.ready && s->writer.ready);
	owner_add(&v->owner, &s->owned, stream_release);
	s->owned.collected = stream_collected;
	return s;
}
