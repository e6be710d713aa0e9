/*
 * Trigger types: the items of a sensor's trigger_types and the files of
 * triggers/. Their schemas are compiled here, in StackStorm's dialect, so
 * that a wrong one is an error with its place before anything runs.
 */
#include "pack/trigger_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "pack/config_cast.h"
#include "pack/shape.h"
#include "schema/schema.h"

#define NAME_MAX_BYTES 200

/* shape_check_fn: a name that fits into keys and addresses */
static void
check_name(struct doc *d, const char *pointer, json_t *value)
{
	if (json_string_length(value) > NAME_MAX_BYTES)
		doc_error(d, pointer, "the name is longer than %d bytes",
		    NAME_MAX_BYTES);
}

static const struct shape_member tag_members[] = {
	{ "name", SHAPE_STRING, 0, NULL, NULL },
	{ "value", SHAPE_STRING, 0, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL }
};

static const struct shape tag_shape = {
	"a tag", tag_members, NULL, DIAG_WARNING
};

/* shape_check_fn: a list of {name, value} */
static void
check_tags(struct doc *d, const char *pointer, json_t *value)
{
	json_t *tag;
	char *at;
	size_t i;

	json_array_foreach(value, i, tag) {
		at = pointer_item(pointer, i);
		shape_check(d, at, tag, &tag_shape);
		free(at);
	}
}

static const struct shape_member members[] = {
	{ "name", SHAPE_STRING, SHAPE_REQUIRED | SHAPE_FILLED, NULL,
	    check_name },
	{ "description", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "payload_schema", SHAPE_OBJECT, SHAPE_NULL, NULL, NULL },
	{ "parameters_schema", SHAPE_OBJECT, SHAPE_NULL, NULL, NULL },
	{ "tags", SHAPE_LIST, SHAPE_NULL, NULL, check_tags },
	{ "pack", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "metadata_file", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL }
};

static const struct shape_hint hints[] = {
	{ "payload_info", "payload_schema" },
	{ "payload", "payload_schema" },
	{ "schema", "payload_schema" },
	{ "parameters", "parameters_schema" },
	{ "type", "name" },
	{ NULL, NULL }
};

static const struct shape trigger_shape = {
	"a trigger type", members, hints, DIAG_WARNING
};

/* What to write where a bare type name stands for a schema, or "". */
static const char *
schema_hint(const json_t *text, const char *path, char hint[64])
{
	static const char *const types[] = {
		"string", "integer", "number", "boolean", "object", "array",
		"null",
	};
	const char *word = json_string_value(json_at(text, path));
	size_t i;

	for (i = 0; word && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(word, types[i]) != 0)
			continue;
		snprintf(hint, 64, "; write {type: %s}", word);
		return hint;
	}
	return "";
}

/* Compiles the schema in a member; *out is NULL where it is empty. */
static int
schema_read(struct doc *d, const char *pointer, const json_t *value,
    const char *member, bool validate_formats, struct schema **out)
{
	struct schema_options options = {
		.dialect = SCHEMA_STACKSTORM,
		.validate_formats = validate_formats,
	};
	const json_t *text = json_object_get(value, member);
	struct schema_error e;
	char *at, hint[64];

	*out = NULL;
	if (!json_is_object(text) || json_object_size(text) == 0)
		return 0;
	*out = schema_compile(text, &options, &e);
	if (*out)
		return 0;
	at = xasprintf("%s/%s%s", pointer, member, e.schema_path);
	doc_error(d, at, "invalid %s: %s%s", member, e.message,
	    schema_hint(text, e.schema_path, hint));
	free(at);
	return -1;
}

/* A copy of an object or array member, or an empty one. */
static json_t *
member_copy(const json_t *value, const char *member, json_t *empty)
{
	json_t *part = json_object_get(value, member);

	if (!part || json_is_null(part))
		return empty;
	json_decref(empty);
	return json_incref(part);
}

/* The line of a member's key, or that of the whole. */
static int
member_line(const struct doc *d, const char *pointer, const char *member)
{
	char *at = pointer_member(pointer, member);
	int line = yml_key_mark(d->yml, at).line;

	free(at);
	return line;
}

/* Nobody but the host itself declares types of its pack. */
static bool
check_pack(struct doc *d, const char *pointer, const json_t *value,
    const struct trigger_source *from)
{
	char *at;

	if (strcmp(shape_string(value, "pack", from->pack), CORE_PACK) != 0)
		return true;
	at = pointer_member(pointer, "pack");
	doc_error(d, at, "\"pack\" is \"" CORE_PACK "\", which is the "
	    "host's own; leave it out");
	free(at);
	return false;
}

struct trigger_type *
trigger_type_read(struct doc *d, const char *pointer, json_t *value,
    const struct trigger_source *from)
{
	struct schema *payload, *parameters;
	struct trigger_type *t;
	bool ok = shape_check(d, pointer, value, &trigger_shape) &&
	    check_pack(d, pointer, value, from);

	ok = schema_read(d, pointer, value, "payload_schema",
	    from->validate_formats, &payload) == 0 && ok;
	ok = schema_read(d, pointer, value, "parameters_schema",
	    from->validate_formats, &parameters) == 0 && ok;
	if (!ok) {
		schema_free(&payload);
		schema_free(&parameters);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->payload = payload;
	t->parameters = parameters;
	t->pack = xstrdup(from->pack);
	t->name = xstrdup(shape_string(value, "name", ""));
	t->ref = xasprintf("%s.%s", t->pack, t->name);
	t->description = xstrdup(shape_string(value, "description", ""));
	t->payload_schema = member_copy(value, "payload_schema",
	    json_object());
	t->parameters_schema = member_copy(value, "parameters_schema",
	    json_object());
	t->tags = member_copy(value, "tags", json_array());
	t->file = xstrdup(d->file);
	t->line = yml_mark(d->yml, pointer).line;
	t->payload_line = payload ?
	    member_line(d, pointer, "payload_schema") : t->line;
	return t;
}

void
trigger_type_free(struct trigger_type *t)
{
	free(t->ref);
	free(t->pack);
	free(t->name);
	free(t->description);
	json_decref(t->payload_schema);
	json_decref(t->parameters_schema);
	json_decref(t->tags);
	schema_free(&t->payload);
	schema_free(&t->parameters);
	free(t->file);
	free(t);
}

bool
trigger_type_equal(const struct trigger_type *a, const struct trigger_type *b)
{
	return json_equal(a->payload_schema, b->payload_schema) &&
	    json_equal(a->parameters_schema, b->parameters_schema);
}
