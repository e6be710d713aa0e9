/*
 * Sockets that listen, Unix and TCP, and what they accept. Called by whoever
 * opens the server; hands accepted connections to the parser. It must never
 * go round at full speed when descriptors run out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "http/server_impl.h"

#define BACKLOG 4096
static const struct timeval pause_time = {.tv_usec = 100000};

/* Who is at the other end, as two texts; false: a Unix socket. */
static bool
describe(int fd, const struct sockaddr_storage *from, char address[64],
    char who[64])
{
	const struct sockaddr_in6 *six = (const void *)from;
	const struct sockaddr_in *four = (const void *)from;
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof(cred);

	if (from->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, address, 64);
	else if (from->ss_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, address, 64);
	else {
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
		snprintf(who, 64, "uid %u", (unsigned)cred.uid);
		return false;
	}
	snprintf(who, 64, "%s", address);
	return true;
}

/* A new connection: counted, given to the parser, or refused. */
static void
welcome(struct http_listener *l, int fd, const struct sockaddr_storage *from,
    socklen_t len)
{
	char address[64], who[64];
	bool tcp = describe(fd, from, address, who);
	struct http_conn *c;
	int on = 1;

	if (tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = http_conn_new(l, fd, tcp ? address : NULL, who);
	if (c) {
		http_adopt(c, from, len);
		return;
	}
	http_refuse_fd(fd, 503, "too many connections");
	shutdown(fd, SHUT_WR);
	close(fd);
}

/* Takes what waits: one connection, and more while there is time. */
static void
accept_some(struct http_listener *l)
{
	struct sockaddr_storage from;
	socklen_t len;
	int fd;

	do {
		len = sizeof(from);
		from.ss_family = AF_UNIX;
		fd = accept4(l->fd, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			welcome(l, fd, &from, len);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			log_warning("%s: %s; connections wait", l->name,
			    strerror(errno));
			event_del(l->ready);
			event_add(l->again, &pause_time);
		}
		l->waiting = false;
		return;
	} while (http_turn_has_time(l->server));
}

void
http_listeners_accept(struct http_server *s)
{
	struct http_listener *l;

	TAILQ_FOREACH(l, &s->listeners, link)
		if (l->waiting)
			accept_some(l);
}

/* event_callback_fn: connections wait. */
static void
ready_cb(evutil_socket_t fd, short events, void *arg)
{
	struct http_listener *l = arg;

	(void)fd;
	(void)events;
	l->waiting = true;
}

/* event_callback_fn: the pause is over. */
static void
again_cb(evutil_socket_t fd, short events, void *arg)
{
	struct http_listener *l = arg;

	(void)fd;
	(void)events;
	must(event_add(l->ready, NULL) == 0);
}

/* Adds a socket that listens. */
static struct http_listener *
add(struct http_server *s, int fd, char *name, bool local_only)
{
	struct http_listener *l = xcalloc(1, sizeof(*l));

	l->server = s;
	l->fd = fd;
	l->dir = -1;
	l->name = name;
	l->local_only = local_only;
	l->ready = event_new(s->base, fd, EV_READ | EV_PERSIST, ready_cb, l);
	l->again = event_new(s->base, -1, 0, again_cb, l);
	must(l->ready && l->again && event_add(l->ready, NULL) == 0);
	TAILQ_INSERT_TAIL(&s->listeners, l, link);
	return l;
}

/*
 * Binds and listens in a folder that is open as dir. The path goes through
 * /proc, because that of a socket may have at most 107 bytes.
 */
static int
bind_in(int fd, int dir, const char *name, unsigned mode)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	mode_t old;
	int rc, n;

	n = snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/%s",
	    dir, name);
	must(n < (int)sizeof(to.sun_path));
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return -1;
	old = umask(0777); /* nobody gets in before the mode is set */
	rc = bind(fd, (struct sockaddr *)&to, sizeof(to));
	umask(old);
	if (rc != 0 || listen(fd, BACKLOG) != 0)
		return -1;
	return fchmodat(dir, name, mode, 0);
}

