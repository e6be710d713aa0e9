/*
 * One worker process: its link, its page, its end. Owns the process until it
 * is reaped. Called by its supervisor; tells it through struct child_ops. It
 * must never trust a byte that the worker sent, and never decide about the
 * next start.
 */
#include "core/child/child.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/child_messages.h"
#include "core/child/ends.h"
#include "core/child/life.h"
#include "core/child/listening.h"
#include "core/child/output.h"
#include "core/child/sensor_log.h"
#include "core/core.h"
#include "pack/catalog.h"

/* A worker that lets so much pile up does not read its link. */
#define BACKLOG_MAX (64u * 1024u * 1024u)

#define NO_WORKER "no worker could be started: %s"

/* event_callback_fn: the deadline has passed. */
static void
deadline_cb(evutil_socket_t fd, short events, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)events;
	child_kill(c, c->deadline_why);
}

/* Tells the supervisor once both process and link are gone. */
static void
check_gone(struct child *c)
{
	if (!c->reaped || !c->link_ended || c->state == CHILD_GONE)
		return;
	c->state = CHILD_GONE;
	child_clear_deadline(c);
	life_ended(c);
	if (c->owner)
		c->ops->gone(c);
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

/* peer_message_fn: translates for the table of handlers. */
static void
on_message(struct peer *p, const struct frame *f)
{
	struct child *c = p->owner;

	if (c->killed_for)
		return;
	child_handle(c, f);
	if (!turn_has_capacity(&c->core->turn))
		core_pause_links(c->core);
}

/* nursery_born_fn: the worker is there, or could not be made. */
static void
on_born(void *arg, pid_t pid, const char *why)
{
	struct child *c = arg;

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
	core_child_born(c->core, c);
	if (c->killed_for)
		kill(pid, SIGKILL);
	child_unref(&c);
}

/* Queues HELLO and LOAD: they wait in the link until the worker is there. */
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
child_new(struct core *core, struct catalog *catalog,
    const struct sensor_meta *meta, uint32_t sensor,
    uint64_t generation, char *spec, const struct child_ops *ops,
    void *owner)
{
	struct child *c = xcalloc(1, sizeof(*c));
	struct err e;

	c->references = 1;
	c->core = core;
	c->catalog = catalog_ref(catalog);
	c->meta = meta;
	c->sensor = sensor;
	c->generation = generation;
	c->spec = spec;
	c->host = spec_host(core, meta);
	c->ops = ops;
	c->owner = owner;
	c->pid = -1;
	c->worker_end = -1;
	TAILQ_INSERT_TAIL(&core->children, c, link);
	c->deadline = event_new(core->base, -1, 0, deadline_cb, c);
	must(c->deadline);
	if (ends_link(c, &e) != 0) {
		fail_birth(c, e.text);
		return c;
	}
	peer_init(&c->peer, core->base, c->core_end,
	    core_message_max(core, meta), on_message, on_closed, c);
	c->linked = true;
	send_spec(c);
	c->state = CHILD_LOADING;
	nursery_spawn(&core->nursery, meta->ref, ends_open, on_born,
	    child_ref(c));
	return c;
}

struct child *
child_ref(struct child *c)
{
	c->references++;
	return c;
}

void
child_unref(struct child **cp)
{
	struct child *c = *cp;

	*cp = NULL;
	if (c && --c->references == 0)
		core_bury(c->core, c);
}

void
child_free(struct child *c)
{
	listening_forget(c);
	unit_parts_release(&c->ahead);
	if (c->linked) {
		turn_forget(&c->core->turn, &c->peer);
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

void
child_send(struct child *c, uint8_t type, uint32_t id,
    const struct buf *body)
{
	if (!c->linked || c->link_ended || c->killed_for)
		return;
	if (peer_backlog(&c->peer) > BACKLOG_MAX) {
		child_bad(c, "it does not read what it asked for");
		return;
	}
	peer_queue(&c->peer, type, id, body ? body->data : NULL,
	    body ? body->len : 0);
	turn_answer(&c->core->turn, &c->peer);
}

void
child_send_fd(struct child *c, uint32_t id, const struct buf *body, int fd)
{
	struct buf error = {0};

	if (!c->linked || c->link_ended || c->killed_for)
		return;
	if (peer_queue_fd(&c->peer, MSG_REPLY, id, body->data, body->len,
	    fd) == 0) {
		turn_answer(&c->core->turn, &c->peer);
	} else if (errno == EAGAIN) {
		child_bad(c, "it does not take the descriptors that it asked "
		    "for");
	} else {
		msg_put_error(&error, "busy", "%s", strerror(errno));
		child_send(c, MSG_REPLY, id, &error);
		buf_release(&error);
	}
}

void
child_take(struct child *c, struct catalog *catalog,
    const struct sensor_meta *meta)
{
	struct catalog *old = c->catalog;

	c->catalog = catalog_ref(catalog);
	c->meta = meta;
	catalog_unref(&old);
}

int64_t
child_slice_us(const struct child *c)
{
	int64_t slice = c->meta->limit_slice_us;

	return slice ? slice : c->core->config->limit_slice_us;
}

void
child_start(struct child *c)
{
	c->state = CHILD_STARTED;
	child_send(c, MSG_START, 0, NULL);
}

void
child_quiet(struct child *c, int64_t grace_us)
{
	struct buf body = {0};

	msg_put_u32(&body, (uint32_t)(grace_us / 1000));
	c->quiet_id = ++c->next_id;
	child_send(c, MSG_QUIET, c->quiet_id, &body);
	buf_release(&body);
}

void
child_resume(struct child *c)
{
	c->quiet_id = 0;
	child_send(c, MSG_RESUME, 0, NULL);
}

void
child_stop(struct child *c, const char *reason, int64_t grace_us,
    int64_t cleanup_us)
{
	struct buf body = {0};

	if (!c->stop_reason)
		c->stop_reason = xstrdup(reason);
	msg_put_str(&body, reason);
	msg_put_u32(&body, (uint32_t)(grace_us / 1000));
	msg_put_u32(&body, (uint32_t)(cleanup_us / 1000));
	child_send(c, MSG_STOP, 0, &body);
	buf_release(&body);
	child_set_deadline(c, grace_us + cleanup_us,
	    "did not stop within stop_timeout");
}

void
child_kill(struct child *c, const char *why)
{
	if (!c->killed_for)
		c->killed_for = xstrdup(why);
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
	else
		check_gone(c);
}

void
child_bad(struct child *c, const char *fmt, ...)
{
	va_list ap;

	if (c->killed_for)
		return;
	va_start(ap, fmt);
	c->killed_for = xvasprintf(fmt, ap);
	va_end(ap);
	child_log(c, LOG_ERROR, "its worker (process %d) sent what "
	    "is no message, and is ended: %s", (int)c->pid, c->killed_for);
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

void
child_set_deadline(struct child *c, int64_t us, const char *why)
{
	const struct timeval tv = {.tv_sec = us / 1000000,
	    .tv_usec = us % 1000000};

	c->deadline_why = why;
	must(event_add(c->deadline, &tv) == 0);
}

void
child_clear_deadline(struct child *c)
{
	event_del(c->deadline);
}

void
child_on_exit(struct child *c, int status)
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

char *
child_obituary(const struct child *c)
{
	if (c->killed_for)
		return xstrdup(c->killed_for);
	if (!c->reaped)
		return xstrdup("closed its link");
	if (WIFSIGNALED(c->status))
		return xasprintf("killed by signal %d (%s)",
		    WTERMSIG(c->status), strsignal(WTERMSIG(c->status)));
	return xasprintf("exited with code %d", WEXITSTATUS(c->status));
}
