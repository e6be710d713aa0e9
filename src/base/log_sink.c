/*
 * Where log lines go: a file, or stderr, which may be a terminal, a pipe or a
 * socket of systemd's journal. Called by log.c. It must never wait, but at
 * the end of the process and then not for long: whoever reads the log must
 * not be able to hold up the host.
 */
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

#define LAST_WAIT_MS 1000

static struct {
	bool ready;    /* the rest is set */
	bool socket;
	bool shared;   /* it may block: ask first, and write little */
	bool journal;
	int fd;
	char *file;    /* NULL: stderr */
	struct buf waiting;
	size_t sent;   /* of waiting */
	bool at_exit;  /* is registered */
} sink;

/* True if stderr is what systemd says is connected to its journal. */
static bool
is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;

	return stream &&
	    sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    device == st->st_dev && inode == st->st_ino;
}

/*
 * Finds out what stderr is. A pipe or a terminal is opened once more, so that
 * it can be made non-blocking for us alone.
 */
static void
prepare(void)
{
	struct stat st;
	int own;

	if (sink.ready)
		return;
	sink.ready = true;
	sink.fd = STDERR_FILENO;
	if (fstat(STDERR_FILENO, &st) != 0)
		return;
	sink.socket = S_ISSOCK(st.st_mode);
	sink.journal = is_journal(&st);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	own = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (own >= 0)
		sink.fd = own;
	else
		sink.shared = true; /* another user's */
}

bool
log_sink_is_journal(void)
{
	prepare();
	return sink.journal && !sink.file;
}

/* Writes as much as goes at once; -1: nothing does, *later says if it may. */
static ssize_t
put(const uint8_t *p, size_t n, bool *later)
{
	struct pollfd writable = {.fd = sink.fd, .events = POLLOUT};
	ssize_t done;

	if (sink.shared && poll(&writable, 1, 0) != 1) {
		*later = true;
		return -1;
	}
	if (sink.shared && n > PIPE_BUF)
		n = PIPE_BUF;
	do {
		done = sink.socket ? send(sink.fd, p, n, MSG_DONTWAIT |
		    MSG_NOSIGNAL) : write(sink.fd, p, n);
	} while (done < 0 && errno == EINTR);
	*later = done >= 0 || errno == EAGAIN || errno == EWOULDBLOCK;
	return done;
}

void
log_sink_flush(void)
{
	struct buf *w = &sink.waiting;
	ssize_t n = 0;
	bool later;

	while (sink.sent < w->len && n >= 0) {
		n = put(w->data + sink.sent, w->len - sink.sent, &later);
		if (n >= 0)
			sink.sent += (size_t)n;
		else if (!later)
			sink.sent = w->len;
	}
	if (sink.sent == w->len && w->len > 0) {
		buf_release(w);
		sink.sent = 0;
	}
}

/* The process ends: what waits gets a last chance. */
static void
flush_at_exit(void)
{
	struct pollfd writable = {.fd = sink.fd, .events = POLLOUT};

	log_sink_flush();
	while (sink.waiting.len > 0 &&
	    poll(&writable, 1, LAST_WAIT_MS) > 0)
		log_sink_flush();
}

/* Keeps the end of the lines, from `from` on, for later. */
static void
keep(const struct buf *lines, size_t from)
{
	struct buf *w = &sink.waiting;

	if (!sink.at_exit)
		atexit(flush_at_exit);
	sink.at_exit = true;
	if (sink.sent > 0)
		buf_drain(w, sink.sent);
	sink.sent = 0;
	buf_put(w, lines->data + from, lines->len - from);
}

bool
log_sink_is_calm(void)
{
	log_sink_flush();
	return sink.waiting.len - sink.sent < LOG_WAITING / 4;
}

int
log_sink_write(const struct buf *lines)
{
	ssize_t n = 0;
	bool later = true;

	prepare();
	log_sink_flush();
	if (sink.waiting.len == 0)
		n = put(lines->data, lines->len, &later);
	if (n < 0)
		n = 0;
	if (!later || (n == 0 && sink.waiting.len - sink.sent + lines->len >
	    LOG_WAITING))
		return -1;
	/* The rest of a line that has begun is kept, however long. */
	if ((size_t)n < lines->len)
		keep(lines, (size_t)n);
	return 0;
}

/* Opens a log file for appending, or -1. */
static int
open_file(const char *file)
{
	return open(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC, 0640);
}

int
log_sink_open(const char *file, struct err *e)
{
	int fd = open_file(file);

	if (fd < 0)
		return err_errno(e, "cannot open \"%s\" for the log", file);
	prepare();
	if (sink.fd != STDERR_FILENO)
		close(sink.fd);
	sink.fd = fd;
	sink.socket = sink.shared = false;
	free(sink.file);
	sink.file = xstrdup(file);
	return 0;
}

int
log_sink_reopen(struct err *e)
{
	int fd;

	if (!sink.file)
		return 0;
	fd = open_file(sink.file);
	if (fd < 0)
		return err_errno(e, "cannot open \"%s\" for the log; it goes "
		    "on in the file that is open", sink.file);
	log_sink_flush();
	close(sink.fd);
	sink.fd = fd;
	return 0;
}
