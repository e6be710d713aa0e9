/*
 * The lines of `run` on stdout. Owns its place in the journal and one slice
 * of text. Called after commits and when stdout takes more. It must never
 * block: a pipe or terminal is opened anew as a non-blocking one of our own,
 * since the flag on descriptor 1 belongs to everybody who shares it. One that
 * belongs to another user cannot be: it is asked before each small write.
 */
#include "core/system/printer.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "store/instance.h"
#include "store/journal.h"

#define SLICE (64u * 1024u)
#define SLICE_RECORDS 512

struct printer {
	struct store *store;
	uint32_t sensor;
	uint64_t next; /* sequence */
	uint64_t left; /* lines still to print */
	int fd;
	mode_t type;  /* of what stdout is: S_IFIFO, ... */
	bool own_fd;
	bool ended;
	bool failed;
	struct buf text;
	size_t written;
	struct event *writable;
	struct event *hangup; /* NULL: neither pipe nor socket */
	printer_closed_fn *done;
	void *arg;
};

/* Opens stdout so that it does not block, where that can be done. */
static void
open_stdout(struct printer *p)
{
	struct stat st;
	int fd;

	p->fd = STDOUT_FILENO;
	if (fstat(STDOUT_FILENO, &st) != 0)
		return;
	p->type = st.st_mode & S_IFMT;
	if (p->type != S_IFIFO && p->type != S_IFCHR)
		return;
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return; /* main's stand-in: it was closed */
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC |
	    O_NOCTTY);
	p->own_fd = fd >= 0;
	p->fd = fd >= 0 ? fd : STDOUT_FILENO;
}

/* As write(2), without ever waiting. */
static ssize_t
write_now(const struct printer *p, const void *data, size_t n)
{
	struct pollfd ready = {.fd = p->fd, .events = POLLOUT};

	if (p->type == S_IFSOCK)
		return send(p->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (p->own_fd || p->type == S_IFREG)
		return write(p->fd, data, n);
	if (poll(&ready, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return write(p->fd, data, n < PIPE_BUF ? n : PIPE_BUF);
}

/* Says once that it is over. */
static void
end(struct printer *p)
{
	if (p->ended)
		return;
	p->ended = true;
	if (p->writable)
		event_del(p->writable);
	p->done(p->arg);
}

/* Fills text from the journal; false if there is nothing new. */
static bool
fill(struct printer *p)
{
	struct journal_record record;
	enum read_result r = READ_MISSING;
	struct journal_walk walk;
	unsigned seen = 0;
	struct view *v;
	struct err e;

	/* What is printed passes for durable; who looks each second says it. */
	if (store_check_file(p->store, &e) != 0)
		return false;
	v = store_view(p->store, clock_unix_us());
	journal_walk_init(&walk, v, p->next);
	while (p->left > 0 && seen < SLICE_RECORDS && p->text.len < SLICE &&
	    (r = journal_walk_next(&walk, &record)) != READ_MISSING &&
	    record.seq > 0) {
		seen++;
		if (record.seq > p->next)
			log_warning("stdout is slow: retention took "
			    "instances %llu to %llu before they were printed",
			    (unsigned long long)p->next,
			    (unsigned long long)record.seq - 1);
		p->next = record.seq + 1;
		if (r == READ_FOUND && record.sensor != p->sensor)
			continue;
		if (r == READ_FOUND)
			r = instance_put_json(&p->text, v, &record);
		if (r == READ_FAILED) {
			p->failed = true;
			continue;
		}
		buf_putc(&p->text, '\n');
		p->left--;
	}
	p->failed = p->failed || r == READ_FAILED;
	journal_walk_release(&walk);
	return seen > 0;
}

/* Says that stdout failed, unless its reader is just not there any more. */
static void
note_failure(struct printer *p)
{
	if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
		return;
	p->failed = true;
	log_error("cannot print: %s; the journal has what is not printed",
	    strerror(errno));
}

/* Writes the text; 1 done, 0 not all was taken, -1 stdout is gone. */
static int
write_text(struct printer *p)
{
	while (p->written < p->text.len) {
		ssize_t n = write_now(p, p->text.data + p->written,
		    p->text.len - p->written);

		if (n >= 0) {
			p->written += (size_t)n;
		} else if (errno == EAGAIN) {
			return 0;
		} else if (errno != EINTR) {
			note_failure(p);
			return -1;
		}
	}
	p->written = 0;
	buf_reset(&p->text, SLICE * 2);
	return 1;
}

/* One slice: prints, and arranges for the next one. */
static void
print_some(struct printer *p)
{
	const struct timeval soon = {0};
	bool more = true;
	int r;

	if (p->ended || event_pending(p->writable, EV_WRITE | EV_TIMEOUT,
	    NULL))
		return;
	if (p->text.len == 0)
		more = fill(p);
	r = write_text(p);
	if (r < 0 || (p->left == 0 && p->text.len == 0)) {
		end(p);
		return;
	}
	if (r == 0)
		must(event_add(p->writable, NULL) == 0);
	else if (more)
		must(event_add(p->writable, &soon) == 0);
}

/* event_callback_fn: stdout takes more, or the loop is free again. */
static void
writable_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	print_some(arg);
}

/* event_callback_fn: the reader of the pipe is gone. */
static void
hangup_cb(evutil_socket_t fd, short events, void *arg)
{
	struct printer *p = arg;

	(void)fd;
	(void)events;
	event_del(p->hangup);
	end(p);
}

/*
 * Events on stdout. A plain file or /dev/null is always ready, and epoll
 * refuses it; of a pipe or a socket epoll tells when its reader went.
 */
static void
add_events(struct printer *p, struct event_base *base)
{
	bool pipe = p->type == S_IFIFO, sock = p->type == S_IFSOCK;

	p->writable = pipe || sock || isatty(p->fd) ?
	    event_new(base, p->fd, EV_WRITE, writable_cb, p) :
	    event_new(base, -1, 0, writable_cb, p);
	must(p->writable);
	if (!pipe && !sock)
		return;
	p->hangup = event_new(base, p->fd, (sock ? EV_CLOSED : EV_READ) |
	    EV_PERSIST, hangup_cb, p);
	must(p->hangup && event_add(p->hangup, NULL) == 0);
}

struct printer *
printer_new(struct event_base *base, struct store *store, uint32_t sensor,
    uint64_t limit, printer_closed_fn *done, void *arg)
{
	struct printer *p = xcalloc(1, sizeof(*p));

	p->store = store;
	p->sensor = sensor;
	p->next = journal_head(store) + 1;
	p->left = limit;
	p->done = done;
	p->arg = arg;
	open_stdout(p);
	add_events(p, base);
	return p;
}

void
printer_free(struct printer **pp)
{
	struct printer *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	event_free(p->writable);
	if (p->hangup)
		event_free(p->hangup);
	if (p->own_fd)
		close(p->fd);
	buf_release(&p->text);
	free(p);
}

bool
printer_failed(const struct printer *p)
{
	return p->failed;
}

void
printer_wake(struct printer *p)
{
	print_some(p);
}

void
printer_finish(struct printer *p, int64_t us)
{
	int64_t until = clock_mono_us() + us;

	event_del(p->writable);
	while (!p->ended) {
		struct pollfd ready = {.fd = p->fd, .events = POLLOUT};
		int64_t left = until - clock_mono_us();
		int r = write_text(p);

		if (r < 0 || left <= 0 ||
		    (r > 0 && (p->left == 0 || !fill(p))))
			break;
		if (r == 0)
			poll(&ready, 1, (int)(left / 1000) + 1);
	}
	store_rest(p->store);
	p->ended = true;
}
