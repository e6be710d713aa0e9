/*
 * sd_notify by hand: three kinds of datagrams are no reason for a library.
 * Called by service.c. It must never hold the loop for a socket that nobody
 * reads.
 */
#include "core/system/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define WATCHDOG_MIN_US INT64_C(1000)

static const struct timeval patience = {.tv_usec = 100000};

/* The address that $NOTIFY_SOCKET means; false if it is none. */
static bool
take_address(struct notify *n, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 ||
	    len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	/* An abstract name has no end but its length. */
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

/* $WATCHDOG_USEC, if it is for this process; else 0. */
static int64_t
watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	long long us = usec ? atoll(usec) : 0;

	if (us < WATCHDOG_MIN_US || (pid && atoll(pid) != getpid()))
		return 0;
	return us;
}

void
notify_init(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){.fd = -1};
	if (name && !take_address(n, name))
		log_warning("$NOTIFY_SOCKET is \"%s\", neither a path nor an "
		    "abstract name; nobody is notified", name);
	else if (name)
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd >= 0) {
		setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		    sizeof(patience));
		n->watchdog_us = watchdog_interval();
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_release(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void
notify_send(const struct notify *n, bool wait, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;
	ssize_t sent;

	if (n->fd < 0)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	do {
		sent = sendto(n->fd, text.data, text.len, MSG_NOSIGNAL |
		    (wait ? 0 : MSG_DONTWAIT),
		    (const struct sockaddr *)&n->to, n->len);
	} while (sent < 0 && errno == EINTR);
	buf_release(&text);
}
