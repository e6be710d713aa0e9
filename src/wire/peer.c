/*
 * One end of a link between two of our processes: reads what arrives into a
 * buffer of its own, hands out whole messages, sends what was queued when it
 * is told to. Core has one for each worker and one for the spawner; they
 * have one for core. It must never act on a message, and never hold the
 * loop: see the bounds of a turn in the header.
 */
#include "wire/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "wire/msg.h"
#include "wire/peer_impl.h"

#define READ_CHUNK (256u * 1024u)
#define READ_TURN (4u * READ_CHUNK)
#define KEEP (64u * 1024u)

/* Ends the link once; why as in peer_closed_fn. */
static void
fail(struct peer *p, const char *why)
{
	if (p->closed)
		return;
	p->closed = true;
	event_del(p->readable);
	event_del(p->writable);
	event_del(p->deferred);
	p->on_closed(p, why);
}

/*
 * One recvmsg into the buffer; wait is MSG_DONTWAIT, or 0 to wait for bytes.
 * Returns bytes read, 0 when there is nothing now, -1 at the end of the link
 * (*why as in peer_closed_fn).
 */
static ssize_t
read_some(struct peer *p, int wait, const char **why)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(PEER_FDS * sizeof(int))];
	} control;
	struct iovec iov = {buf_reserve(&p->in, READ_CHUNK), READ_CHUNK};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(p->fd, &m, wait | MSG_CMSG_CLOEXEC);

	*why = NULL;
	if (n > 0) {
		peer_keep_fds(p, &m);
		p->in.len += (size_t)n;
		return n;
	}
	if (n == 0)
		return -1;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno != ECONNRESET)
		*why = strerror(errno);
	return -1;
}

/* Joins a frame to a message in parts; true if f now is a whole message. */
static bool
join_parts(struct peer *p, struct frame *f)
{
	bool joining = p->whole.len > 0;

	if (!joining && !(f->flags & FRAME_MORE)) {
		if (f->len <= p->max_message)
			return true;
		fail(p, "a message is too large");
		return false;
	}
	if (joining && (f->type != p->whole_type || f->id != p->whole_id)) {
		fail(p, "a message in parts was broken off");
		return false;
	}
	if (p->whole.len + f->len > p->max_message) {
		fail(p, "a message is too large");
		return false;
	}
	p->whole_type = f->type;
	p->whole_id = f->id;
	buf_put(&p->whole, f->body, f->len);
	if (f->flags & FRAME_MORE)
		return false;
	f->body = p->whole.data;
	f->len = (uint32_t)p->whole.len;
	return true;
}

/* What to do with each whole message: hand it out, or look for a reply. */
typedef bool take_fn(struct peer *p, const struct frame *f, void *arg);

/* Gives one whole message to `take`; a joined one is kept alive meanwhile. */
static bool
take_one(struct peer *p, const struct frame *f, take_fn *take, void *arg)
{
	struct buf joined = p->whole;
	bool stop;

	buf_init(&p->whole);
	stop = take(p, f, arg);
	buf_release(&joined);
	return stop;
}

/*
 * Takes whole messages out of the buffer until `take` says to stop. May be
 * entered again from inside `take` (a message whose handler makes a
 * peer_call): the offset is the peer's, and only the outermost call moves
 * the bytes.
 */
static bool
take_messages(struct peer *p, take_fn *take, void *arg)
{
	bool stop = false;
	size_t used;

	p->depth++;
	while (!stop && !p->closed && !p->paused) {
		struct frame f;
		enum frame_result r = frame_decode(p->in.data + p->in_at,
		    p->in.len - p->in_at, &f, &used);

		if (r == FRAME_PARTIAL)
			break;
		if (r == FRAME_BAD) {
			fail(p, "a frame is malformed");
			break;
		}
		p->in_at += used;
		if (join_parts(p, &f))
			stop = take_one(p, &f, take, arg);
	}
	if (--p->depth == 0) {
		buf_drain(&p->in, p->in_at);
		p->in_at = 0;
		if (p->in.len == 0)
			buf_reset(&p->in, READ_CHUNK);
	}
	return stop;
}

/* What is left of a turn. */
struct share {
	unsigned messages;
	int64_t until_us;
};

/* take_fn: hands the message to the owner; stops at the end of the share. */
static bool
hand_out(struct peer *p, const struct frame *f, void *arg)
{
	struct share *s = arg;

	p->on_message(p, f);
	return --s->messages == 0 || clock_mono_us() >= s->until_us;
}

/* Hands out what peer_call set aside. */
static void
hand_out_later(struct peer *p)
{
	struct buf later = p->later;
	struct frame f;
	size_t at = 0, used;

	buf_init(&p->later);
	while (!p->closed && at < later.len) {
		memcpy(&f, later.data + at, sizeof(f));
		used = sizeof(f) + f.len;
		f.body = later.data + at + sizeof(f);
		p->on_message(p, &f);
		at += used;
	}
	buf_release(&later);
}

/*
 * Goes on in the next turn of the loop. By a timer: what is made active now
 * would run in this very turn.
 */
static void
defer(struct peer *p)
{
	static const struct timeval now;

	p->more = true;
	must(event_add(p->deferred, &now) == 0);
}

