/*
 * Templates in configuration values, rendered through the caller's look-up,
 * and the list of what is secret. Called by config_schema.c with the merged
 * values; must never put a secret into a message.
 */
#include "pack/config_render.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "pack/config_cast.h"
#include "pack/config_template.h"

/* Notes a value and all below it as secret. */
static void
secret_note(struct config_work *w, const char *pointer, const json_t *value)
{
	char *text;

	if (json_is_null(value) || json_is_boolean(value))
		return;
	json_array_append_new(w->out->secret_paths, json_string(pointer));
	if (json_is_string(value)) {
		if (json_string_length(value) > 0)
			json_array_append(w->out->secrets, (json_t *)value);
	} else if (json_is_number(value)) {
		text = json_dumps(value, JSON_ENCODE_ANY);
		json_array_append_new(w->out->secrets, json_string(text));
		free(text);
	}
}

/* Looks up one item; NULL with the error reported. */
static json_t *
part_fetch(struct config_work *w, const char *pointer,
    const struct template_part *part, bool decrypt)
{
	json_t *value = NULL;
	bool sealed = false;
	struct err e;

	if (w->lookup(w->arg, part->scope, part->name, decrypt, &value,
	    &sealed, &e) < 0) {
		config_report(w, DIAG_ERROR, pointer, "datastore key "
		    "\"%.200s\": %s", part->name, e.text);
	} else if (!value) {
		config_report(w, DIAG_ERROR, pointer, "datastore key "
		    "\"%.200s\" (%s) does not exist; set it: sensorhost key "
		    "set %.200s VALUE%s", part->name, part->scope, part->name,
		    decrypt ? " --encrypt" : "");
	} else if (decrypt && !sealed) {
		config_report(w, DIAG_ERROR, pointer, "%s is secret, but "
		    "datastore key \"%.200s\" is stored in clear; set it "
		    "again: sensorhost key set %.200s VALUE --encrypt",
		    pointer, part->name, part->name);
		json_decref(value);
		value = NULL;
	}
	return value;
}

/* The text of a value inside a longer text. */
static void
value_append(struct buf *b, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		buf_puts(b, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	buf_puts(b, text ? text : "");
	free(text);
}

/* True if the schema wants a string and nothing else. */
static bool
wants_string(const json_t *schema)
{
	const char *type = json_string_value(json_object_get(schema, "type"));

	return !type || strcmp(type, "string") == 0;
}

/* All parts put together and cast; NULL with the error reported. */
static json_t *
template_value(struct config_work *w, const char *pointer,
    const json_t *schema, bool secret, const struct template *t)
{
	struct buf text = { 0 };
	json_t *part = NULL, *value = NULL;
	struct err e;
	size_t i;

	for (i = 0; i < t->count; i++) {
		if (t->parts[i].text) {
			buf_puts(&text, t->parts[i].text);
			continue;
		}
		part = part_fetch(w, pointer, &t->parts[i],
		    secret || t->parts[i].decrypt);
		if (!part)
			break;
		if (t->count == 1 && !json_is_string(part) &&
		    !wants_string(schema))
			value = json_incref(part);
		value_append(&text, part);
		json_decref(part);
	}
	if (i == t->count && !value) {
		value = config_cast(schema, buf_cstr(&text), &e);
		if (!value)
			config_report(w, DIAG_ERROR, pointer,
			    "config key \"%s\": what its template gives %s; "
			    "mend it in the datastore", pointer + 1, e.text);
	}
	buf_release(&text);
	return value;
}

/* Says that a template is written the old way. */
static void
warn_old_form(struct config_work *w, const char *pointer,
    const struct template *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->parts[i].old_form)
			config_report(w, DIAG_WARNING, pointer, "{{ %s.%.200s "
			    "}} is an old form; write {{ st2kv.%s.%.200s }}",
			    t->parts[i].scope, t->parts[i].name,
			    t->parts[i].scope, t->parts[i].name);
}

/* Whether any part is | decrypt_kv. */
static bool
template_decrypts(const struct template *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->parts[i].decrypt)
			return true;
	return false;
}

/* The value of one string, which may be a template; a new reference. */
static json_t *
render_string(struct config_work *w, const char *pointer,
    const json_t *schema, bool secret, json_t *value)
{
	const char *text = json_string_value(value);
	json_t *out = NULL;
	struct template t;
	struct err e;

	if (!template_is(text)) {
		if (secret)
			secret_note(w, pointer, value);
		return json_incref(value);
	}
	if (template_parse(&t, text, &e) < 0) {
		config_report(w, DIAG_ERROR, pointer, "%s", e.text);
		return json_incref(value);
	}
	warn_old_form(w, pointer, &t);
	if (w->lookup)
		out = template_value(w, pointer, schema, secret, &t);
	if (!out)
		w->out->rendered = false;
	if (out && (secret || template_decrypts(&t)))
		secret_note(w, pointer, out);
	template_release(&t);
	return out ? out : json_incref(value);
}

static json_t *render(struct config_work *w, const char *pointer,
    const json_t *schema, bool secret, json_t *value, const json_t *done);

/* The parts of a list or mapping, in place. */
static void
render_parts(struct config_work *w, const char *pointer,
    const json_t *schema, bool secret, json_t *value, const json_t *done)
{
	const char *name;
	json_t *part;
	char *at;
	size_t i;

	json_object_foreach(value, name, part) {
		at = pointer_member(pointer, name);
		json_object_set_new(value, name, render(w, at,
		    schema_of_member(w->root, schema, name), secret, part,
		    json_object_get(done, name)));
		free(at);
	}
	json_array_foreach(value, i, part) {
		at = pointer_item(pointer, i);
		json_array_set_new(value, i, render(w, at,
		    schema_of_item(w->root, schema, i), secret, part,
		    json_array_get(done, i)));
		free(at);
	}
}

/* One value and all below it; a new reference. Depth is bounded by YAML. */
static json_t *
render(struct config_work *w, const char *pointer, const json_t *schema,
    bool secret, json_t *value, const json_t *done)
{
	secret = secret || json_is_true(json_object_get(schema, "secret"));
	if (json_is_object(value) || json_is_array(value))
		render_parts(w, pointer, schema, secret, value, done);
	else if (json_is_string(value) && !done)
		return render_string(w, pointer, schema, secret, value);
	else if (secret && !done)
		secret_note(w, pointer, value);
	return json_incref(value);
}

void
config_render(struct config_work *w, json_t *value, const json_t *done)
{
	json_decref(render(w, "", w->root, false, value, done));
}
