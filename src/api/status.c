/*
 * /v1/status: the host at a glance.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "api/findings.h"
#include "base/clock.h"
#include "base/js.h"
#include "core/host.h"

/* How many sensors are in each state; a state's name is never freed. */
struct tally {
	const char *state;
	unsigned count;
};
#define STATES 16u

/* Counts one. */
static void
tally_add(struct tally *tallies, const char *state)
{
	size_t i;

	for (i = 0; i < STATES - 1 && tallies[i].state; i++)
		if (strcmp(tallies[i].state, state) == 0)
			break;
	tallies[i].state = state;
	tallies[i].count++;
}

/* Writes how the sensors do; false if that cannot be read. */
static bool
put_sensors(struct out *o, struct core *core)
{
	const struct sensor_meta **all = host_sensors(core);
	struct tally tallies[STATES] = {{0}};
	struct out inner = {0};
	const char *state = "";
	unsigned failing = 0, total;
	size_t i;

	for (total = 0; all[total] && state; total++) {
		bool fails;

		state = host_sensor_state(core, all[total], &fails);
		if (state)
			tally_add(tallies, state);
		failing += fails;
	}
	free(all);
	if (!state)
		return false;
	out_name(o, "sensors");
	out_open(&inner, o->b);
	out_integer(&inner, "total", total);
	for (i = 0; i < STATES && tallies[i].state; i++)
		out_integer(&inner, tallies[i].state, tallies[i].count);
	out_integer(&inner, "failing", failing);
	out_close(&inner);
	return true;
}

/* Writes the figures of the store. */
static void
put_store(struct out *o, const struct host_status *s)
{
	const struct store_figures *f = &s->store;
	const struct overdue *due = &s->overdue;
	struct out inner = {0};

	out_name(o, "store");
	out_open(&inner, o->b);
	out_integer(&inner, "file_bytes", f->file_bytes);
	out_integer(&inner, "free_bytes", f->free_bytes);
	out_integer(&inner, "disk_free_bytes", f->disk_free_bytes);
	out_integer(&inner, "journal_bytes", f->journal_bytes);
	out_integer(&inner, "journal_first", f->journal_first);
	out_integer(&inner, "journal_last", f->journal_last);
	out_integer(&inner, "dead_letters", f->dead_letters);
	out_integer(&inner, "items", f->items);
	out_integer(&inner, "overdue_items", due->items);
	out_double(&inner, "overdue_seconds", due->items > 0 ?
	    (double)(clock_unix_us() - due->oldest_us) / 1e6 : 0);
	out_integer(&inner, "commits", f->commits);
	out_close(&inner);
}

/* Writes what is to be known of the clock. */
static void
put_clock(struct out *o, const struct store_clock *c)
{
	struct out inner = {0};

	out_name(o, "clock");
	out_open(&inner, o->b);
	out_integer(&inner, "steps", c->steps);
	out_double(&inner, "last_step", (double)c->step_us / 1e6);
	out_bool(&inner, "last_step_at_start", c->at_open);
	out_time(&inner, "newest_record", c->behind_us);
	out_time(&inner, "aging_held_until", c->held_until_us);
	out_close(&inner);
}

/* Writes how long the turns of the loop were. */
static void
put_loop(struct out *o, const struct host_loop *l)
{
	struct out inner = {0};

	out_name(o, "loop");
	out_open(&inner, o->b);
	out_time(&inner, "since", l->since_us);
	out_integer(&inner, "turns", l->turns);
	out_double(&inner, "longest_work", (double)l->longest_work_us / 1e6);
	out_double(&inner, "longest_commit",
	    (double)l->longest_commit_us / 1e6);
	out_close(&inner);
}

/* Writes where the host listens. */
static void
put_addresses(struct out *o, struct core *core)
{
	const char *address;
	size_t i;

	out_name(o, "listening");
	buf_putc(o->b, '[');
	for (i = 0; (address = host_address(core, i)); i++) {
		buf_puts(o->b, i > 0 ? ", " : "");
		js_put_string_lossy(o->b, address, strlen(address));
	}
	buf_putc(o->b, ']');
}

/* Writes the account of the last reload. */
static void
put_reload(struct out *o, struct core *core)
{
	const struct host_reload *last = host_last_reload(core);
	struct out inner = {0};

	out_name(o, "last_reload");
	if (!last) {
		buf_puts(o->b, "null");
		return;
	}
	out_open(&inner, o->b);
	reload_put(&inner, last, false);
	out_close(&inner);
}

/* http_handler_fn. */
void
api_status_get(struct http_request *r, void *arg)
{
	struct buf *b = http_out(r);
	const char *unready;
	struct host_status s;
	struct out o = {0};
	bool known = host_status(arg, &s) != READ_FAILED;

	unready = host_unready(arg);
	out_open(&o, b);
	out_text(&o, "version", SENSORHOST_VERSION);
	out_integer(&o, "pid", (uint64_t)getpid());
	out_text(&o, "state", s.state);
	out_bool(&o, "ready", !unready);
	out_text(&o, "unready", unready);
	out_time(&o, "started", s.started_us);
	out_double(&o, "uptime", (double)s.uptime_us / 1e6);
	out_text(&o, "data_dir", s.data_dir);
	out_text(&o, "config", s.config_file);
	put_addresses(&o, arg);
	out_integer(&o, "connections", s.connections);
	known = known && put_sensors(&o, arg);
	put_loop(&o, &s.loop);
	put_clock(&o, &s.clock);
	put_store(&o, &s);
	put_reload(&o, arg);
	findings_put(&o, host_findings(arg));
	out_close(&o);
	buf_putc(b, '\n');
	if (known)
		http_answer(r, 200);
	else
		http_fail(r, 500, "the store cannot be read: %s",
		    host_unread(arg));
}
