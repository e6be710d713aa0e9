/*
 * A configuration to begin with. Packs come with a schema that requires
 * keys, and StackStorm kept the values elsewhere: without them the copy would
 * not pass `check`. Called by `migrate` when nothing is configured; the
 * example that many packs hold is taken, else placeholders are written. The
 * list says in any case that the values are not the user's own.
 */
#include "cli/migrate/migrate.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "cli/files.h"
#include "cli/names.h"
#include "pack/doc.h"

#define PLACEHOLDER_DEPTH 16

/* Whether the copy's configuration is right as it stands. */
static bool
is_right(const struct migration *m)
{
	struct diags diags;
	struct config config;
	bool ok;

	diags_init(&diags);
	config_read(&config, m->copy, m->name, m->configs_dir, false, NULL,
	    NULL, &diags);
	ok = config.ok;
	config_release(&config);
	diags_release(&diags);
	return ok;
}

/* Whether somebody has written a configuration already. */
static bool
is_configured(const struct migration *m)
{
	char *own = xasprintf("%s/config.yaml", m->copy);
	char *other = xasprintf("%s/%s.yaml", m->configs_dir ?
	    m->configs_dir : "", m->name);
	bool there = access(own, F_OK) == 0 ||
	    (m->configs_dir && access(other, F_OK) == 0);

	free(own);
	free(other);
	return there;
}

/* Tries a text as config.yaml; it stays if it is right. */
static bool
try_text(const struct migration *m, const struct buf *text)
{
	char *path = xasprintf("%s/config.yaml", m->copy);
	struct err e;
	bool ok = file_create(path, text, &e) == 0;

	if (ok && !is_right(m)) {
		unlink(path);
		ok = false;
	}
	free(path);
	return ok;
}

/* For scandir: what packs call their example of a configuration. */
static int
is_example(const struct dirent *entry)
{
	static const char *const names[] = {"*.yaml.example", "*.yaml.sample",
	    "*.example.yaml", "*.config.yaml"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fnmatch(names[i], entry->d_name, FNM_PERIOD) == 0)
			return 1;
	return 0;
}

/* Takes the first example of the pack that fits its schema. */
static bool
take_example(struct migration *m)
{
	struct dirent **names;
	int count = scandir(m->copy, &names, is_example, alphasort), i;
	bool done = false;

	for (i = 0; i < count; i++) {
		char *path = xasprintf("%s/%s", m->copy, names[i]->d_name);
		struct buf text = {0};
		struct err e;

		if (!done && file_read(path, YML_TEXT_MAX, &text, &e) == 0)
			done = try_text(m, &text);
		if (text.len > 0 && done)
			todo_add(&m->todo, "config.yaml", 0, "it is a copy of "
			    "%s: put your own values in", names[i]->d_name);
		buf_release(&text);
		free(path);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return done;
}

/* Whether a value has the type that a schema asks for. */
static bool
has_type(const json_t *value, const char *type)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return strcmp(type, "object") == 0;
	case JSON_ARRAY:
		return strcmp(type, "array") == 0;
	case JSON_STRING:
		return strcmp(type, "string") == 0;
	case JSON_INTEGER:
		return strcmp(type, "integer") == 0 ||
		    strcmp(type, "number") == 0;
	case JSON_REAL:
		return strcmp(type, "number") == 0;
	case JSON_NULL:
		return true;
	default:
		return strcmp(type, "boolean") == 0;
	}
}

static json_t *placeholder(const json_t *schema, int depth);

/* Whether a key must be given: required, or its default does not fit. */
static bool
is_wanted(const json_t *schema)
{
	const json_t *value = json_object_get(schema, "default");
	const char *type = json_string_value(json_object_get(schema, "type"));

	if (!value || json_is_null(value))
		return json_is_true(json_object_get(schema, "required"));
	return type && !has_type(value, type);
}

/* The wanted keys of a map of schemas, each with a placeholder. */
static json_t *
placeholders(const json_t *properties, int depth)
{
	json_t *out = json_object(), *schema;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)properties, key, schema)
		if (is_wanted(schema))
			json_object_set_new(out, key, placeholder(schema,
			    depth + 1));
	return out;
}

/* A value that a schema accepts, as far as its type says. */
static json_t *
placeholder(const json_t *schema, int depth)
{
	const json_t *choices = json_object_get(schema, "enum");
	const json_t *least = json_object_get(schema, "minimum");
	const char *type = json_string_value(json_object_get(schema, "type"));
	json_t *value = json_object_get(schema, "default");

	if (value && type && strcmp(type, "array") == 0 &&
	    !json_is_array(value) && !json_is_null(value))
		return json_pack("[O]", value);
	if (json_array_size(choices) > 0)
		return json_incref(json_array_get(choices, 0));
	if (!type || strcmp(type, "string") == 0 ||
	    depth == PLACEHOLDER_DEPTH)
		return json_string("CHANGE ME");
	if (strcmp(type, "object") == 0)
		return placeholders(json_object_get(schema, "properties"),
		    depth);
	if (strcmp(type, "array") == 0)
		return json_array();
	if (strcmp(type, "boolean") == 0)
		return json_true(); /* verify, use_tls: the safe way */
	return json_is_number(least) ? json_incref((json_t *)(uintptr_t)
	    least) : json_integer(0);
}

/* Appends one key of the configuration with what the schema says of it. */
static void
put_key(struct buf *out, const char *key, const json_t *value,
    const json_t *schema)
{
	const char *about = json_string_value(json_object_get(schema,
	    "description"));
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	json_t *quoted = json_string(key);
	char *name = name_is_lua(key) ? xstrdup(key) :
	    json_dumps(quoted, JSON_ENCODE_ANY);

	if (about) {
		buf_puts(out, "# ");
		for (; *about; about++)
			buf_putc(out, (unsigned char)*about < ' ' ? ' ' :
			    *about);
		buf_putc(out, '\n');
	}
	buf_printf(out, "%s: %s\n", name, text);
	json_decref(quoted);
	free(text);
	free(name);
}

/* Writes placeholders for all that the schema wants. */
static bool
write_placeholders(struct migration *m)
{
	char *path = xasprintf("%s/config.schema.yaml", m->copy);
	struct buf text = {0};
	struct diags diags;
	json_t *wanted = NULL, *value;
	const char *key;
	struct doc d;
	bool done = false;

	diags_init(&diags);
	if (doc_open(&d, path, &diags) == 0)
		wanted = placeholders(doc_value(&d), 0);
	buf_puts(&text, "---\n");
	json_object_foreach(wanted, key, value)
		put_key(&text, key, value, json_object_get(doc_value(&d),
		    key));
	if (wanted)
		done = try_text(m, &text);
	json_object_foreach(wanted, key, value)
		if (done)
			todo_add(&m->todo, "config.yaml", 0, "%s holds a "
			    "placeholder: put your value in", key);
	json_decref(wanted);
	doc_close(&d);
	diags_release(&diags);
	buf_release(&text);
	free(path);
	return done;
}

void
migrate_config(struct migration *m)
{
	if (is_right(m) || is_configured(m))
		return;
	if (!take_example(m))
		write_placeholders(m);
}
