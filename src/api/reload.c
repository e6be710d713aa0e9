/*
 * /v1/reload: takes new files into the host and says, sensor by sensor, what
 * came of it; and the account of the last one. An answer waits until every
 * sensor that was touched has come to something.
 */
#include <stdlib.h>

#include "api/api.h"
#include "api/findings.h"

/* How many findings an answer lists. */
#define FINDINGS_MAX 1000u

/* Writes where something is wrong, and what. */
static void
put_finding(struct buf *b, const struct diag *d)
{
	struct out o = {0};

	out_open(&o, b);
	out_text(&o, "level", d->level == DIAG_ERROR ? "error" : "warning");
	out_text(&o, "file", d->file);
	out_integer(&o, "line", (uint64_t)d->line);
	out_integer(&o, "column", (uint64_t)d->column);
	out_text(&o, "text", d->text);
	out_close(&o);
}

void
findings_put(struct out *o, const struct diags *d)
{
	size_t i;

	out_integer(o, "errors", d->errors);
	out_name(o, "findings");
	buf_putc(o->b, '[');
	for (i = 0; i < d->count && i < FINDINGS_MAX; i++) {
		if (i > 0)
			buf_puts(o->b, ", ");
		put_finding(o->b, &d->items[i]);
	}
	buf_putc(o->b, ']');
}

/* Writes what a sensor came to. */
static void
put_item(struct buf *b, const struct host_reload_item *item)
{
	struct out o = {0};

	out_open(&o, b);
	out_text(&o, "ref", item->ref);
	out_text(&o, "result", host_outcome_name(item->outcome));
	if (item->why)
		out_text(&o, "why", item->why);
	out_close(&o);
}

void
reload_put(struct out *o, const struct host_reload *result, bool all)
{
	size_t unchanged = 0, listed = 0, i;

	out_integer(o, "number", result->number);
	out_time(o, "began", result->began_us);
	out_time(o, "ended", result->ended_us);
	out_name(o, "sensors");
	buf_putc(o->b, '[');
	for (i = 0; i < result->count; i++) {
		const struct host_reload_item *item = result->item(result, i);

		if (item->outcome == HOST_UNCHANGED) {
			unchanged++;
			if (!all)
				continue;
		}
		if (listed++ > 0)
			buf_puts(o->b, ", ");
		put_item(o->b, item);
	}
	buf_putc(o->b, ']');
	out_integer(o, "unchanged", unchanged);
}

/* Answers with a reload's account. */
static void
answer(struct http_request *r, const struct host_reload *result)
{
	struct out o = {0};

	out_open(&o, http_out(r));
	reload_put(&o, result, true);
	findings_put(&o, result->findings);
	out_close(&o);
	buf_putc(http_out(r), '\n');
	http_answer(r, 200);
}

/* host_reloaded_fn. */
static void
on_reloaded(void *arg, const struct host_reload *result)
{
	struct http_request *r = arg;

	if (result)
		answer(r, result);
	else
		http_fail(r, 503, "the host is stopping");
}

/* http_handler_fn. */
void
api_reload_post(struct http_request *r, void *arg)
{
	host_reload(arg, on_reloaded, r);
}

/* http_handler_fn: the last one. */
void
api_reload_get(struct http_request *r, void *arg)
{
	const struct host_reload *last = host_last_reload(arg);

	if (last)
		answer(r, last);
	else
		http_fail(r, 404, "nothing has been reloaded since the "
		    "start");
}
