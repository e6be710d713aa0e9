/*
 * Starts the spawner and asks it for workers. Owns the spawner's link and the
 * requests that wait for an answer. Called by pool.c for each worker. It
 * must never block on the spawner for longer than one small message takes.
 */
#include "core/child/nursery.h"

#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "wire/msg.h"

#define SPAWNER_FD 3
#define MESSAGE_MAX 4096u
/*
 * Requests on the way at once: both ends write blockingly, so neither
 * direction may ever hold more than its socket takes.
 */
#define WINDOW 32u

struct nursery_request {
	TAILQ_ENTRY(nursery_request) entry;
	uint32_t id; /* 0: not sent yet */
	char *name;
	struct nursery_fds fds;
	bool has_fds;
	nursery_open_fn *open;
	nursery_born_fn *born;
	void *arg;
};

/* Closes the worker's ends. */
static void
close_fds(struct nursery_request *r)
{
	if (!r->has_fds)
		return;
	close(r->fds.link);
	close(r->fds.page);
	close(r->fds.output);
	r->has_fds = false;
}

/* Frees a request that has left the list. */
static void
request_free(struct nursery_request *r)
{
	close_fds(r);
	free(r->name);
	free(r);
}

/* Ends a request without a worker. */
static void
request_fail(struct nursery *n, struct nursery_request *r, const char *why)
{
	TAILQ_REMOVE(&n->requests, r, entry);
	r->born(r->arg, -1, why);
	request_free(r);
}

/*
 * Executes this very program: by its path, which is also what a debugging
 * tool follows, and once that leads elsewhere (the link then ends in
 * " (deleted)") by the link itself.
 */
static void
exec_self(char *const argv[])
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n > 0) {
		path[n] = '\0';
		execv(path, argv);
	}
	execv("/proc/self/exe", argv);
}

/* In the child: becomes the spawner. */
static _Noreturn void
exec_spawner(int fd)
{
	char *const argv[] = {(char[]){"sensorhost"}, (char[]){"--spawner"},
	    NULL};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Ctrl-C is for core, which then stops the workers in order. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd == SPAWNER_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, SPAWNER_FD);
	close_range(SPAWNER_FD + 1, ~0u, 0);
	exec_self(argv);
	_exit(127);
}

/* Writes one request to the spawner; false if that is dead. */
static bool
send_request(struct nursery *n, struct nursery_request *r)
{
	const int fds[] = {r->fds.link, r->fds.page, r->fds.output};
	struct buf body = {0};
	struct err e;
	int rc;

	msg_put_str(&body, r->name);
	rc = peer_send_fds(&n->link, MSG_SPAWN, n->next_id + 1, body.data,
	    body.len, fds, 3, &e);
	buf_release(&body);
	if (rc != 0)
		return false;
	r->id = ++n->next_id;
	n->sent++;
	close_fds(r);
	return true;
}

/* Sends what waits, as far as the window goes. */
static void
send_waiting(struct nursery *n)
{
	struct nursery_request *r, *next;
	struct err e;

	for (r = TAILQ_FIRST(&n->requests); r && n->linked &&
	    n->sent < WINDOW; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->id != 0)
			continue;
		if (!r->has_fds && r->open(r->arg, &r->fds, &e) != 0) {
			request_fail(n, r, e.text);
			continue;
		}
		r->has_fds = true;
		/* A dead spawner is seen at its link; all wait till then. */
		if (!send_request(n, r))
			return;
	}
}

/* event_callback_fn: requests were made in this pass of the loop. */
static void
send_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	send_waiting(arg);
}

/* peer_message_fn: the spawner answers. */
static void
on_message(struct peer *p, const struct frame *f)
{
	struct nursery *n = p->owner;
	struct nursery_request *r;
	struct msg_cursor c;
	char *why = NULL;
	pid_t pid = -1;

	TAILQ_FOREACH(r, &n->requests, entry)
		if (r->id == f->id)
			break;
	if (f->type != MSG_REPLY || !r)
		return;
	msg_begin(&c, f->body, f->len);
	if (msg_get_u8(&c) == MSG_OK) {
		pid = (pid_t)msg_get_u32(&c);
		n->deaths = 0;
	} else {
		free(msg_get_text(&c));
		why = msg_get_text(&c);
	}
	TAILQ_REMOVE(&n->requests, r, entry);
	n->sent--;
	r->born(r->arg, pid, why);
	free(why);
	request_free(r);
	send_waiting(n);
}

