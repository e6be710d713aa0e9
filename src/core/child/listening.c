/*
 * Sockets that listen for sensors, by sensor and address. Owns their
 * descriptors. Called by the table of child_messages.c, by the ends of
 * workers and sensors, and once a second. It must never open what the host's
 * sensor_listen does not allow, and never close what a worker still uses.
 */
#include "core/child/listening.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "core/child/child.h"
#include "core/state/context.h"
#include "pack/pack.h"

/* The body of LISTEN, at most. */
#define ADDRESS_BYTES (sizeof(uint32_t) + MSG_NAME_MAX + sizeof(uint16_t))
#define PER_SENSOR 32u
#define OPENED_MAX 64u /* sockets that a worker may have opened in a window */
/* A sensor asks in setup or soon after: this long after it, it has not. */
#define GRACE_US INT64_C(10000000)

/* A worker that was given the socket, and lives. */
struct claim {
	SLIST_ENTRY(claim) link;
	const struct child *child;
};

struct listening {
	TAILQ_ENTRY(listening) link;
	char *ref;
	struct address asked; /* with port 0 where any would do */
	struct address bound;
	int fd;
	dev_t device; /* of a Unix path: what we made */
	ino_t inode;
	SLIST_HEAD(, claim) claims;
};

/* Why a socket cannot be had: a kind of the Lua API, and words. */
struct refusal {
	const char *kind;
	struct err e;
};

/* Takes the path away, if it is still what we made. */
static void
remove_path(const struct listening *l)
{
	struct stat st;

	if (l->bound.to.any.sa_family == AF_UNIX &&
	    lstat(l->bound.to.path.sun_path, &st) == 0 &&
	    st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->bound.to.path.sun_path);
}

/* Closes it; clients are refused from now on. */
static void
drop(struct listening_list *all, struct listening *l)
{
	struct claim *claim;

	while ((claim = SLIST_FIRST(&l->claims))) {
		SLIST_REMOVE_HEAD(&l->claims, link);
		free(claim);
	}
	log_at(LOG_INFO, l->ref, "no longer listens on %s", l->bound.text);
	remove_path(l);
	close(l->fd);
	TAILQ_REMOVE(all, l, link);
	free(l->ref);
	free(l);
}

/* Fills r; always -1. */
static int
refuse(struct refusal *r, const char *kind, const char *fmt, ...)
{
	va_list ap;

	r->kind = kind;
	va_start(ap, fmt);
	err_vset(&r->e, fmt, ap);
	va_end(ap);
	return -1;
}

/* Refuses for what errno says. */
static int
refuse_errno(struct refusal *r)
{
	int code = errno;
	const char *kind = code == EACCES || code == EPERM ? "permission" :
	    code == EADDRINUSE || code == EMFILE || code == ENFILE ||
	    code == ENOBUFS ? "busy" :
	    code == ENOENT || code == EADDRNOTAVAIL ? "not_found" : "invalid";

	return refuse(r, kind, "%s%s", strerror(code), code == EADDRINUSE ?
	    ": another program has it" : code == EADDRNOTAVAIL ?
	    ": this machine has no such address" : "");
}

/* Whether the host's configuration allows the address. */
static int
check_allowed(const struct context *ctx, const struct address *a,
    struct refusal *r)
{
	const struct host_list *list = &ctx->config->sensor_listen;
	struct buf all = {0};
	size_t i;

	for (i = 0; i < list->count; i++)
		if (address_in(a, list->items[i]))
			return 0;
	for (i = 0; i < list->count && all.len < 300; i++)
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", list->items[i]);
	refuse(r, "permission", "%s is not allowed; to allow it, add it to "
	    "sensor_listen in %s (which has now: %s)", a->text,
	    ctx->config->file ? ctx->config->file : "sensorhost.yaml",
	    all.len > 0 ? buf_cstr(&all) : "nothing");
	buf_release(&all);
	return -1;
}

