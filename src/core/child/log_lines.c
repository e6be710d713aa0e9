/*
 * Log lines that a worker sends. Called by the table of child_messages.c and
 * by pool.c. It must never let one sensor fill the log, nor let lines go
 * missing without a word.
 */
#include "core/child/log_lines.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/child.h"
#include "core/child/window.h"
#include "core/state/context.h"

struct log_lines {
	struct child *child;
	struct window window;
	struct event *over; /* its end, when there is something to report */
};

/* Begins the next window; says what was suppressed in the last. */
static void
begin_window(struct log_lines *l)
{
	uint64_t suppressed = window_begin(&l->window);

	if (suppressed > 0)
		child_log(l->child, LOG_WARNING, "%llu of its log lines "
		    "suppressed: more than %u lines or %u MB in %d s",
		    (unsigned long long)suppressed, LOG_LINES,
		    LOG_BYTES >> 20, WINDOW_SECONDS);
}

/* event_callback_fn: a window in which lines were suppressed is over. */
static void
over_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	begin_window(arg);
}

/* Sees to it that what is suppressed is told of, even if no more comes. */
static void
await_end(struct log_lines *l)
{
	static const struct timeval tv = {.tv_sec = WINDOW_SECONDS};

	if (!l->over)
		l->over = event_new(l->child->ctx->base, -1, 0, over_cb, l);
	must(l->over && event_add(l->over, &tv) == 0);
}

/* Logs a text that is longer than a line may be. */
static void
log_cut(struct log_lines *l, enum log_level level, const char *name,
    const uint8_t *text, size_t len)
{
	struct buf line = {0};
	size_t kept = LOG_LINE - 64;

	buf_put(&line, text, kept);
	child_mask(l->child, &line, true);
	buf_printf(&line, " ... (%zu bytes cut)", len - kept);
	child_log_text(l->child, level, name, (char *)line.data, line.len);
	buf_release(&line);
}

struct log_lines *
log_lines_new(struct child *c)
{
	struct log_lines *l = xcalloc(1, sizeof(*l));

	l->child = c;
	return l;
}

void
log_lines_take(struct log_lines *l, enum log_level level, const char *name,
    const uint8_t *text, size_t len)
{
	struct window *w = &l->window;
	char cut[LOG_NAME + 1];

	if (!child_log_wanted(l->child, level))
		return;
	if (window_is_over(w))
		begin_window(l);
	if (!window_admits(w, w->bytes < LOG_BYTES ? LOG_LINES : 0)) {
		if (w->suppressed == 1)
			await_end(l);
		return;
	}
	snprintf(cut, sizeof(cut), "%s", name);
	w->bytes += len < LOG_LINE ? len : LOG_LINE;
	if (len > LOG_LINE)
		log_cut(l, level, cut, text, len);
	else
		child_log_text(l->child, level, cut, (const char *)text, len);
}

void
log_lines_end(struct log_lines *l)
{
	begin_window(l);
	if (l->over)
		event_del(l->over);
}

void
log_lines_free(struct log_lines **lp)
{
	struct log_lines *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	if (l->over)
		event_free(l->over);
	free(l);
}
