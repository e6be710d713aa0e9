/*
 * The half of the lint that needs the catalog: whether somebody declares the
 * triggers that a sensor's text dispatches. Called by check for each sensor
 * that was loaded. What the worker says of places is looked up among the
 * pack's files, and its texts are bounded.
 */
#include "core/lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/xalloc.h"
#include "core/child/child.h"
#include "core/core.h"
#include "pack/catalog.h"

#define TEXT_MAX 2000
#define NAMES_MAX 2000u

const struct lua_source *
lint_source(const struct sensor_meta *meta, const char *chunk)
{
	const struct lua_source *source = pack_source(meta->pack, chunk);
	const char *slash = strchr(chunk, '/');

	return source || !slash ? source : pack_source(meta->pack, slash + 1);
}

/* The file of a finding as shown to the user, and *line. */
static const char *
place_of(const struct sensor_meta *meta, const json_t *finding, int *line)
{
	const char *chunk = json_string_value(json_object_get(finding,
	    "file"));
	const struct lua_source *source = chunk ? lint_source(meta, chunk) :
	    NULL;

	*line = (int)json_number_value(json_object_get(finding, "line"));
	if (!source || *line < 0)
		*line = 0;
	return source ? source->file : meta->entry->file;
}

/* The level of a finding by its name. */
static enum diag_level
level_of(const json_t *finding)
{
	const char *name = json_string_value(json_object_get(finding,
	    "level"));

	if (name && strcmp(name, "error") == 0)
		return DIAG_ERROR;
	return name && strcmp(name, "note") == 0 ? DIAG_NOTE : DIAG_WARNING;
}

/* Whether a sensor of the pack was rejected, and its triggers with it. */
static bool
has_rejected(const struct pack *p)
{
	size_t i;

	for (i = 0; i < p->sensor_count; i++)
		if (p->sensors[i]->rejected)
			return true;
	return false;
}

/* Whether it can be said that nobody declares the ref. */
static bool
is_unknown(const struct child *c, const char *ref, bool all_packs)
{
	const char *dot = strchr(ref, '.');
	const struct pack *p;
	char *name;

	if (!dot)
		return true;
	name = xstrndup(ref, (size_t)(dot - ref));
	p = catalog_pack_by_name(c->catalog, name);
	if (strcmp(name, "core") == 0) {
		free(name);
		return false;
	}
	free(name);
	return p ? !has_rejected(p) : all_packs;
}

/* The declared trigger type that was meant, or NULL. */
static const char *
nearest_type(const struct child *c, const char *ref)
{
	const char **names = xcalloc(NAMES_MAX, sizeof(*names)), *near;
	char *full = xasprintf("%s.%s", c->meta->pack->name, ref);
	const struct trigger_type *t;
	size_t at = 0, count = 0;

	while (count < NAMES_MAX &&
	    (t = catalog_trigger_types(c->catalog, &at)) != NULL)
		names[count++] = t->ref;
	near = nearest(strchr(ref, '.') ? ref : full, names, count);
	free(names);
	free(full);
	return near;
}

/* Judges one dispatch of a trigger that stands in the text. */
static void
take_trigger(struct diags *findings, const struct child *c,
    const json_t *dispatch, bool all_packs)
{
	const char *ref = json_string_value(json_object_get(dispatch, "ref"));
	const struct trigger_type *t;
	const char *file, *near;
	int line;

	if (!ref)
		return;
	file = place_of(c->meta, dispatch, &line);
	t = catalog_trigger_type(c->catalog, ref);
	if (t && t->parameters) {
		diags_add(findings, DIAG_ERROR, file, line, 0, "dispatch: "
		    "\"%.200s\" has parameters: dispatch the ref given to "
		    "add_trigger, not the type", ref);
	} else if (!t && is_unknown(c, ref, all_packs)) {
		near = nearest_type(c, ref);
		diags_add(findings, DIAG_ERROR, file, line, 0, "dispatch: no "
		    "trigger type \"%.200s\" is declared%s%s%s", ref,
		    near ? "; did you mean \"" : "", near ? near : "",
		    near ? "\"?" : "");
	}
}

/* Warns of a poll_interval that a passive class has no use for. */
static void
judge_interval(struct diags *findings, const struct sensor_meta *meta,
    const json_t *polls)
{
	if (json_is_false(polls) && meta->poll_interval > 0)
		diags_add(findings, DIAG_WARNING, meta->file,
		    meta->poll_interval_line, 1, "\"poll_interval\" is "
		    "ignored: %s is a passive sensor, its class has run and "
		    "does not poll", meta->ref);
}

void
lint_take(struct diags *findings, const struct child *c, bool all_packs)
{
	const json_t *list = json_object_get(c->details, "findings");
	json_t *finding;
	const char *text, *file;
	size_t i;
	int line;

	json_array_foreach(list, i, finding) {
		text = json_string_value(json_object_get(finding, "text"));
		file = place_of(c->meta, finding, &line);
		if (text)
			diags_add(findings, level_of(finding), file, line, 0,
			    "%.*s", TEXT_MAX, text);
	}
	judge_interval(findings, c->meta, json_object_get(c->details,
	    "polls"));
	list = json_object_get(c->details, "triggers");
	json_array_foreach(list, i, finding)
		take_trigger(findings, c, finding, all_packs);
}
