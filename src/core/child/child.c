/*
 * The gate to one worker process: what core sends to it, how long it has, and
 * how it is killed. Called by its supervisor and by whatever answers it. It
 * must never send past the turn's gate, nor to a worker that is given up.
 */
#include "core/child/child.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/process.h"
#include "base/xalloc.h"
#include "core/child/sensor_log.h"
#include "core/state/context.h"
#include "pack/pack.h"
#include "pack/catalog.h"

/* A worker that lets so much pile up does not read its link. */
#define BACKLOG_MAX (64u * 1024u * 1024u)

/*
 * What a worker has less for its cleanup than core waits; of a short one, a
 * quarter.
 */
#define STOP_SLACK INT64_C(500000)
/* Beyond the slice of Lua that a worker may be in when it is to go on. */
#define RESUME_SLACK INT64_C(5000000)

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
		SLIST_INSERT_HEAD(c->dead_list, c, dead);
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
	if (c->told)
		turn_answer(&c->ctx->turn, &c->peer);
}

int
child_send_fd(struct child *c, uint32_t id, const struct buf *body, int fd)
{
	struct buf error = {0};

	if (!c->linked || c->link_ended || c->killed_for)
		return -1;
	if (peer_queue_fd(&c->peer, MSG_REPLY, id, body->data, body->len,
	    fd) == 0) {
		if (c->told)
			turn_answer(&c->ctx->turn, &c->peer);
		return 0;
	}
	if (errno == EAGAIN) {
		child_bad(c, "it does not take the descriptors that it asked "
		    "for");
	} else {
		msg_put_error(&error, "busy", "%s", strerror(errno));
		child_send(c, MSG_REPLY, id, &error);
		buf_release(&error);
	}
	return -1;
}

void
child_tell(struct child *c)
{
	c->told = true;
	if (c->linked && !c->link_ended)
		turn_answer(&c->ctx->turn, &c->peer);
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
	return bounds_slice_us(c->ctx, c->meta);
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
	c->resume_id = ++c->next_id;
	child_send(c, MSG_RESUME, c->resume_id, NULL);
	child_set_deadline(c, child_slice_us(c) + RESUME_SLACK,
	    "did not go on after it had been quiet");
}

void
child_resumed(struct child *c)
{
	c->resume_id = 0;
	/* Unless another deadline has taken the place of that one. */
	if (!c->stop_reason && !c->reported && !c->link_ended &&
	    !c->killed_for)
		child_clear_deadline(c);
}

bool
child_has_ended(const struct child *c)
{
	return c->reaped && c->link_ended;
}

void
child_end(struct child *c)
{
	c->reaped = c->link_ended = true;
	event_active(c->deadline, EV_TIMEOUT, 0);
}

/* There is no process, and shall be none. */
static void
cancel_birth(struct child *c)
{
	struct child *asked = c;

	spawner_cancel(c->spawner, c->birth);
	c->birth = NULL;
	child_end(c);
	child_unref(&asked);
}

/* Ends the process, or what would have become one. */
static void
kill_process(struct child *c)
{
	if (c->birth) {
		cancel_birth(c);
	} else if (c->pid > 0) {
		process_kill(c->pid, c->pidfd);
		child_set_deadline(c, KILL_US, "does not die");
	}
}

void
child_stop(struct child *c, const char *reason, int64_t grace_us,
    int64_t cleanup_us)
{
	int64_t slack = cleanup_us / 4 < STOP_SLACK ? cleanup_us / 4 :
	    STOP_SLACK;
	struct buf body = {0};

	if (!c->stop_reason)
		c->stop_reason = xstrdup(reason);
	if (c->birth) {
		c->reported = true;
		c->report = MSG_STATE_STOPPED;
		c->state = CHILD_REPORTED;
		cancel_birth(c);
		return;
	}
	msg_put_str(&body, reason);
	msg_put_u32(&body, (uint32_t)(grace_us / 1000));
	msg_put_u32(&body, (uint32_t)((cleanup_us - slack) / 1000));
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
	kill_process(c);
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
	kill_process(c);
}

void
child_set_deadline(struct child *c, int64_t us, const char *why)
{
	const struct timeval tv = {.tv_sec = us / 1000000,
	    .tv_usec = us % 1000000};

	if (child_has_ended(c))
		return;
	c->deadline_us = clock_mono_us() + us;
	c->deadline_why = why;
	must(event_add(c->deadline, &tv) == 0);
}

void
child_bring_deadline(struct child *c, int64_t us, const char *why)
{
	if (c->deadline_us == 0 || c->deadline_us > clock_mono_us() + us)
		child_set_deadline(c, us, why);
}

void
child_clear_deadline(struct child *c)
{
	if (child_has_ended(c))
		return;
	c->deadline_us = 0;
	event_del(c->deadline);
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

/* Whose log it is. */
static struct sensor_log
log_of(const struct child *c)
{
	return (struct sensor_log){c->ctx, c->meta, c->generation};
}

void
child_log(const struct child *c, enum log_level level, const char *fmt, ...)
{
	const struct sensor_log log = log_of(c);
	va_list ap;

	va_start(ap, fmt);
	sensor_vlog(&log, level, fmt, ap);
	va_end(ap);
}

void
child_log_text(const struct child *c, enum log_level level,
    const char *logger, const char *text, size_t len)
{
	const struct sensor_log log = log_of(c);

	sensor_log_text(&log, level, logger, text, len);
}

bool
child_log_wanted(const struct child *c, enum log_level level)
{
	return level >= sensor_log_level(c->ctx, c->meta->ref);
}

void
child_mask(const struct child *c, struct buf *text, bool cut)
{
	sensor_log_mask(c->meta, text, cut);
}