/* peer_closed_fn: the spawner is gone; its death is seen by nursery_reap. */
static void
on_closed(struct peer *p, const char *why)
{
	struct nursery *n = p->owner;

	if (why)
		log_error("the spawner's link: %s", why);
	kill(n->pid, SIGKILL);
}

/* Forks and executes the spawner; -1 with e. */
static int
start(struct nursery *n, struct err *e)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(e, "socketpair for the spawner");
	n->pid = fork();
	if (n->pid == 0)
		exec_spawner(ends[1]);
	close(ends[1]);
	if (n->pid < 0) {
		close(ends[0]);
		return err_errno(e, "fork of the spawner");
	}
	peer_init(&n->link, n->base, ends[0], MESSAGE_MAX, on_message,
	    on_closed, n);
	n->linked = true;
	return 0;
}

/* event_callback_fn: starts the spawner again, with what waits for it. */
static void
restart_cb(evutil_socket_t fd, short events, void *arg)
{
	struct nursery *n = arg;
	const struct timeval second = {.tv_sec = 1};
	struct err e;

	(void)fd;
	(void)events;
	if (start(n, &e) != 0) {
		log_error("%s; trying again in 1 s", e.text);
		event_add(n->restart, &second);
		return;
	}
	send_waiting(n);
}

int
nursery_init(struct nursery *n, struct event_base *base, struct err *e)
{
	*n = (struct nursery){.base = base, .pid = -1};
	TAILQ_INIT(&n->requests);
	n->restart = event_new(base, -1, 0, restart_cb, n);
	n->send = event_new(base, -1, 0, send_cb, n);
	must(n->restart && n->send);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return err_errno(e, "PR_SET_CHILD_SUBREAPER");
	return start(n, e);
}

void
nursery_release(struct nursery *n)
{
	struct nursery_request *r;

	while ((r = TAILQ_FIRST(&n->requests))) {
		TAILQ_REMOVE(&n->requests, r, entry);
		request_free(r);
	}
	if (n->linked) {
		peer_release(&n->link);
		kill(n->pid, SIGKILL);
		waitpid(n->pid, NULL, 0);
	}
	event_free(n->restart);
	event_free(n->send);
}

void
nursery_spawn(struct nursery *n, const char *name,
    nursery_open_fn *open, nursery_born_fn *born, void *arg)
{
	struct nursery_request *r = xcalloc(1, sizeof(*r));

	r->name = xstrdup(name);
	r->open = open;
	r->born = born;
	r->arg = arg;
	TAILQ_INSERT_TAIL(&n->requests, r, entry);
	event_active(n->send, 0, 0);
}

/*
 * Fails the requests that the dead spawner had been sent: it may have forked
 * a worker for one, so the same link must not be given to another.
 */
static void
fail_sent(struct nursery *n)
{
	struct nursery_request *r, *next;

	for (r = TAILQ_FIRST(&n->requests); r; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->id == 0)
			continue;
		n->sent--;
		request_fail(n, r, "the spawner ended");
	}
}

bool
nursery_reap(struct nursery *n, pid_t pid, int status)
{
	struct timeval delay = {.tv_usec = 1000};

	if (pid != n->pid)
		return false;
	log_warning("the spawner ended (%s %d); starting another",
	    WIFSIGNALED(status) ? "signal" : "exit code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	peer_release(&n->link);
	n->linked = false;
	n->pid = -1;
	fail_sent(n);
	if (n->deaths++ > 0)
		delay = (struct timeval){.tv_sec = 1};
	must(event_add(n->restart, &delay) == 0);
	return true;
}
