/*
 * Starts the spawner and asks it for workers. Owns its process, its link and
 * the requests that wait for an answer. Called by pool.c for each worker, and
 * by child.c for one that is not wanted any more. It must never wait for the
 * spawner: that may be stopped, or hang.
 */
#include "core/child/spawner_link.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/process.h"
#include "base/xalloc.h"
#include "core/child/spawner_process.h"
#include "wire/msg.h"

#define MESSAGE_MAX 4096u
#define NAME_BYTES 255u /* as many as the spawner takes */
#define EXIT_TIME 1     /* seconds between the end of its link and its own */
/*
 * Requests on the way at once: so many that the spawner has work while core
 * commits, so few that their descriptors are no burden.
 */
#define WINDOW 32u

struct birth {
	TAILQ_ENTRY(birth) entry;
	uint32_t id; /* 0: not sent yet */
	char *name;
	struct birth_fds fds;
	bool has_fds;
	birth_open_fn *open;
	birth_done_fn *done; /* NULL: cancelled */
	void *arg;
};

/* Closes the worker's ends. */
static void
close_fds(struct birth *b)
{
	if (!b->has_fds)
		return;
	close(b->fds.link);
	close(b->fds.page);
	close(b->fds.output);
	b->has_fds = false;
}

/* Takes a request out of the list and frees it. */
static void
remove_birth(struct spawner_link *s, struct birth *b)
{
	TAILQ_REMOVE(&s->births, b, entry);
	s->asked--;
	if (b->id != 0)
		s->sent--;
	close_fds(b);
	free(b->name);
	free(b);
}

/* Ends a request; a worker that nobody wants is killed. */
static void
end_birth(struct spawner_link *s, struct birth *b, pid_t pid, int pidfd,
    const char *why)
{
	birth_done_fn *done = b->done;
	void *arg = b->arg;

	remove_birth(s, b);
	if (done) {
		done(arg, pid, pidfd, why);
	} else if (pid > 0) {
		process_kill(pid, pidfd);
		if (pidfd != NO_PIDFD)
			close(pidfd);
	}
}

/* Sets the deadline of what is awaited in the present state, if anything. */
static void
set_deadline(struct spawner_link *s)
{
	static const time_t seconds[] = {
		[SPAWNER_STARTING] = SPAWNER_FIRST_ANSWER,
		[SPAWNER_UP] = SPAWNER_ANSWER,
		[SPAWNER_ENDING] = EXIT_TIME,
	};
	const struct timeval tv = {.tv_sec = seconds[s->state]};

	if (s->state == SPAWNER_ENDING || s->sent > 0)
		must(event_add(s->deadline, &tv) == 0);
	else
		event_del(s->deadline);
}

/*
 * Writes one request; -1 with errno. Its message is small and goes out as a
 * whole or not at all.
 */
static int
send_birth(struct spawner_link *s, struct birth *b)
{
	const int fds[] = {b->fds.link, b->fds.page, b->fds.output};
	struct buf body = {0};
	int rc;

	msg_put_bytes(&body, b->name, strnlen(b->name, NAME_BYTES));
	rc = peer_send_fds(&s->peer, MSG_SPAWN, s->next_id + 1, body.data,
	    body.len, fds, 3);
	buf_release(&body);
	if (rc != 0)
		return -1;
	b->id = ++s->next_id;
	if (s->sent++ == 0)
		set_deadline(s);
	close_fds(b);
	return 0;
}

/* True if what went wrong at sending is told by the end of the link, too. */
static bool
is_dead(int code)
{
	return code == EPIPE || code == ECONNRESET;
}

/*
 * The oldest request that was sent, or was not, or NULL. To be asked anew
 * after each birth_done_fn, which may cancel others.
 */
static struct birth *
oldest(const struct spawner_link *s, bool sent)
{
	struct birth *b;

	TAILQ_FOREACH(b, &s->births, entry)
		if ((b->id != 0) == sent)
			return b;
	return NULL;
}

