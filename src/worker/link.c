/*
 * The worker's end of the link. Called by everything that tells or asks core
 * something. Core is trusted: what it sends and cannot be understood is our
 * bug, or another version, and ends the worker.
 */
#include "worker/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mask.h"
#include "base/must.h"
#include "base/xalloc.h"

#define FLUSH_AT (256u * 1024u)
#define BACKLOG_MAX (4u * 1024u * 1024u)
#define MESSAGE_MAX (64u * 1024u * 1024u)
#define TEXT_MAX (LOG_LINE - 64u) /* of a log line */
#define LONG_WAIT 10 /* ticks; one more is little beside it */

/* The answer to a unit. Core refuses one only to end this worker. */
static void
on_ack(struct link *l, const struct frame *f)
{
	struct msg_cursor c;

	msg_begin(&c, f->body, f->len);
	if (msg_get_u8(&c) != MSG_OK)
		_exit(0);
	l->acked++;
	must(l->acked <= l->sent);
	l->on_acked(l->vm);
}

/* peer_message_fn: units' answers are ours, the rest is the worker's. */
static void
on_message(struct peer *p, const struct frame *f)
{
	struct link *l = p->owner;

	if (f->type == MSG_REPLY)
		on_ack(l, f);
	else
		l->on_message(p, f);
}

/* peer_closed_fn: without core there is no worker. */
static void
on_closed(struct peer *p, const char *why)
{
	(void)p;
	(void)why;
	_exit(0);
}

struct link *
link_new(struct vm *v, int fd, link_acked_fn *acked,
    peer_message_fn *message)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->vm = v;
	l->on_acked = acked;
	l->on_message = message;
	peer_init(&l->peer, v->base, fd, MESSAGE_MAX, on_message, on_closed,
	    l);
	return l;
}

/* The id of the next request; never 0. */
static uint32_t
next_id(struct link *l)
{
	if (++l->last_id == 0)
		l->last_id = 1;
	return l->last_id;
}

void
link_commit(struct link *l, const struct buf *body)
{
	peer_queue(&l->peer, MSG_COMMIT, next_id(l), body->data, body->len);
	l->sent++;
	if (peer_backlog(&l->peer) > FLUSH_AT)
		peer_flush(&l->peer);
}

void
link_part(struct link *l, const struct buf *body)
{
	peer_queue(&l->peer, MSG_PART, 0, body->data, body->len);
	peer_flush(&l->peer);
}

void
link_undo_parts(struct link *l)
{
	const uint8_t flags = 0;

	peer_queue(&l->peer, MSG_PART, 0, &flags, sizeof(flags));
}

/* Fills e from the body of an error. */
static void
read_error(struct msg_cursor *c, struct link_error *e)
{
	char *kind = msg_get_text(c), *text = msg_get_text(c);

	snprintf(e->kind, sizeof(e->kind), "%s", kind);
	snprintf(e->text, sizeof(e->text), "%s", text);
	free(kind);
	free(text);
}

int
link_call(struct link *l, enum msg_type type, const struct buf *body,
    struct buf *reply, struct msg_cursor *c, struct link_error *e)
{
	uint32_t id = next_id(l);

	peer_queue(&l->peer, type, id, body->data, body->len);
	vm_block(l->vm);
	if (peer_call(&l->peer, id, reply) != 0)
		_exit(0);
	vm_unblock(l->vm);
	msg_begin(c, reply->data, reply->len);
	if (msg_get_u8(c) == MSG_OK)
		return 0;
	read_error(c, e);
	buf_release(reply);
	return -1;
}

int
link_call_fd(struct link *l, enum msg_type type, const struct buf *body,
    struct buf *reply, struct msg_cursor *c, struct link_error *e)
{
	int fd;

	if (link_call(l, type, body, reply, c, e) != 0)
		return -1;
	fd = peer_take_fd(&l->peer);
	must(fd >= 0);
	return fd;
}

void
link_tell(struct link *l, enum msg_type type, const struct buf *body)
{
	peer_queue(&l->peer, type, 0, body->data, body->len);
}