/* One turn: what lies here already comes first, then what can be read. */
static void
read_turn(struct peer *p)
{
	struct share share = {PEER_TURN_MESSAGES,
	    clock_mono_us() + PEER_TURN_US};
	const char *why = NULL;
	size_t total = 0;
	ssize_t n = 1;
	bool spent;

	p->more = false;
	if (p->later.len > 0)
		hand_out_later(p);
	spent = take_messages(p, hand_out, &share);
	while (!spent && !p->closed && !p->paused && total < READ_TURN) {
		n = read_some(p, MSG_DONTWAIT, &why);
		if (n <= 0)
			break;
		total += (size_t)n;
		spent = take_messages(p, hand_out, &share);
		if (n < (ssize_t)READ_CHUNK && !p->draining)
			break;
	}
	if (p->closed || p->paused)
		return;
	if (n < 0 || (n == 0 && p->draining))
		fail(p, why);
	else if (spent || p->draining)
		defer(p);
}

/* event_callback_fn: the socket can be read. */
static void
readable_cb(evutil_socket_t fd, short events, void *arg)
{
	struct peer *p = arg;

	(void)fd;
	(void)events;
	if (!p->more)
		read_turn(p);
}

/* event_callback_fn: the socket can be written. */
static void
writable_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	peer_flush(arg);
}

/* event_callback_fn: the loop is free for what is here already. */
static void
deferred_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	read_turn(arg);
}

void
peer_init(struct peer *p, struct event_base *base, int fd,
    size_t max_message, peer_message_fn *on_message,
    peer_closed_fn *on_closed, void *owner)
{
	*p = (struct peer){.fd = fd, .owner = owner, .on_message = on_message,
	    .on_closed = on_closed, .max_message = max_message};
	p->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable_cb,
	    p);
	p->writable = event_new(base, fd, EV_WRITE, writable_cb, p);
	p->deferred = event_new(base, -1, 0, deferred_cb, p);
	must(p->readable && p->writable && p->deferred);
	must(event_add(p->readable, NULL) == 0);
}

void
peer_release(struct peer *p)
{
	unsigned i;

	if (!p->readable)
		return;
	p->closed = true;
	event_free(p->readable);
	event_free(p->writable);
	event_free(p->deferred);
	for (i = 0; i < p->nfds; i++)
		close(p->fds[i]);
	peer_drop_fds(p);
	close(p->fd);
	buf_release(&p->in);
	buf_release(&p->whole);
	buf_release(&p->out);
	buf_release(&p->later);
	p->readable = NULL;
}

void
peer_queue(struct peer *p, uint8_t type, uint32_t id, const void *body,
    size_t len)
{
	if (!p->closed)
		frame_put(&p->out, type, 0, id, body, len);
}

size_t
peer_backlog(const struct peer *p)
{
	return p->out.len - p->out_sent;
}

/* Forgets what was queued, sent or not. */
static void
clear_output(struct peer *p)
{
	p->out_sent = 0;
	buf_reset(&p->out, KEEP);
	peer_drop_fds(p);
}

/* Writes until the socket is full; -1 when the link is dead. */
static int
write_some(struct peer *p)
{
	while (p->out_sent < p->out.len) {
		ssize_t n = peer_send_some(p);

		if (n > 0)
			p->out_sent += (size_t)n;
		else if (errno == EINTR)
			continue;
		else
			return errno == EAGAIN ? 0 : -1;
	}
	clear_output(p);
	return 0;
}

void
peer_flush(struct peer *p)
{
	if (p->closed || p->out.len == 0)
		return;
	if (write_some(p) != 0) {
		/* The reading side still has what the peer said last. */
		clear_output(p);
		return;
	}
	if (p->out.len > 0)
		must(event_add(p->writable, NULL) == 0);
}

void
peer_drain(struct peer *p)
{
	p->draining = true;
	if (!p->closed && !p->paused)
		read_turn(p);
}

void
peer_pause(struct peer *p)
{
	p->paused = true;
	if (!p->closed)
		event_del(p->readable);
}

void
peer_resume(struct peer *p)
{
	if (!p->paused)
		return;
	p->paused = false;
	if (p->closed)
		return;
	must(event_add(p->readable, NULL) == 0);
	event_active(p->deferred, EV_TIMEOUT, 0);
}

/* What peer_call looks for, and where it goes. */
struct wanted {
	uint32_t id;
	struct buf *reply;
};

/* take_fn: the wanted reply stops the search, the rest is set aside. */
static bool
look_for_reply(struct peer *p, const struct frame *f, void *arg)
{
	struct wanted *w = arg;

	if (f->type == MSG_REPLY && f->id == w->id) {
		buf_put(w->reply, f->body, f->len);
		return true;
	}
	buf_put(&p->later, f, sizeof(*f));
	buf_put(&p->later, f->body, f->len);
	event_active(p->deferred, EV_TIMEOUT, 0);
	return false;
}

/* Sends all that is queued, waiting for room; -1 when the link is dead. */
static int
flush_blocking(struct peer *p)
{
	struct pollfd writable = {.fd = p->fd, .events = POLLOUT};

	while (p->out.len > 0) {
		if (write_some(p) != 0)
			return -1;
		if (p->out.len > 0 && poll(&writable, 1, -1) < 0 &&
		    errno != EINTR)
			return -1;
	}
	return 0;
}

int
peer_call(struct peer *p, uint32_t id, struct buf *reply)
{
	struct wanted w = {.id = id, .reply = reply};
	const char *why;

	if (p->closed || flush_blocking(p) != 0)
		return -1;
	while (!take_messages(p, look_for_reply, &w)) {
		if (p->closed)
			return -1;
		if (read_some(p, 0, &why) < 0) {
			fail(p, why);
			return -1;
		}
	}
	return 0;
}