int
http_listen_unix(struct http_server *s, const char *dir, const char *name,
    unsigned mode, struct err *e)
{
	int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	struct http_listener *l;

	if (folder < 0 || fd < 0 || bind_in(fd, folder, name, mode) != 0) {
		err_errno(e, "cannot listen on \"%s/%s\"", dir, name);
		if (folder >= 0)
			close(folder);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	l = add(s, fd, xasprintf("%s/%s", dir, name), false);
	l->dir = folder;
	l->file = xstrdup(name);
	return 0;
}

/* Parses "address:port"; -1 with e. */
static int
parse(const char *address, struct sockaddr_storage *to, int *len,
    struct err *e)
{
	const char *colon = strrchr(address, ':');

	*len = sizeof(*to);
	memset(to, 0, sizeof(*to));
	if (!colon || colon[1] < '0' || colon[1] > '9' ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return err_set(e, "\"%s\": an address and a port are wanted, "
		    "such as 127.0.0.1:9101 or [::1]:9101", address);
	if (strcmp(colon, ":0") == 0) {
		/* A free port: the parser of libevent takes none that is 0. */
		char *bare = xasprintf("%.*s:1", (int)(colon - address),
		    address);
		int rc = evutil_parse_sockaddr_port(bare, (void *)to, len);

		free(bare);
		((struct sockaddr_in *)to)->sin_port = 0;
		if (rc == 0)
			return 0;
	} else if (evutil_parse_sockaddr_port(address, (void *)to, len) == 0) {
		return 0;
	}
	return err_set(e, "\"%s\": a numeric address and a port are wanted, "
	    "such as 127.0.0.1:9101 or [::1]:9101", address);
}

/* True for an address of TCP that only this machine reaches. */
static bool
is_loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in6 *six = (const void *)at;
	const struct sockaddr_in *four = (const void *)at;

	return at->ss_family == AF_INET6 ?
	    IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) :
	    ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

int
http_address_is_loopback(const char *address, bool *loopback, struct err *e)
{
	struct sockaddr_storage to;
	int len;

	if (parse(address, &to, &len, e) != 0)
		return -1;
	*loopback = is_loopback(&to);
	return 0;
}

/* "http://127.0.0.1:9101" of a bound socket. */
static char *
bound_name(int fd)
{
	struct sockaddr_storage at = {0};
	const struct sockaddr_in6 *six = (const void *)&at;
	const struct sockaddr_in *four = (const void *)&at;
	socklen_t len = sizeof(at);
	char text[64] = "?";

	getsockname(fd, (struct sockaddr *)&at, &len);
	if (at.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
		return xasprintf("http://[%s]:%u", text,
		    ntohs(six->sin6_port));
	}
	inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
	return xasprintf("http://%s:%u", text, ntohs(four->sin_port));
}

int
http_listen_tcp(struct http_server *s, const char *address, bool local_only,
    struct err *e)
{
	struct sockaddr_storage to;
	int len, fd, on = 1;

	if (parse(address, &to, &len, e) != 0)
		return -1;
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (to.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
			    sizeof(on));
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, (socklen_t)len) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		err_errno(e, "cannot listen on %s", address);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	add(s, fd, bound_name(fd), local_only);
	return 0;
}

char *
http_socket_name(int fd, bool *tcp, bool *loopback)
{
	struct sockaddr_storage at = {0};
	const struct sockaddr_un *local = (const void *)&at;
	socklen_t len = sizeof(at);
	size_t n;

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return NULL;
	*tcp = at.ss_family == AF_INET || at.ss_family == AF_INET6;
	*loopback = *tcp && is_loopback(&at);
	if (*tcp)
		return bound_name(fd);
	if (at.ss_family != AF_UNIX)
		return NULL;
	n = len - offsetof(struct sockaddr_un, sun_path);
	if (n > 0 && local->sun_path[0] == '\0')
		return xasprintf("@%.*s", (int)n - 1, local->sun_path + 1);
	return xstrndup(local->sun_path, n);
}

void
http_listen_fd(struct http_server *s, int fd, bool local_only)
{
	bool tcp, loopback;
	char *name = http_socket_name(fd, &tcp, &loopback);

	must(name);
	add(s, fd, name, local_only);
}

void
http_listeners_close(struct http_server *s)
{
	struct http_listener *l;

	while ((l = TAILQ_FIRST(&s->listeners))) {
		TAILQ_REMOVE(&s->listeners, l, link);
		event_free(l->ready);
		event_free(l->again);
		close(l->fd);
		if (l->dir >= 0) {
			unlinkat(l->dir, l->file, 0);
			close(l->dir);
		}
		free(l->name);
		free(l->file);
		free(l);
	}
}

void
http_server_stop(struct http_server *s)
{
	s->closing = true;
	http_listeners_close(s);
}

const char *
http_listener_name(const struct http_server *s, size_t i)
{
	const struct http_listener *l;

	TAILQ_FOREACH(l, &s->listeners, link)
		if (i-- == 0)
			return l->name;
	return NULL;
}
