/*
 * Parameterised triggers, by who wants them. Owns the counted list. Called
 * when a configuration is taken, by `run`, and by spec.c for each start. It
 * must never tell a sensor of a trigger that its own type does not allow.
 */
#include "core/sensor/declared.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "base/nearest.h"
#include "base/xalloc.h"
#include "core/child/pool.h"
#include "core/state/context.h"
#include "core/state/findings.h"
#include "core/state/trigger.h"
#include "pack/catalog.h"
#include "schema/schema.h"

#define NEAR_MAX 4096u

/* One trigger, and how many want it. */
struct wanted {
	TAILQ_ENTRY(wanted) link;
	char *type;
	json_t *parameters;
	char *text; /* of them, canonical */
	unsigned count;
};

struct declared {
	struct context *ctx;
	struct pool *pool;
	struct findings *findings;
	TAILQ_HEAD(, wanted) all;
	json_t *configured; /* the triggers of the configuration in use */
};

struct declared *
declared_new(struct context *ctx, struct pool *pool,
    struct findings *findings)
{
	struct declared *d = xcalloc(1, sizeof(*d));

	d->ctx = ctx;
	d->pool = pool;
	d->findings = findings;
	TAILQ_INIT(&d->all);
	d->configured = json_array();
	return d;
}

/* Frees one. */
static void
wanted_free(struct declared *d, struct wanted *w)
{
	TAILQ_REMOVE(&d->all, w, link);
	json_decref(w->parameters);
	free(w->text);
	free(w->type);
	free(w);
}

void
declared_free(struct declared **dp)
{
	struct declared *d = *dp;
	struct wanted *w;

	*dp = NULL;
	if (!d)
		return;
	while ((w = TAILQ_FIRST(&d->all)))
		wanted_free(d, w);
	json_decref(d->configured);
	free(d);
}

/* The sensor's own type of that ref, if these parameters fit it; or NULL. */
static const struct trigger_type *
type_of(const struct sensor_meta *meta, const struct wanted *w)
{
	struct schema_error why;
	size_t i;

	for (i = 0; i < meta->trigger_count; i++) {
		const struct trigger_type *t = meta->triggers[i];

		if (strcmp(t->ref, w->type) == 0)
			return t->parameters && !schema_validate_json(
			    t->parameters, w->parameters, &why) ? t : NULL;
	}
	return NULL;
}

/* Tells every worker whose sensor declares the type. */
static void
tell(struct declared *d, const struct wanted *w, unsigned change)
{
	struct child *c;

	TAILQ_FOREACH(c, &d->pool->all, link) {
		const struct trigger_type *t = type_of(c->meta, w);
		struct buf body = {0};
		json_t *about;
		char *text;

		if (!t || c->reported)
			continue;
		about = trigger_get(d->ctx, t, w->parameters);
		text = json_dumps(about, JSON_COMPACT);
		msg_put_u8(&body, (uint8_t)change);
		msg_put_str(&body, text);
		child_send(c, MSG_TRIGGER, 0, &body);
		buf_release(&body);
		free(text);
		json_decref(about);
	}
}

/* Canonical text of parameters; to be freed. */
static char *
text_of(const json_t *parameters)
{
	struct buf b = {0};
	char *text;

	js_put_json(&b, parameters, true);
	text = xstrdup(buf_cstr(&b));
	buf_release(&b);
	return text;
}

/* The one of that type with these parameters, or NULL. */
static struct wanted *
find(const struct declared *d, const char *type, const char *text)
{
	struct wanted *w;

	TAILQ_FOREACH(w, &d->all, link)
		if (strcmp(w->type, type) == 0 && strcmp(w->text, text) == 0)
			return w;
	return NULL;
}

