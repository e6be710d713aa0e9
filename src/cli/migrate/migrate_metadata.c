/*
 * The changes in a sensor's metadata: the entry point's name, and schemas
 * that only StackStorm lets pass. Made in the text, so that comments and
 * layout stay; and checked by reading it again: nothing else may have
 * changed its meaning.
 */
#include "cli/migrate/migrate.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "cli/files.h"
#include "pack/config_cast.h"
#include "pack/doc.h"

#define MENDED_MAX 100

/* "x.py" to "x.lua", freed by the caller; NULL for another name. */
static char *
lua_name(const char *python)
{
	size_t len = strlen(python);

	if (len < 4 || strcmp(python + len - 3, ".py") != 0)
		return NULL;
	return xasprintf("%.*s.lua", (int)len - 3, python);
}

/* Whether text says `value`. */
static bool
says(const struct buf *text, const json_t *value)
{
	struct yml_mark where;
	struct err e;
	struct yml *y = yml_parse((const char *)text->data, text->len, &where,
	    &e);
	bool same = y && json_equal(yml_value(y), value);

	yml_free(&y);
	return same;
}

/* The start of a line (from 1) in text. */
static size_t
line_start(const struct buf *text, int line)
{
	const uint8_t *at = text->data, *end = at + text->len;

	while (--line > 0 && at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : end;
	}
	return (size_t)(at - text->data);
}

/* Replaces old by new at one place after another until text says wanted. */
static int
replace(struct buf *text, size_t from, const char *old, const char *new,
    const json_t *wanted)
{
	char *base = buf_cstr(text), *at = base + from;
	struct buf tried = {0};

	while ((at = strstr(at, old)) != NULL) {
		buf_reset(&tried, text->len + 8);
		buf_put(&tried, base, (size_t)(at - base));
		buf_puts(&tried, new);
		at += strlen(old);
		buf_puts(&tried, at);
		buf_cstr(&tried);
		if (says(&tried, wanted)) {
			buf_release(text);
			*text = tried;
			return 0;
		}
	}
	buf_release(&tried);
	return -1;
}

int
migrate_metadata(struct buf *text, struct err *e)
{
	struct yml_mark where;
	struct yml *y = yml_parse(buf_cstr(text), text->len, &where, e);
	const char *old = y ? json_string_value(json_object_get(yml_value(y),
	    "entry_point")) : NULL;
	char *new = old ? lua_name(old) : NULL;
	json_t *wanted;
	int rc = 1;

	if (new) {
		wanted = json_copy(yml_value(y));
		json_object_set_new(wanted, "entry_point", json_string(new));
		rc = replace(text, line_start(text, yml_mark(y,
		    "/entry_point").line), old, new, wanted);
		if (rc != 0)
			err_set(e, "change entry_point to \"%s\"", new);
		json_decref(wanted);
	}
	free(new);
	yml_free(&y);
	return rc;
}

/* True for the name of a JSON Schema type. */
static bool
is_type(const char *name)
{
	static const char *const types[] = {"object", "array", "string",
	    "integer", "number", "boolean", "null"};
	size_t i;

	for (i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], name) == 0)
			return true;
	return false;
}

static char *find_wrong(json_t *schema, const char *pointer, int depth);

/*
 * Looks at a member where a schema must stand. If the name of a type stands
 * there, puts {"type": name} in its place and returns its pointer (freed by
 * the caller); else looks below.
 */
static char *
find_in(json_t *holder, const char *name, const char *pointer, int depth)
{
	json_t *value = json_object_get(holder, name);
	char *at = pointer_member(pointer, name), *found = NULL;

	if (is_type(json_string_value(value))) {
		json_object_set_new(holder, name, json_pack("{sO}", "type",
		    value));
		return at;
	}
	if (json_is_object(value))
		found = find_wrong(value, at, depth + 1);
	free(at);
	return found;
}