void
link_reply(struct link *l, uint32_t id, const struct buf *body)
{
	peer_queue(&l->peer, MSG_REPLY, id, body->data, body->len);
}

void
link_state(struct link *l, enum msg_state state, const char *details)
{
	struct buf body = {0}, text = {0};

	buf_puts(&text, details);
	link_mask(l, &text);
	msg_put_u8(&body, (uint8_t)state);
	msg_put_bytes(&body, text.data, text.len);
	peer_queue(&l->peer, MSG_STATE, 0, body.data, body.len);
	buf_release(&body);
	buf_release(&text);
}

/* Queues one LOG message. */
static void
queue_log(struct link *l, enum log_level level, const char *name,
    struct buf *text)
{
	struct buf body = {0};

	link_mask(l, text);
	msg_put_u8(&body, (uint8_t)level);
	msg_put_str(&body, name);
	msg_put_bytes(&body, text->data, text->len);
	peer_queue(&l->peer, MSG_LOG, 0, body.data, body.len);
	buf_release(&body);
}

/* Says how much of a line is missing, and masks what was cut through. */
static void
mark_cut(const struct link *l, struct buf *line, size_t missing)
{
	size_t i;

	link_mask(l, line);
	for (i = 0; l->secrets && l->secrets[i]; i++)
		mask_cut_secret(line, l->secrets[i], strlen(l->secrets[i]));
	buf_printf(line, " ... (%zu bytes cut)", missing);
}

void
link_log(struct link *l, enum log_level level, const char *name,
    const char *text, size_t len)
{
	struct buf line = {0};

	if (peer_backlog(&l->peer) > FLUSH_AT)
		peer_flush(&l->peer);
	if (peer_backlog(&l->peer) > BACKLOG_MAX) {
		l->lost_lines++;
		return;
	}
	if (l->lost_lines > 0) {
		buf_printf(&line, "%u log lines lost: too many at once",
		    l->lost_lines);
		l->lost_lines = 0;
		queue_log(l, LOG_WARNING, "", &line);
		line.len = 0;
	}
	buf_put(&line, text, len < TEXT_MAX ? len : TEXT_MAX);
	if (len > TEXT_MAX)
		mark_cut(l, &line, len - TEXT_MAX);
	queue_log(l, level, name, &line);
	buf_release(&line);
}

void
link_mask(const struct link *l, struct buf *text)
{
	size_t i;

	for (i = 0; l->secrets && l->secrets[i]; i++)
		mask_secret(text, l->secrets[i], strlen(l->secrets[i]));
}

struct event *
link_timer(struct vm *v, event_callback_fn fn, void *arg)
{
	struct event *e = event_new(v->base, -1, 0, fn, arg);

	must(e);
	return e;
}

/*
 * The loop reads the kernel's coarse clock, which goes in ticks of 4 ms. A
 * wait that ends between two ticks would find its timer not due yet, and wake
 * the process twice: so long waits end with a tick, less half a millisecond
 * that the loop rounds up.
 */
static double
whole_ticks(const struct vm *v, double seconds)
{
	const double ticks = seconds / v->tick;
	double whole = (double)(int64_t)ticks;

	if (!(ticks > LONG_WAIT))
		return seconds;
	if (whole < ticks)
		whole += 1;
	return whole * v->tick - 0.0005;
}

void
link_arm(struct vm *v, struct event *timer, double seconds)
{
	const double s = whole_ticks(v,
	    !(seconds > 0) ? 0 : seconds < 1e9 ? seconds : 1e9);
	const struct timeval tv = {.tv_sec = (time_t)s,
	    .tv_usec = (suseconds_t)((s - (double)(time_t)s) * 1e6)};

	must(event_add(timer, &tv) == 0);
}

void
vm_log(struct vm *v, enum log_level level, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	if (level < v->log_level)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (v->link)
		link_log(v->link, level, "", (char *)text.data, text.len);
	else
		log_text(level, NULL, (char *)text.data, text.len);
	buf_release(&text);
}