/* Whether nobody is behind a path that is a socket: one of a dead program. */
static bool
is_stale(const struct address *a)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(a->to.path.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, &a->to.any, a->len) != 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* Sets what is inherited by accepted connections, and the like. */
static void
set_options(const struct listening *l)
{
	const int on = 1;

	if (l->asked.to.any.sa_family == AF_UNIX) {
		if (is_stale(&l->asked))
			unlink(l->asked.to.path.sun_path);
		return;
	}
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (l->asked.to.any.sa_family == AF_INET6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
}

/* Binds and listens; what is open afterwards is the caller's to close. */
static int
bind_socket(const struct context *ctx, struct listening *l, struct refusal *r)
{
	struct stat st;

	l->fd = socket(l->asked.to.any.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return refuse_errno(r);
	set_options(l);
	if (bind(l->fd, &l->asked.to.any, l->asked.len) != 0 ||
	    address_of_socket(&l->bound, l->fd, false) != 0)
		return refuse_errno(r);
	if (l->asked.to.any.sa_family == AF_UNIX &&
	    lstat(l->asked.to.path.sun_path, &st) == 0) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	if (check_allowed(ctx, &l->bound, r) != 0)
		return -1;
	return listen(l->fd, SOMAXCONN) == 0 ? 0 : refuse_errno(r);
}

/* Looks who has the address, among all, or by ref (not NULL) of one sensor. */
static struct listening *
find(const struct listening_list *all, const char *ref,
    const struct address *a)
{
	struct listening *l;

	TAILQ_FOREACH(l, all, link)
		if (ref ? strcmp(l->ref, ref) == 0 &&
		    strcmp(l->asked.text, a->text) == 0 :
		    strcmp(l->bound.text, a->text) == 0)
			return l;
	return NULL;
}

/* Whether the sensor may have one more. */
static int
check_room(const struct listening_list *all, const char *ref,
    const struct address *a, struct refusal *r)
{
	const struct listening *other = find(all, NULL, a);
	const struct listening *l;
	unsigned n = 0;

	if (other)
		return refuse(r, "busy", "%s is taken by the sensor %s",
		    a->text, other->ref);
	TAILQ_FOREACH(l, all, link)
		n += strcmp(l->ref, ref) == 0;
	if (n >= PER_SENSOR)
		return refuse(r, "busy", "the sensor has %u listening sockets "
		    "already", n);
	return 0;
}

/* Whether the worker has not asked for too many in too short a time. */
static int
check_pace(struct child *c, struct refusal *r)
{
	if (window_is_over(&c->listens))
		window_begin(&c->listens);
	if (window_admits(&c->listens, OPENED_MAX))
		return 0;
	return refuse(r, "busy", "the sensor has opened %u listening sockets "
	    "within %d s", OPENED_MAX, WINDOW_SECONDS);
}

/* Opens a socket for a sensor; NULL with *r filled. */
static struct listening *
open_listening(struct child *c, const struct address *a, struct refusal *r)
{
	const char *ref = c->meta->ref;
	struct listening *l;

	if (check_room(c->listening, ref, a, r) != 0 || check_pace(c, r) != 0)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->asked = *a;
	SLIST_INIT(&l->claims);
	if (bind_socket(c->ctx, l, r) != 0) {
		remove_path(l);
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return NULL;
	}
	l->ref = xstrdup(ref);
	TAILQ_INSERT_TAIL(c->listening, l, link);
	log_at(LOG_INFO, ref, "listens on %s", l->bound.text);
	return l;
}

/* The claim of a worker, or NULL. */
static struct claim *
find_claim(const struct listening *l, const struct child *c)
{
	struct claim *claim;

	SLIST_FOREACH(claim, &l->claims, link)
		if (claim->child == c)
			return claim;
	return NULL;
}

/*
 * The socket that a worker is to have, and whether it was opened for that;
 * NULL with *r filled.
 */
static struct listening *
obtain(struct child *c, const struct address *a, bool *opened,
    struct refusal *r)
{
	struct listening *l;

	r->kind = "";
	if (!address_any_port(a) && check_allowed(c->ctx, a, r) != 0)
		return NULL;
	l = find(c->listening, c->meta->ref, a);
	if (l && find_claim(l, c)) {
		refuse(r, "exists", "the sensor listens there already");
		return NULL;
	}
	*opened = l == NULL;
	return l ? l : open_listening(c, a, r);
}

/*
 * Answers LISTEN with the descriptor. Only a worker that gets it has the
 * socket; one that was opened for nobody is closed again.
 */
static void
grant(struct child *c, uint32_t id, struct listening *l, bool opened)
{
	char host[sizeof(l->bound.text)];
	struct claim *claim;
	struct buf body = {0};
	uint16_t port;

	address_split(&l->bound, host, &port);
	msg_put_ok(&body);
	msg_put_str(&body, host);
	msg_put_u16(&body, port);
	if (child_send_fd(c, id, &body, l->fd) == 0) {
		claim = xcalloc(1, sizeof(*claim));
		claim->child = c;
		SLIST_INSERT_HEAD(&l->claims, claim, link);
	} else if (opened) {
		drop(c->listening, l);
	}
	buf_release(&body);
}

/* Reads host and port; -1 when the message is bad, with the worker ended. */
static int
read_address(struct child *c, const struct frame *f, char **host,
    uint16_t *port)
{
	struct msg_cursor m;

	msg_begin(&m, f->body, f->len);
	*host = msg_get_text(&m);
	*port = msg_get_u16(&m);
	if (msg_end(&m))
		return 0;
	free(*host);
	child_bad(c, "a malformed %s", msg_name(f->type));
	return -1;
}

void
listening_request(struct child *c, const struct frame *f)
{
	struct refusal r = {.kind = "invalid"};
	struct listening *l = NULL;
	struct buf body = {0};
	struct address a;
	bool opened;
	uint16_t port;
	char *host;

	if (f->len > ADDRESS_BYTES) {
		err_set(&r.e, "an address of %u bytes", f->len);
	} else {
		if (read_address(c, f, &host, &port) != 0)
			return;
		if (address_parse(&a, host, port, &r.e) == 0)
			l = obtain(c, &a, &opened, &r);
		free(host);
	}
	if (l) {
		grant(c, f->id, l, opened);
		return;
	}
	msg_put_error(&body, r.kind, "%s", r.e.text);
	child_send(c, MSG_REPLY, f->id, &body);
	buf_release(&body);
}

void
listening_unlisten(struct child *c, const struct frame *f)
{
	struct listening *l;
	struct claim *claim;
	struct address a;
	struct err e;
	uint16_t port;
	char *host;

	if (f->len > ADDRESS_BYTES) {
		child_bad(c, "an address of %u bytes", f->len);
		return;
	}
	if (read_address(c, f, &host, &port) != 0)
		return;
	l = address_parse(&a, host, port, &e) == 0 ?
	    find(c->listening, c->meta->ref, &a) : NULL;
	free(host);
	claim = l ? find_claim(l, c) : NULL;
	if (!claim)
		return;
	SLIST_REMOVE(&l->claims, claim, claim, link);
	free(claim);
	if (SLIST_EMPTY(&l->claims))
		drop(c->listening, l);
}

void
listening_forget(struct child *c)
{
	struct listening *l;
	struct claim *claim;

	TAILQ_FOREACH(l, c->listening, link) {
		claim = find_claim(l, c);
		if (!claim)
			continue;
		SLIST_REMOVE(&l->claims, claim, claim, link);
		free(claim);
	}
}

void
listening_settled(struct listening_list *all, const char *ref)
{
	struct listening *l, *next;

	for (l = TAILQ_FIRST(all); l; l = next) {
		next = TAILQ_NEXT(l, link);
		if (strcmp(l->ref, ref) == 0)
			drop(all, l);
	}
}

void
listening_sweep(struct listening_list *all, listening_asked_fn *asked,
    void *arg)
{
	struct listening *l, *next;

	for (l = TAILQ_FIRST(all); l; l = next) {
		next = TAILQ_NEXT(l, link);
		if (SLIST_EMPTY(&l->claims) && asked(arg, l->ref, GRACE_US))
			drop(all, l);
	}
}

void
listening_release(struct listening_list *all)
{
	while (!TAILQ_EMPTY(all))
		drop(all, TAILQ_FIRST(all));
}
