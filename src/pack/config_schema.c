/*
 * A pack's configuration, from its three files to the one object that
 * sensors get. Called while a pack is read. Every key is checked for
 * itself, so that one wrong key does not hide the next; nothing that the
 * schema calls secret is ever quoted.
 */
#include "pack/config_schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/xalloc.h"
#include "pack/config_cast.h"
#include "pack/config_render.h"
#include "pack/config_template.h"
#include "pack/shape.h"
#include "schema/schema.h"

#define PLACES_DEPTH 4 /* keys inside of keys whose places are noted */

/* True if the document holds the first member that the pointer names. */
static bool
doc_holds(const struct doc *d, const char *pointer)
{
	char *first = xstrndup(pointer, 1 + strcspn(pointer + 1, "/"));
	bool held = json_at(doc_value(d), first) != NULL;

	free(first);
	return held;
}

void
config_report(struct config_work *w, enum diag_level level,
    const char *pointer, const char *fmt, ...)
{
	struct doc *d = &w->schema_doc;
	struct yml_mark mark = { 0, 0 };
	va_list ap;
	char *text;

	if (*pointer && doc_holds(&w->over, pointer))
		d = &w->over;
	else if (*pointer && doc_holds(&w->base, pointer))
		d = &w->base;
	if (d->yml)
		mark = yml_mark(d->yml, pointer);
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diags_add(d->diags, level, d->file, mark.line, mark.column, "%s",
	    text);
	free(text);
}

/* Puts the members of one file over those there are. */
static void
merge_file(struct doc *d, json_t *into)
{
	json_t *value = doc_value(d), *copy;
	char text[SHAPE_TEXT];

	if (!value || json_is_null(value))
		return;
	if (!json_is_object(value)) {
		doc_error(d, "", "a configuration must be a mapping, this is "
		    "%s", shape_describe(value, text));
		return;
	}
	copy = json_deep_copy(value);
	json_object_update(into, copy);
	json_decref(copy);
}

