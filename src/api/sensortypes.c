/*
 * /v1/sensortypes and /v1/sensors: list, look at, enable, disable, restart.
 * A change is answered when it is on disk.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/page.h"
#include "api/sensortype.h"
#include "base/xalloc.h"

/* What a list is narrowed by. */
struct filter {
	const char *name;
	const char *pack;
	const char *trigger;
	const char *enabled; /* "true" or "false", any case, or 1 and 0 */
};

/* A boolean as Python and people write it: 1, 0, or -1 for neither. */
static int
truth(const char *text)
{
	if (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0)
		return 1;
	return strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0 ?
	    0 : -1;
}

/* True if the sensor declares the trigger type. */
static bool
declares(const struct sensor_meta *m, const char *ref)
{
	size_t i;

	for (i = 0; i < m->trigger_count; i++)
		if (strcmp(m->triggers[i]->ref, ref) == 0)
			return true;
	return false;
}

/* True if the sensor is among those that are asked for. */
static bool
passes(const struct filter *f, const struct sensor_meta *m)
{
	return (!f->name || strcmp(f->name, m->class_name) == 0) &&
	    (!f->pack || strcmp(f->pack, m->pack->name) == 0) &&
	    (!f->trigger || declares(m, f->trigger));
}

/* http_handler_fn. */
void
api_sensortypes_list(struct http_request *r, void *arg)
{
	const struct filter f = {http_query(r, "name"), http_query(r, "pack"),
	    http_query(r, "trigger"), http_query(r, "enabled")};
	struct out o = {.include = http_query(r, "include_attributes"),
	    .exclude = http_query(r, "exclude_attributes")};
	const struct sensor_meta **all, *m;
	struct buf *b = http_out(r);
	struct host_sensor s;
	struct page page;
	size_t i;

	if (page_init(&page, r) != 0)
		return;
	if (f.enabled && truth(f.enabled) < 0) {
		http_fail(r, 400, "enabled, \"%s\" specified, must be true "
		    "or false.", f.enabled);
		return;
	}
	buf_putc(b, '[');
	all = host_sensors(arg);
	for (i = 0; (m = all[i]); i++) {
		if (!passes(&f, m))
			continue;
		host_sensor_fill(arg, m, &s);
		if (!sensortype_is_known(r, arg, &s))
			break;
		if ((f.enabled && truth(f.enabled) != s.enabled) ||
		    !page_takes(&page))
			continue;
		buf_puts(b, b->len > 1 ? ",\n" : "");
		out_open(&o, b);
		sensortype_put(&o, &s);
		out_close(&o);
	}
	free(all);
	if (m)
		return; /* it has been answered */
	buf_puts(b, "]\n");
	page_headers(&page, r);
	http_answer(r, 200);
}

/* http_handler_fn. */
void
api_sensortypes_get(struct http_request *r, void *arg)
{
	struct host_sensor s;

	if (sensortype_find(r, arg, &s))
		sensortype_answer(r, 200, &s);
}

/* A switch that waits for the disk. */
struct waiting {
	struct http_request *request;
	struct core *core;
	char *ref;
};

/* host_done_fn. */
static void
on_switched(void *arg, const char *error)
{
	struct waiting *w = arg;
	struct host_sensor s;

	if (error)
		http_fail(w->request, 503, "%s", error);
	else if (!host_sensor_find(w->core, w->ref, &s))
		http_fail(w->request, 404, "\"%s\" is gone", w->ref);
	else if (sensortype_is_known(w->request, w->core, &s))
		sensortype_answer(w->request, 200, &s);
	free(w->ref);
	free(w);
}

/* Enables or disables the sensor of the route. */
static void
switch_to(struct http_request *r, struct core *core, bool enable)
{
	struct host_sensor s;
	struct waiting *w;
	struct err e;

	if (!sensortype_find(r, core, &s))
		return;
	if (strcmp(s.meta->pack->name, "core") == 0) {
		http_fail(r, 400, "Resources belonging to system level packs "
		    "can't be manipulated");
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct waiting){r, core, xstrdup(s.meta->ref)};
	if (host_sensor_switch(core, s.meta->ref, enable, http_who(r),
	    on_switched, w, &e) == 0)
		return;
	http_fail(r, 503, "%s", e.text);
	free(w->ref);
	free(w);
}

/* http_handler_fn: {"enabled": bool}, absent is false; the rest is ignored. */
void
api_sensortypes_put(struct http_request *r, void *arg)
{
	const char *body;
	json_error_t why;
	json_t *value, *enabled;
	size_t len;

	body = http_body(r, &len);
	value = json_loadb(body, len, JSON_ALLOW_NUL, &why);
	enabled = json_object_get(value, "enabled");
	if (!value)
		http_fail(r, 400, "the body is no JSON: %s", why.text);
	else if (!json_is_object(value))
		http_fail(r, 400, "the body is no JSON object");
	else if (enabled && !json_is_boolean(enabled))
		http_fail(r, 400, "\"enabled\" is neither true nor false");
	else
		switch_to(r, arg, json_is_true(enabled));
	json_decref(value);
}

/* http_handler_fn. */
void
api_sensortypes_enable(struct http_request *r, void *arg)
{
	switch_to(r, arg, true);
}

/* http_handler_fn. */
void
api_sensortypes_disable(struct http_request *r, void *arg)
{
	switch_to(r, arg, false);
}

/* http_handler_fn: 202, since what it comes to is seen later. */
void
api_sensors_restart(struct http_request *r, void *arg)
{
	struct host_sensor s;
	struct err e;
	char *ref;

	if (!sensortype_find(r, arg, &s))
		return;
	ref = xstrdup(s.meta->ref);
	if (host_sensor_restart(arg, ref, &e) != 0)
		http_fail(r, host_unready(arg) ? 503 : 409, "%s", e.text);
	else if (host_sensor_find(arg, ref, &s) &&
	    sensortype_is_known(r, arg, &s))
		sensortype_answer(r, 202, &s);
	free(ref);
}
