/*
 * Worker processes, from their birth until they are reaped and freed. Owns
 * each of them, its link, its pidfd and its page. Called by the supervisors
 * and by the loop; tells a supervisor through struct child_ops. It must never
 * trust a byte that a worker sent, and never decide about the next start.
 */
#include "core/child/pool.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "base/process.h"
#include "base/xalloc.h"
#include "core/child/child_messages.h"
#include "core/child/ends.h"
#include "core/child/life.h"
#include "core/child/log_lines.h"
#include "core/child/output.h"
#include "core/state/context.h"
#include "pack/catalog.h"

#define NO_WORKER "no worker could be started: %s"

/*
 * Once both process and link are gone, tells the supervisor and lets go of
 * what was kept until now, wanted by anybody or not: its end is to be told.
 */
static void
check_gone(struct child *c)
{
	struct child *kept = c;

	if (!child_has_ended(c) || c->state == CHILD_GONE)
		return;
	c->state = CHILD_GONE;
	log_lines_end(c->log_lines);
	event_del(c->deadline);
	life_ended(c);
	if (c->owner)
		c->ops->gone(c);
	child_unref(&kept);
}

/*
 * Even SIGKILL did not end it: it hangs in the kernel. It is waited for no
 * longer; should it end one day, it is reaped as one that nobody knows.
 */
static void
abandon(struct child *c)
{
	child_log(c, LOG_ERROR, "its worker (process %d) does not end, though "
	    "it was killed; it is left behind", (int)c->pid);
	event_del(c->exited);
	c->pid = -1;
	c->status = SIGKILL;
	child_end(c);
}

/* event_callback_fn: the deadline has passed, or it is to be gone. */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)events;
	c->deadline_us = 0;
	if (c->reaped)
		c->link_ended = true; /* what it sent and nobody took is lost */
	else if (c->killed_for && c->pid > 0)
		abandon(c);
	else
		child_kill(c, c->deadline_why);
	check_gone(c);
}

/* peer_closed_fn: the worker closed its end, or sent what is no frame. */
static void
on_closed(struct peer *p, const char *why)
{
	struct child *c = p->owner;

	c->link_ended = true;
	if (why)
		child_bad(c, "%s", why);
	else if (!c->reaped)
		child_bring_deadline(c, 1000000, "its link closed");
	check_gone(c);
}

/* Too much waits to be committed: reads no link for now. */
static void
pause_links(struct pool *p)
{
	struct child *c;

	if (p->paused)
		return;
	p->paused = true;
	TAILQ_FOREACH(c, &p->all, link)
		if (c->linked)
			peer_pause(&c->peer);
}

/* Reads the links again once half of what waited is done. */
static void
resume_links(struct pool *p)
{
	struct child *c;

	if (!p->paused || p->ctx->turn.bytes > TURN_WAITING_MAX / 2)
		return;
	p->paused = false;
	TAILQ_FOREACH(c, &p->all, link)
		if (c->linked)
			peer_resume(&c->peer);
}

/* peer_message_fn: translates for the table of handlers. */
static void
on_message(struct peer *p, const struct frame *f)
{
	struct child *c = p->owner;

	if (c->killed_for || c->link_ended)
		return;
	child_handle(c, f);
	if (!turn_has_capacity(&c->ctx->turn))
		pause_links(c->pool);
}

/* event_callback_fn: the process ended. */
static void
exited_cb(evutil_socket_t fd, short events, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)events;
	if (waitpid(c->pid, &c->status, WNOHANG) != c->pid)
		return;
	event_del(c->exited);
	c->pid = -1;
	c->reaped = true;
	if (c->output)
		output_end(c->output);
	/* What it sent before it ended still counts. */
	if (c->killed_for)
		c->link_ended = true;
	else if (!c->link_ended)
		peer_drain(&c->peer);
	check_gone(c);
}

/* There is no worker, and will be none. */
static void
fail_birth(struct child *c, const char *why)
{
	free(c->killed_for);
	c->killed_for = xasprintf(NO_WORKER, why);
	child_end(c);
}

/* birth_done_fn: the worker is there, or could not be made. */
static void
on_born(void *arg, pid_t pid, int pidfd, const char *why)
{
	struct child *c = arg;

	c->birth = NULL;
	if (pid > 0) {
		c->pid = c->born_pid = pid;
		c->pidfd = pidfd;
		c->exited = event_new(c->ctx->base, pidfd,
		    EV_READ | EV_PERSIST, exited_cb, c);
		must(c->exited && event_add(c->exited, NULL) == 0);
		life_began(c);
	} else {
		fail_birth(c, why);
	}
	child_unref(&c);
}

