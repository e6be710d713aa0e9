/*
 * Worker processes, from their birth to their burial. Owns each until it is
 * reaped, its link and its page. Called by the supervisors and by the loop;
 * tells a supervisor through struct child_ops. It must never trust a byte
 * that a worker sent, and never decide about the next start.
 */
#include "core/child/pool.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/child_messages.h"
#include "core/child/ends.h"
#include "core/child/life.h"
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

	if (!c->reaped || !c->link_ended || c->state == CHILD_GONE)
		return;
	c->state = CHILD_GONE;
	child_clear_deadline(c);
	life_ended(c);
	if (c->owner)
		c->ops->gone(c);
	child_unref(&kept);
}

/* event_callback_fn: the deadline has passed. */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)events;
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
		child_set_deadline(c, 1000000, "its link closed");
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

	if (c->killed_for)
		return;
	child_handle(c, f);
	if (!turn_has_capacity(&c->ctx->turn))
		pause_links(c->pool);
}

/* The process ended. */
static void
end_process(struct child *c, int status)
{
	c->pid = -1;
	c->status = status;
	c->reaped = true;
	if (c->output)
		output_end(c->output);
	/* What it sent before it ended still counts. */
	if (!c->link_ended)
		peer_drain(&c->peer);
	check_gone(c);
}

/* True if the process has ended already, before it was known whose it is. */
static bool
had_ended(struct pool *p, pid_t pid, int *status)
{
	unsigned i;

	for (i = 0; i < EARLY_EXITS; i++)
		if (p->early[i].pid == pid) {
			p->early[i].pid = 0;
			*status = p->early[i].status;
			return true;
		}
	return false;
}

/* nursery_born_fn: the worker is there, or could not be made. */
static void
on_born(void *arg, pid_t pid, const char *why)
{
	struct child *c = arg;
	int status;

	if (pid < 0) {
		c->reaped = true;
		free(c->killed_for);
		c->killed_for = xasprintf(NO_WORKER, why ? why :
		    "the spawner answered nonsense");
		c->link_ended = true;
		check_gone(c);
		child_unref(&c);
		return;
	}
	c->pid = c->born_pid = pid;
	life_began(c);
	if (had_ended(c->pool, pid, &status))
		end_process(c, status); /* its id may be another's by now */
	else if (c->killed_for)
		kill(pid, SIGKILL);
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

/* A child that could not even get a link is gone at the next pass. */
static void
fail_birth(struct child *c, const char *why)
{
	c->reaped = c->link_ended = true;
	c->killed_for = xasprintf(NO_WORKER, why);
	child_set_deadline(c, 0, "could not be started");
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
	c->graves = &p->graves;
	c->listening = &p->listening;
	c->catalog = catalog_ref(catalog);
	c->meta = meta;
	c->sensor = sensor;
	c->generation = generation;
	c->spec = spec;
	c->bounds = bounds_of(p->ctx, meta);
	c->ops = ops;
	c->owner = owner;
	c->pid = -1;
	c->worker_end = -1;
	TAILQ_INSERT_TAIL(&p->all, c, link);
	c->deadline = event_new(p->ctx->base, -1, 0, deadline_cb, c);
	must(c->deadline);
	if (ends_link(c, &e) != 0) {
		fail_birth(c, e.text);
		return c;
	}
	peer_init(&c->peer, p->ctx->base, c->core_end,
	    bounds_message(&c->bounds), on_message, on_closed, c);
	c->linked = true;
	send_spec(c);
	c->state = CHILD_LOADING;
	nursery_spawn(&p->nursery, meta->ref, ends_open, on_born,
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
	SLIST_INIT(&p->graves);
	TAILQ_INIT(&p->listening);
	return nursery_init(&p->nursery, ctx->base, e);
}

/* Frees what left the turn. */
static void
clear_graves(struct pool *p)
{
	struct child *c;

	while ((c = SLIST_FIRST(&p->graves))) {
		SLIST_REMOVE_HEAD(&p->graves, grave);
		TAILQ_REMOVE(&p->all, c, link);
		release(c);
	}
}

void
pool_release(struct pool *p)
{
	nursery_release(&p->nursery);
	clear_graves(p);
}

void
pool_reap(struct pool *p, pid_t pid, int status)
{
	struct child *c;

	if (nursery_reap(&p->nursery, pid, status))
		return;
	TAILQ_FOREACH(c, &p->all, link)
		if (c->pid == pid) {
			end_process(c, status);
			return;
		}
	if (p->nursery.sent > 0)
		p->early[p->nearly++ % EARLY_EXITS] =
		    (struct early_exit){pid, status};
}

void
pool_sweep(struct pool *p)
{
	resume_links(p);
	clear_graves(p);
	/* Nobody is being born: no exit that is left can be a worker's. */
	if (p->nearly > 0 && p->nursery.sent == 0) {
		memset(p->early, 0, sizeof(p->early));
		p->nearly = 0;
	}
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
