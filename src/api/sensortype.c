/*
 * A sensor as JSON: the members that StackStorm's sensortypes have, in its
 * words, and behind them how it does.
 */
#include "api/sensortype.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/xalloc.h"

/* Writes "sensors.counter.Counter", as StackStorm keeps an entry point. */
static void
put_entry_point(struct out *o, const struct sensor_meta *m)
{
	size_t n = m->entry_point ? strlen(m->entry_point) : 0;
	char *text, *c;

	if (n > 4 && strcmp(m->entry_point + n - 4, ".lua") == 0)
		n -= 4;
	text = xasprintf("%.*s", (int)n, m->entry_point ? m->entry_point :
	    "");
	for (c = text; *c; c++)
		if (*c == '/')
			*c = '.';
	if (out_name(o, "entry_point")) {
		char *whole = xasprintf("%s.%s", text, m->class_name);

		js_put_string_lossy(o->b, whole, strlen(whole));
		free(whole);
	}
	free(text);
}

/* Writes file:// and the entry point's path. */
static void
put_artifact(struct out *o, const struct sensor_meta *m)
{
	char *text = m->entry_point ? xasprintf("file://%s/%s",
	    m->pack->real_dir ? m->pack->real_dir : m->pack->dir,
	    m->entry_point) : NULL;

	out_text(o, "artifact_uri", text);
	free(text);
}

/* Writes the refs of the trigger types. */
static void
put_triggers(struct out *o, const struct sensor_meta *m)
{
	size_t i;

	if (!out_name(o, "trigger_types"))
		return;
	buf_putc(o->b, '[');
	for (i = 0; i < m->trigger_count; i++) {
		buf_puts(o->b, i > 0 ? ", " : "");
		js_put_string_lossy(o->b, m->triggers[i]->ref,
		    strlen(m->triggers[i]->ref));
	}
	buf_putc(o->b, ']');
}

/* Writes what the files say. */
static void
put_facts(struct out *o, const struct host_sensor *s)
{
	const struct sensor_meta *m = s->meta;
	char *uid = xasprintf("sensor_type:%s:%s", m->pack->name,
	    m->class_name);

	out_text(o, "id", s->id);
	out_text(o, "ref", m->ref);
	out_text(o, "uid", uid);
	out_text(o, "name", m->class_name);
	out_text(o, "class_name", m->class_name);
	out_text(o, "pack", m->pack->name);
	out_text(o, "description", m->description);
	out_bool(o, "enabled", s->enabled);
	if (m->poll_interval > 0)
		out_double(o, "poll_interval", m->poll_interval);
	else if (out_name(o, "poll_interval"))
		buf_puts(o->b, "null");
	put_triggers(o, m);
	put_entry_point(o, m);
	put_artifact(o, m);
	out_text(o, "metadata_file", m->metadata_file);
	free(uid);
}

void
sensortype_put(struct out *o, const struct host_sensor *s)
{
	put_facts(o, s);
	out_text(o, "state", s->state);
	out_bool(o, "failing", s->failing);
	out_integer(o, "failures", s->failures);
	out_time(o, "failing_since", s->failing_since_us);
	out_text(o, "last_error", s->error);
	out_text(o, "traceback", s->traceback);
	out_time(o, "last_error_time", s->error_us);
	out_time(o, "next_start", s->next_start_us);
	out_integer(o, "generation", s->generation);
	out_integer(o, "pid", (uint64_t)s->pid);
	out_time(o, "started", s->started_us);
	out_time(o, "next_poll", s->next_poll_us);
	out_integer(o, "skipped_polls", s->skipped);
	out_text(o, "switched_by", s->by);
	out_time(o, "switched", s->switched_us);
}

void
sensortype_answer(struct http_request *r, unsigned status,
    const struct host_sensor *s)
{
	struct out o = {.include = http_query(r, "include_attributes"),
	    .exclude = http_query(r, "exclude_attributes")};

	out_open(&o, http_out(r));
	sensortype_put(&o, s);
	out_close(&o);
	buf_putc(http_out(r), '\n');
	http_answer(r, status);
}

bool
sensortype_is_known(struct http_request *r, struct core *core,
    const struct host_sensor *s)
{
	if (!s->state)
		http_fail(r, 500, "what the store keeps of \"%s\" cannot be "
		    "read: %s", s->meta->ref, host_unread(core));
	return s->state != NULL;
}

bool
sensortype_find(struct http_request *r, struct core *core,
    struct host_sensor *out)
{
	const char *ref = http_param(r, "ref"), *near;

	if (host_sensor_find(core, ref, out))
		return sensortype_is_known(r, core, out);
	near = host_sensor_nearest(core, ref);
	if (near)
		http_fail(r, 404, "Resource with a reference or id \"%s\" "
		    "not found; did you mean \"%s\"?", ref, near);
	else
		http_fail(r, 404, "Resource with a reference or id \"%s\" "
		    "not found", ref);
	return false;
}