/* Queues HELLO and LOAD: they wait in the link until child_tell. */
static void
send_spec(struct child *c)
{
	struct buf body = {0};

	msg_put_u16(&body, MSG_VERSION);
	msg_put_str(&body, c->meta->ref);
	msg_put_u64(&body, c->generation);
	c->hello_id = ++c->next_id;
	child_send(c, MSG_HELLO, c->hello_id, &body);
	body.len = 0;
	msg_put_str(&body, c->spec);
	c->load_id = ++c->next_id;
	child_send(c, MSG_LOAD, c->load_id, &body);
	buf_release(&body);
	free(c->spec);
	c->spec = NULL;
}

struct child *
pool_spawn(struct pool *p, struct catalog *catalog,
    const struct sensor_meta *meta, uint32_t sensor, uint64_t generation,
    char *spec, const struct child_ops *ops, void *owner)
{
	struct child *c = xcalloc(1, sizeof(*c));
	struct err e;

	c->references = 2; /* the caller's, and until it is gone */
	c->ctx = p->ctx;
	c->pool = p;
	c->spawner = &p->spawner;
	c->dead_list = &p->dead;
	c->listening = &p->listening;
	c->catalog = catalog_ref(catalog);
	c->meta = meta;
	c->sensor = sensor;
	c->generation = generation;
	c->spec = spec;
	c->bounds = bounds_of(p->ctx, meta);
	c->ops = ops;
	c->owner = owner;
	c->pid = c->pidfd = c->worker_end = -1;
	TAILQ_INSERT_TAIL(&p->all, c, link);
	c->log_lines = log_lines_new(c);
	c->deadline = event_new(p->ctx->base, -1, 0, deadline_cb, c);
	must(c->deadline);
	if (ends_link(c, p->spawner.asked, &e) != 0) {
		fail_birth(c, e.text);
		return c;
	}
	peer_init(&c->peer, p->ctx->base, c->core_end,
	    bounds_message(&c->bounds), on_message, on_closed, c);
	c->linked = true;
	send_spec(c);
	c->state = CHILD_LOADING;
	c->birth = spawner_ask(&p->spawner, meta->ref, ends_open, on_born,
	    child_ref(c));
	return c;
}

/* Frees a worker that nobody refers to. */
static void
release(struct child *c)
{
	listening_forget(c);
	unit_parts_release(&c->ahead);
	if (c->linked) {
		turn_forget(&c->ctx->turn, &c->peer);
		peer_release(&c->peer);
	}
	ends_close(c);
	event_free(c->deadline);
	if (c->exited)
		event_free(c->exited);
	if (c->pidfd >= 0)
		close(c->pidfd);
	log_lines_free(&c->log_lines);
	page_free(&c->page);
	output_free(&c->output);
	catalog_unref(&c->catalog);
	json_decref(c->details);
	free(c->spec);
	free(c->stop_reason);
	free(c->killed_for);
	free(c);
}

int
pool_init(struct pool *p, struct context *ctx, struct err *e)
{
	p->ctx = ctx;
	TAILQ_INIT(&p->all);
	SLIST_INIT(&p->dead);
	TAILQ_INIT(&p->listening);
	return spawner_link_init(&p->spawner, ctx->base, e);
}

/* Frees those that nobody refers to any more. */
static void
free_dead(struct pool *p)
{
	struct child *c;

	while ((c = SLIST_FIRST(&p->dead))) {
		SLIST_REMOVE_HEAD(&p->dead, dead);
		TAILQ_REMOVE(&p->all, c, link);
		release(c);
	}
}

void
pool_release(struct pool *p)
{
	spawner_link_release(&p->spawner);
	free_dead(p);
}

/*
 * True if the process is one whose pidfd is watched; where there are no
 * pidfds, its event comes now.
 */
static bool
is_known(const struct pool *p, pid_t pid)
{
	const struct child *c;

	if (pid == p->spawner.pid) {
		if (p->spawner.pidfd == NO_PIDFD)
			event_active(p->spawner.exited, EV_READ, 0);
		return true;
	}
	TAILQ_FOREACH(c, &p->all, link)
		if (c->pid == pid) {
			if (c->pidfd == NO_PIDFD)
				event_active(c->exited, EV_READ, 0);
			return true;
		}
	return false;
}

void
pool_child_exited(struct pool *p)
{
	p->exits = true;
}

/*
 * Reaps the processes that nobody knows: core is the subreaper, so it gets
 * all that a dead parent below it leaves behind, a worker's, a spawner's, and
 * workers whose spawner died before it answered. Not while an answer is on
 * the way: the process may be the worker that it tells of.
 */
static void
reap_unknown(struct pool *p)
{
	siginfo_t info;

	while (p->exits && p->spawner.sent == 0) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid == 0)
			p->exits = false;
		else if (is_known(p, info.si_pid))
			return; /* its event comes; then on with the others */
		else
			waitpid(info.si_pid, NULL, WNOHANG);
	}
}

void
pool_sweep(struct pool *p)
{
	resume_links(p);
	free_dead(p);
	reap_unknown(p);
}

bool
pool_is_busy(const struct pool *p)
{
	const struct child *c;

	TAILQ_FOREACH(c, &p->all, link)
		if (c->state != CHILD_GONE)
			return true;
	return false;
}