/* True for the names a key may have: letters, digits, underscore. */
static bool
is_word(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* Whether the schema of a key says boolean `required: true`. */
static bool
is_required(const json_t *schema)
{
	return json_is_true(json_object_get(schema, "required"));
}

/* Reports what is wrong with the form of the schema; false if something. */
static bool
schema_form(struct doc *d)
{
	json_t *value = doc_value(d), *part;
	size_t errors = d->diags->errors;
	const char *name;
	char *at;

	if (!json_is_object(value))
		doc_error(d, "", "a config schema must be a mapping from key "
		    "to schema%s", json_is_null(value) ? "; this is empty" :
		    "");
	json_object_foreach(value, name, part) {
		at = pointer_member("", name);
		if (!is_word(name))
			doc_key_error(d, at, "config key \"%.80s\": only "
			    "letters, digits and _ may be in a name", name);
		if (!json_is_object(part))
			doc_error(d, at, "the schema of config key \"%.80s\" "
			    "must be a mapping", name);
		free(at);
	}
	return d->diags->errors == errors;
}

/*
 * The schema wrapped: an object with these properties, `required` left out
 * of each, since that is checked key by key, and `default` where asked.
 */
static json_t *
schema_wrap(const json_t *value, bool defaults)
{
	json_t *members = json_object(), *part, *copy;
	const char *name;

	json_object_foreach((json_t *)value, name, part) {
		copy = json_copy(part);
		if (json_is_boolean(json_object_get(part, "required")))
			json_object_del(copy, "required");
		if (!defaults)
			json_object_del(copy, "default");
		json_object_set_new(members, name, copy);
	}
	return json_pack("{s:s, s:o}", "type", "object", "properties",
	    members);
}

/* Compiles a wrapped schema; NULL with the error reported. */
static struct schema *
schema_compiled(struct config_work *w, const json_t *root)
{
	struct schema_options options = {
		.dialect = SCHEMA_STACKSTORM,
		.validate_formats = w->validate_formats,
	};
	struct schema_error e;
	struct schema *compiled = schema_compile(root, &options, &e);
	const char *at;

	if (compiled)
		return compiled;
	at = strncmp(e.schema_path, "/properties", 11) == 0 ?
	    e.schema_path + 11 : e.schema_path;
	doc_error(&w->schema_doc, at, "invalid schema: %s", e.message);
	return NULL;
}

/* True if what the error is about is a template that was not rendered. */
static bool
is_unrendered(const struct config_work *w, const json_t *value,
    const char *path)
{
	const json_t *part = json_at(value, path);

	return !w->out->rendered && json_is_string(part) &&
	    template_is(json_string_value(part));
}

/* Reports a required key that no file gives. */
static void
report_missing(struct config_work *w, const char *name, const json_t *value,
    const char *at)
{
	const json_t *known = json_object_get(w->root, "properties");
	const char **names = xcalloc(json_object_size(value) + 1,
	    sizeof(*names));
	const char *key, *near;
	size_t count = 0;
	json_t *part;

	json_object_foreach((json_t *)value, key, part)
		if (!json_object_get(known, key))
			names[count++] = key;
	near = nearest(name, names, count);
	doc_key_error(&w->schema_doc, at, "config key \"%s\" is missing: set "
	    "it in %s%s%s%s", name, w->over.file ? w->over.file :
	    w->base.file, near ? " (where \"" : "", near ? near : "",
	    near ? "\" stands instead?)" : "");
	free(names);
}

/* Reports why a value does not conform, without a secret in it. */
static void
report_invalid(struct config_work *w, const struct schema_error *e)
{
	if (schema_says_secret(w->root, e->path))
		config_report(w, DIAG_ERROR, e->path, "config key \"%s\" is "
		    "secret and does not conform to \"%s\" of the schema",
		    e->path + 1, e->keyword);
	else
		config_report(w, DIAG_ERROR, e->path, "config key \"%s\": %s",
		    e->path + 1, e->message);
}

/* Checks one key of the schema against what the files give. */
static void
check_key(struct config_work *w, const struct schema *compiled,
    const char *name, const json_t *schema, const json_t *value)
{
	json_t *part = json_object_get(value, name), *alone;
	char *at = pointer_member("", name);
	struct schema_error e;

	if (!part) {
		if (is_required(schema))
			report_missing(w, name, value, at);
	} else if (json_is_null(part) && is_required(schema)) {
		config_report(w, DIAG_ERROR, at, "config key \"%s\" is null, "
		    "but it is required", name);
	} else {
		alone = json_pack("{s:O}", name, part);
		if (schema_validate_json(compiled, alone, &e) < 0 &&
		    !is_unrendered(w, alone, e.path))
			report_invalid(w, &e);
		json_decref(alone);
	}
	free(at);
}

/* Checks all keys of the schema; what is wrong is reported. */
static void
check_keys(struct config_work *w, const json_t *value)
{
	json_t *root = schema_wrap(doc_value(&w->schema_doc), false), *schema;
	struct schema *compiled = schema_compiled(w, root);
	const char *name;

	if (compiled)
		json_object_foreach(doc_value(&w->schema_doc), name, schema)
			check_key(w, compiled, name, schema, value);
	schema_free(&compiled);
	json_decref(root);
}

/*
 * Fills in defaults, renders and checks. Objects that are absent are made
 * for the sake of the defaults in them only after the check: they are not
 * what the author forgot.
 */
static void
apply_schema(struct config_work *w)
{
	struct schema *compiled;
	json_t *given, *whole;

	w->root = schema_wrap(doc_value(&w->schema_doc), true);
	compiled = schema_compiled(w, w->root);
	if (!compiled)
		return;
	given = schema_fill_json(compiled, w->out->value, false);
	config_render(w, given, NULL);
	check_keys(w, given);
	whole = schema_fill_json(compiled, given, true);
	config_render(w, whole, given);
	json_decref(given);
	json_decref(w->out->value);
	w->out->value = whole;
	schema_free(&compiled);
}

/* Opens one of the files, whose absence is no error. */
static void
open_part(struct doc *d, struct diags *diags, const char *folder,
    const char *name, const char *suffix)
{
	char *path = xasprintf("%s/%s%s", folder, name, suffix);

	doc_open(d, path, diags);
	free(path);
}

/* Puts the parts together, once all files are open. */
static void
assemble(struct config_work *w)
{
	merge_file(&w->base, w->out->value);
	merge_file(&w->over, w->out->value);
	if (!w->schema_doc.yml)
		config_render(w, w->out->value, NULL);
	else if (schema_form(&w->schema_doc))
		apply_schema(w);
}

/*
 * Notes where each key is declared, "a.b" for one inside of another: for
 * messages of sensors that need it. value is at the pointer `at`.
 */
static void
note_places(struct config_work *w, const json_t *value, const char *at,
    const char *path, int depth)
{
	const char *name;
	json_t *part;

	json_object_foreach((json_t *)value, name, part) {
		const json_t *below = json_object_get(part, "properties");
		char *here = pointer_member(at, name), *inside;
		char *key = xasprintf("%s%s%s", path, *path ? "." : "", name);

		json_object_set_new(w->out->places, key,
		    json_sprintf("%s:%d", w->schema_doc.file,
		    yml_key_mark(w->schema_doc.yml, here).line));
		if (below && depth < PLACES_DEPTH) {
			inside = pointer_member(here, "properties");
			note_places(w, below, inside, key, depth + 1);
			free(inside);
		}
		free(here);
		free(key);
	}
}

void
config_read(struct config *out, const char *dir, const char *name,
    const char *configs_dir, bool validate_formats, config_lookup_fn *lookup,
    void *arg, struct diags *diags)
{
	struct config_work w = {
		.lookup = lookup,
		.arg = arg,
		.out = out,
		.validate_formats = validate_formats,
	};
	size_t errors = diags->errors;

	memset(out, 0, sizeof(*out));
	out->value = json_object();
	out->secrets = json_array();
	out->secret_paths = json_array();
	out->places = json_object();
	out->rendered = true;
	open_part(&w.schema_doc, diags, dir, "config.schema", ".yaml");
	open_part(&w.base, diags, dir, "config", ".yaml");
	if (configs_dir)
		open_part(&w.over, diags, configs_dir, name, ".yaml");
	out->file = xstrdup(w.over.file ? w.over.file : w.base.file);
	note_places(&w, doc_value(&w.schema_doc), "", "", 0);
	if (diags->errors == errors)
		assemble(&w);
	out->ok = diags->errors == errors;
	doc_close(&w.schema_doc);
	doc_close(&w.base);
	doc_close(&w.over);
	json_decref(w.root);
}

void
config_release(struct config *c)
{
	json_decref(c->value);
	json_decref(c->secrets);
	json_decref(c->secret_paths);
	json_decref(c->places);
	free(c->file);
	memset(c, 0, sizeof(*c));
}