/* The first wrong place in a schema, mended there; NULL if there is none. */
static char *
find_wrong(json_t *schema, const char *pointer, int depth)
{
	json_t *members = json_object_get(schema, "properties"), *value;
	char *at = pointer_member(pointer, "properties");
	char *found = depth < YML_DEPTH_MAX ?
	    find_in(schema, "items", pointer, depth) : NULL;
	const char *key;

	if (depth < YML_DEPTH_MAX) {
		json_object_foreach(members, key, value) {
			if (found)
				break;
			found = find_in(members, key, at, depth);
		}
	}
	free(at);
	return found;
}

/* The same in all schemas of the metadata. */
static char *
find_wrong_type(json_t *metadata)
{
	json_t *types = json_object_get(metadata, "trigger_types"), *type;
	char *found = NULL, *item, *at;
	size_t i;

	json_array_foreach(types, i, type) {
		item = xasprintf("/trigger_types/%zu", i);
		at = pointer_member(item, "payload_schema");
		found = find_wrong(json_object_get(type, "payload_schema"),
		    at, 0);
		free(at);
		free(item);
		if (found)
			break;
	}
	return found;
}

/* Mends one place; 0, 1 if there is none, -1 if it cannot be. */
static int
mend(struct buf *text)
{
	struct yml_mark where;
	struct err e;
	struct yml *y = yml_parse(buf_cstr(text), text->len, &where, &e);
	json_t *wanted = y ? json_deep_copy(yml_value(y)) : NULL;
	char *pointer = wanted ? find_wrong_type(wanted) : NULL;
	char *forms[3] = {NULL}, *mended;
	const char *type;
	int rc = pointer ? -1 : 1, i;

	if (pointer) {
		where = yml_mark(y, pointer);
		type = json_string_value(json_at(yml_value(y), pointer));
		forms[0] = xasprintf("\"%s\"", type);
		forms[1] = xasprintf("'%s'", type);
		forms[2] = xstrdup(type);
		for (i = 0; rc < 0 && i < 3; i++) {
			mended = xasprintf("{type: %s}", forms[i]);
			rc = replace(text, line_start(text, where.line),
			    forms[i], mended, wanted);
			free(mended);
		}
	}
	for (i = 0; i < 3; i++)
		free(forms[i]);
	free(pointer);
	json_decref(wanted);
	yml_free(&y);
	return rc;
}

int
migrate_schemas(struct buf *text)
{
	int count = 0, rc;

	while (count < MENDED_MAX && (rc = mend(text)) == 0)
		count++;
	return rc < 0 ? -1 : count;
}

/* One metadata file of the copy. */
static int
migrate_file(struct migration *m, const char *path, const char *name,
    struct err *e)
{
	char *shown = xasprintf("sensors/%s", name);
	struct buf text = {0};
	int rc = file_read(path, YML_TEXT_MAX, &text, e), mended = 0;
	bool changed = false;

	if (rc == 0) {
		rc = migrate_metadata(&text, e);
		if (rc < 0)
			todo_add(&m->todo, shown, 0, "%s", e->text);
		mended = migrate_schemas(&text);
		changed = rc == 0 || mended > 0;
		rc = 0;
	}
	if (mended > 0)
		todo_add(&m->todo, shown, 0, "the name of a type stood where a "
		    "schema must, %d times, and was mended: {type: string} "
		    "for string; look whether that is meant", mended);
	if (changed && unlink(path) != 0)
		rc = err_errno(e, "cannot change \"%s\"", path);
	else if (changed)
		rc = file_create(path, &text, e);
	buf_release(&text);
	free(shown);
	return rc == 0 ? 0 : -1;
}

/* For scandir: YAML files. */
static int
is_metadata(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot &&
	    (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

int
migrate_all_metadata(struct migration *m, struct err *e)
{
	char *dir = xasprintf("%s/sensors", m->copy), *path;
	struct dirent **names;
	int count = scandir(dir, &names, is_metadata, alphasort), i, rc = 0;

	for (i = 0; i < count; i++) {
		path = xasprintf("%s/%s", dir, names[i]->d_name);
		if (rc == 0)
			rc = migrate_file(m, path, names[i]->d_name, e);
		free(path);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	free(dir);
	return rc;
}
