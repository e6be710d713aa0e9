/*
 * Captures a worker's standard output and error. Owns core's end of the pipe.
 * Called by ends.c and pool.c, and by the loop. A quiet worker costs a small
 * struct and a descriptor; a line that is not whole is held no further than
 * it will be shown. It must never let a worker fill the log, core's memory or
 * its time.
 */
#include "core/child/output.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/child.h"
#include "core/child/window.h"
#include "core/state/context.h"

#define READ_BYTES (64u * 1024u)
#define LAST_READS 64u /* of a dead worker's pipe, which others may hold */

struct output {
	struct child *child;
	int fd;
	struct event *readable;
	struct event *slow;    /* reads instead in a flood; NULL: never yet */
	bool ended;
	struct buf line;       /* the beginning of one, so far */
	uint64_t cut;          /* bytes of it that are not kept */
	struct window window;
};

/* One buffer for all: core has one thread. */
static char bytes[READ_BYTES];

/* In a flood a buffer is read so often. */
static const struct timeval pause_time = {.tv_usec = 10000};

/* Begins a window; logs how many lines were suppressed in the last. */
static void
begin_window(struct output *o)
{
	uint64_t suppressed = window_begin(&o->window);

	if (suppressed > 0)
		child_log(o->child, LOG_WARNING, "%llu lines of its output "
		    "suppressed: more than %u in %d s",
		    (unsigned long long)suppressed, OUTPUT_LINES,
		    WINDOW_SECONDS);
}

/* Logs the line that has come to its end. */
static void
end_line(struct output *o)
{
	if (o->line.len > 0 && window_admits(&o->window, OUTPUT_LINES)) {
		child_mask(o->child, &o->line, o->cut > 0);
		if (o->cut > 0)
			buf_printf(&o->line, " ... (%llu bytes cut)",
			    (unsigned long long)o->cut);
		child_log_text(o->child, LOG_WARNING, "output",
		    (char *)o->line.data, o->line.len);
	}
	buf_release(&o->line);
	o->cut = 0;
}

/* Adds to the line as much as will be shown of it. */
static void
add(struct output *o, const char *p, size_t n)
{
	size_t room = OUTPUT_LINE - o->line.len;
	size_t kept = n < room ? n : room;

	buf_put(&o->line, p, kept);
	o->cut += n - kept;
}

/* Takes what was read apart into lines. */
static void
take(struct output *o, const char *p, size_t n)
{
	const char *end;

	while (n > 0 && (end = memchr(p, '\n', n))) {
		add(o, p, (size_t)(end - p));
		end_line(o);
		n -= (size_t)(end - p) + 1;
		p = end + 1;
	}
	add(o, p, n);
}

/* Reads once; false if nothing more comes, now or ever. */
static bool
read_some(struct output *o)
{
	ssize_t n = read(o->fd, bytes, sizeof(bytes));

	if (n == 0) {
		o->ended = true;
		event_del(o->readable);
	}
	if (n <= 0)
		return false;
	o->window.bytes += (uint64_t)n;
	take(o, bytes, (size_t)n);
	return true;
}

/* event_callback_fn: in a flood; to its window's end, and then the report. */
static void
slow_cb(evutil_socket_t fd, short events, void *arg)
{
	struct output *o = arg;

	(void)fd;
	(void)events;
	if (!o->ended)
		read_some(o);
	if (!window_is_over(&o->window)) {
		must(event_add(o->slow, &pause_time) == 0);
		return;
	}
	begin_window(o);
	if (!o->ended)
		must(event_add(o->readable, NULL) == 0);
}

/* From now on the pipe is read slowly. */
static void
slow_down(struct output *o)
{
	event_del(o->readable);
	if (!o->slow)
		o->slow = event_new(o->child->ctx->base, -1, 0, slow_cb, o);
	must(o->slow && event_add(o->slow, &pause_time) == 0);
}

/* event_callback_fn: the worker wrote something. */
static void
readable_cb(evutil_socket_t fd, short events, void *arg)
{
	struct output *o = arg;

	(void)fd;
	(void)events;
	if (window_is_over(&o->window))
		begin_window(o);
	read_some(o);
	if (o->window.suppressed > 0 || o->window.bytes > OUTPUT_BYTES)
		slow_down(o);
}

struct output *
output_new(struct child *c, int *worker_end, struct err *e)
{
	struct output *o;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		err_errno(e, "pipe for a worker's output");
		return NULL;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	o = xcalloc(1, sizeof(*o));
	o->child = c;
	o->fd = ends[0];
	o->readable = event_new(c->ctx->base, o->fd, EV_READ | EV_PERSIST,
	    readable_cb, o);
	must(o->readable && event_add(o->readable, NULL) == 0);
	*worker_end = ends[1];
	return o;
}

void
output_end(struct output *o)
{
	unsigned i;

	for (i = 0; i < LAST_READS && read_some(o); i++)
		;
	if (o->line.len > 0)
		end_line(o);
	begin_window(o);
	o->ended = true;
	event_del(o->readable);
	if (o->slow)
		event_del(o->slow);
}

void
output_free(struct output **op)
{
	struct output *o = *op;

	*op = NULL;
	if (!o)
		return;
	event_free(o->readable);
	if (o->slow)
		event_free(o->slow);
	close(o->fd);
	buf_release(&o->line);
	free(o);
}