/* Sends what waits, as far as the window goes. */
static void
send_waiting(struct spawner_link *s)
{
	struct birth *b;
	struct err e;

	if (s->state == SPAWNER_DOWN || s->state == SPAWNER_ENDING)
		return;
	while (s->sent < WINDOW && (b = oldest(s, false))) {
		if (!b->has_fds && b->open(b->arg, &b->fds, &e) != 0) {
			end_birth(s, b, -1, -1, e.text);
			continue;
		}
		b->has_fds = true;
		if (send_birth(s, b) == 0)
			continue;
		/* An answer makes room; if none comes, this would wait. */
		if (is_dead(errno) || s->sent > 0)
			return;
		err_errno(&e, "a request to the spawner");
		end_birth(s, b, -1, -1, e.text);
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

/*
 * Ends a worker whose pidfd core has no descriptor left for. Its process id
 * cannot be another's yet: it is not reaped while its request is on the way.
 */
static void
end_nameless(struct spawner_link *s, struct birth *b, pid_t pid)
{
	process_kill(pid, NO_PIDFD);
	end_birth(s, b, -1, -1, "this process has no descriptor left for it; "
	    "raise RLIMIT_NOFILE (systemd: LimitNOFILE)");
}

/* Takes an answer. */
static void
take_answer(struct spawner_link *s, struct birth *b, const struct frame *f)
{
	struct msg_cursor c;
	char *kind, *why;
	bool passed;
	pid_t pid;
	int pidfd;

	msg_begin(&c, f->body, f->len);
	if (msg_get_u8(&c) != MSG_OK) {
		kind = msg_get_text(&c);
		why = msg_get_text(&c);
		end_birth(s, b, -1, -1, why);
		free(kind);
		free(why);
		return;
	}
	pid = (pid_t)msg_get_u32(&c);
	passed = msg_get_u8(&c) != 0;
	pidfd = peer_take_fd(&s->peer);
	if (!msg_end(&c) || pid <= 0) {
		if (pidfd >= 0)
			close(pidfd);
		end_birth(s, b, -1, -1, "the spawner answered nonsense");
		return;
	}
	s->deaths = 0;
	if (passed && pidfd < 0)
		end_nameless(s, b, pid);
	else
		end_birth(s, b, pid, pidfd, NULL);
}

/* peer_message_fn: the spawner answers. */
static void
on_message(struct peer *p, const struct frame *f)
{
	struct spawner_link *s = p->owner;
	struct birth *b;

	TAILQ_FOREACH(b, &s->births, entry)
		if (b->id == f->id)
			break;
	if (f->type != MSG_REPLY || f->id == 0 || !b)
		return;
	if (s->state == SPAWNER_STARTING)
		s->state = SPAWNER_UP;
	take_answer(s, b, f);
	if (s->state == SPAWNER_UP)
		set_deadline(s);
	send_waiting(s);
}

/*
 * peer_closed_fn: the spawner ends, or has closed its link, which it never
 * does: it is killed, and on_exit says how it went.
 */
static void
on_closed(struct peer *p, const char *why)
{
	struct spawner_link *s = p->owner;

	if (why)
		log_error("the spawner's link: %s", why);
	if (s->pid > 0)
		process_kill(s->pid, s->pidfd);
	s->state = SPAWNER_ENDING;
	set_deadline(s);
}

/*
 * Lets go of a spawner that has ended or been killed; another one follows.
 * What it had been sent fails: it may have forked a worker, which ends when
 * its link does, so the same link must not be given to another.
 */
static void
lose(struct spawner_link *s, const char *why)
{
	struct timeval delay = {.tv_usec = 1000};
	struct birth *b;

	event_del(s->deadline);
	event_free(s->exited);
	if (s->pidfd != NO_PIDFD)
		close(s->pidfd);
	peer_release(&s->peer);
	s->state = SPAWNER_DOWN;
	s->pid = s->pidfd = -1;
	while ((b = oldest(s, true)))
		end_birth(s, b, -1, -1, why);
	if (s->deaths++ > 0)
		delay = (struct timeval){.tv_sec = 1};
	must(event_add(s->restart, &delay) == 0);
}

/* event_callback_fn: the spawner's process ended. */
static void
exited_cb(evutil_socket_t fd, short events, void *arg)
{
	struct spawner_link *s = arg;
	int status;

	(void)fd;
	(void)events;
	if (waitpid(s->pid, &status, WNOHANG) != s->pid)
		return;
	s->pid = -1;
	log_warning("the spawner ended (%s %d); starting another",
	    WIFSIGNALED(status) ? "signal" : "exit code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	/* What it answered before counts. */
	if (s->state != SPAWNER_ENDING)
		peer_drain(&s->peer);
	lose(s, "the spawner ended");
}

/*
 * event_callback_fn: no answer, or no exit. It is not waited for any longer:
 * even SIGKILL takes its time where a process hangs in the kernel.
 */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	struct spawner_link *s = arg;
	struct err e;

	(void)fd;
	(void)events;
	process_kill(s->pid, s->pidfd);
	if (s->state == SPAWNER_ENDING)
		err_set(&e, "the spawner closed its link");
	else
		err_set(&e, "the spawner did not answer within %d s",
		    s->state == SPAWNER_UP ? SPAWNER_ANSWER :
		    SPAWNER_FIRST_ANSWER);
	log_error("%s; starting another", e.text);
	lose(s, e.text);
}

/* Starts a spawner; -1 with e. */
static int
start(struct spawner_link *s, struct err *e)
{
	struct spawner_process p;

	if (spawner_process_start(&p, e) != 0)
		return -1;
	s->pid = p.pid;
	s->pidfd = p.pidfd;
	peer_init(&s->peer, s->base, p.link, MESSAGE_MAX, on_message,
	    on_closed, s);
	s->exited = event_new(s->base, s->pidfd, EV_READ | EV_PERSIST,
	    exited_cb, s);
	must(s->exited && event_add(s->exited, NULL) == 0);
	s->state = SPAWNER_STARTING;
	return 0;
}

/* event_callback_fn: starts the spawner again, with what waits for it. */
static void
restart_cb(evutil_socket_t fd, short events, void *arg)
{
	struct spawner_link *s = arg;
	const struct timeval second = {.tv_sec = 1};
	struct err e;

	(void)fd;
	(void)events;
	if (start(s, &e) != 0) {
		log_error("%s; trying again in 1 s", e.text);
		event_add(s->restart, &second);
		return;
	}
	send_waiting(s);
}

int
spawner_link_init(struct spawner_link *s, struct event_base *base,
    struct err *e)
{
	*s = (struct spawner_link){.base = base, .pid = -1, .pidfd = -1};
	TAILQ_INIT(&s->births);
	s->restart = event_new(base, -1, 0, restart_cb, s);
	s->send = event_new(base, -1, 0, send_cb, s);
	s->deadline = event_new(base, -1, 0, deadline_cb, s);
	must(s->restart && s->send && s->deadline);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return err_errno(e, "PR_SET_CHILD_SUBREAPER");
	return start(s, e);
}

void
spawner_link_release(struct spawner_link *s)
{
	struct pollfd exit = {.fd = s->pidfd, .events = POLLIN};

	while (!TAILQ_EMPTY(&s->births))
		remove_birth(s, TAILQ_FIRST(&s->births));
	if (s->state != SPAWNER_DOWN) {
		process_kill(s->pid, s->pidfd);
		if (s->pidfd == NO_PIDFD)
			waitpid(s->pid, NULL, 0);
		else if (poll(&exit, 1, EXIT_TIME * 1000) > 0)
			waitpid(s->pid, NULL, WNOHANG);
		event_free(s->exited);
		peer_release(&s->peer);
		if (s->pidfd != NO_PIDFD)
			close(s->pidfd);
	}
	event_free(s->restart);
	event_free(s->send);
	event_free(s->deadline);
}

struct birth *
spawner_ask(struct spawner_link *s, const char *name, birth_open_fn *open,
    birth_done_fn *done, void *arg)
{
	struct birth *b = xcalloc(1, sizeof(*b));

	b->name = xstrdup(name);
	b->open = open;
	b->done = done;
	b->arg = arg;
	TAILQ_INSERT_TAIL(&s->births, b, entry);
	s->asked++;
	event_active(s->send, 0, 0);
	return b;
}

void
spawner_cancel(struct spawner_link *s, struct birth *b)
{
	b->done = NULL;
	if (b->id == 0)
		remove_birth(s, b);
}