void
declared_add(struct declared *d, const char *type, json_t *parameters)
{
	char *text = text_of(parameters);
	struct wanted *w = find(d, type, text);

	if (w) {
		w->count++;
		free(text);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->type = xstrdup(type);
	w->parameters = json_incref(parameters);
	w->text = text;
	w->count = 1;
	TAILQ_INSERT_TAIL(&d->all, w, link);
	tell(d, w, MSG_TRIGGER_ADD);
}

void
declared_drop(struct declared *d, const char *type, json_t *parameters)
{
	char *text = text_of(parameters);
	struct wanted *w = find(d, type, text);

	free(text);
	must(w);
	if (--w->count > 0)
		return;
	tell(d, w, MSG_TRIGGER_REMOVE);
	wanted_free(d, w);
}

/* Calls add or drop for each trigger of a configuration. */
static void
each(struct declared *d, const json_t *triggers,
    void (*fn)(struct declared *, const char *, json_t *))
{
	json_t *item, *none = json_object();
	size_t i;

	json_array_foreach(triggers, i, item) {
		json_t *parameters = json_object_get(item, "parameters");

		fn(d, json_string_value(json_object_get(item, "type")),
		    json_is_object(parameters) ? parameters : none);
	}
	json_decref(none);
}

void
declared_configure(struct declared *d)
{
	json_t *old = d->configured;

	/* What is in both is counted twice in between, and nobody is told. */
	d->configured = json_incref(d->ctx->config->triggers);
	each(d, d->configured, declared_add);
	each(d, old, declared_drop);
	json_decref(old);
}

/* The ref of a parameterised type that may have been meant, or NULL. */
static const char *
near_type(const struct catalog *c, const char *ref)
{
	const char *names[NEAR_MAX];
	const struct trigger_type *t;
	size_t at = 0, n = 0;

	while (n < NEAR_MAX && (t = catalog_trigger_types(c, &at)))
		if (t->parameters)
			names[n++] = t->ref;
	return nearest(ref, names, n);
}

/* What is wrong with a declaration; 0 or -1 with e. */
static int
check(const struct catalog *c, const char *ref, const json_t *parameters,
    struct err *e)
{
	const struct trigger_type *t = catalog_trigger_type(c, ref);
	struct schema_error why;
	const char *near;

	if (!t) {
		near = near_type(c, ref);
		return err_set(e, "there is no trigger type \"%s\"%s%s%s",
		    ref, near ? "; did you mean \"" : "", near ? near : "",
		    near ? "\"?" : "");
	}
	if (!t->parameters)
		return err_set(e, "\"%s\" (%s:%d) has no parameters_schema: "
		    "its only trigger is there without being declared", ref,
		    t->file, t->line);
	if (schema_validate_json(t->parameters, parameters, &why))
		return err_set(e, "the parameters do not fit \"%s\" (%s:%d): "
		    "%s%s%s", ref, t->file, t->line, why.path,
		    *why.path ? ": " : "", why.message);
	return 0;
}

void
declared_check(struct declared *d)
{
	const struct host_config *h = d->ctx->config;
	const struct catalog *c = d->ctx->catalog;
	json_t *item, *none = json_object();
	struct err e;
	size_t i;

	json_array_foreach(d->configured, i, item) {
		json_t *parameters = json_object_get(item, "parameters");
		const char *ref = json_string_value(json_object_get(item,
		    "type"));

		if (!json_is_object(parameters))
			parameters = none;
		if (check(c, ref, parameters, &e) != 0)
			findings_note(d->findings, h->file, &h->trigger_places[
			    2 * i], "triggers: %s", e.text);
		else
			json_decref(trigger_get(d->ctx,
			    catalog_trigger_type(c, ref), parameters));
	}
	json_decref(none);
}

void
declared_put(struct declared *d, const struct sensor_meta *meta, json_t *out)
{
	const struct wanted *w;

	TAILQ_FOREACH(w, &d->all, link) {
		const struct trigger_type *t = type_of(meta, w);

		if (t)
			json_array_append_new(out, trigger_get(d->ctx, t,
			    w->parameters));
	}
}
