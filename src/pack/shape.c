/*
 * Mappings checked against member tables: types, required and unknown keys,
 * choices. Called by the readers of metadata and host configuration, which
 * own the tables; reports everything it finds, not just the first.
 */
#include "pack/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/units.h"

#define MEMBERS_MAX 64

/* What a type is called in an error. */
static const char *const type_names[] = {
	[SHAPE_ANY] = "anything",
	[SHAPE_STRING] = "a string",
	[SHAPE_BOOL] = "true or false",
	[SHAPE_INTEGER] = "an integer",
	[SHAPE_NUMBER] = "a number",
	[SHAPE_LIST] = "a list",
	[SHAPE_OBJECT] = "a mapping",
	[SHAPE_SIZE] = "a size such as 64M",
	[SHAPE_DURATION] = "a duration such as 10s",
};

const char *
shape_describe(const json_t *value, char text[SHAPE_TEXT])
{
	const char *s;
	size_t n;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "a mapping";
	case JSON_ARRAY:
		return "a list";
	case JSON_NULL:
		return "null";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_INTEGER:
		snprintf(text, SHAPE_TEXT, "the number %lld",
		    (long long)json_integer_value(value));
		return text;
	case JSON_REAL:
		snprintf(text, SHAPE_TEXT, "the number %g",
		    json_real_value(value));
		return text;
	case JSON_STRING:
		break;
	}
	s = json_string_value(value);
	n = strlen(s);
	if (n > 40)
		for (n = 40; n > 0 && (s[n] & 0xC0) == 0x80; n--)
			;
	snprintf(text, SHAPE_TEXT, "the string \"%.*s%s\"", (int)n, s,
	    s[n] ? "..." : "");
	return text;
}

/* True if the value is of the type; e says more about a bad text. */
static bool
type_fits(enum shape_type type, const json_t *value, struct err *e)
{
	uint64_t size;
	int64_t us;

	e->text[0] = '\0';
	switch (type) {
	case SHAPE_ANY:
		return true;
	case SHAPE_STRING:
		return json_is_string(value);
	case SHAPE_BOOL:
		return json_is_boolean(value);
	case SHAPE_INTEGER:
		return json_is_integer(value);
	case SHAPE_NUMBER:
		return json_is_number(value);
	case SHAPE_LIST:
		return json_is_array(value);
	case SHAPE_OBJECT:
		return json_is_object(value);
	case SHAPE_SIZE:
		if (json_is_string(value))
			return units_size_parse(json_string_value(value),
			    &size, e) == 0;
		return json_is_integer(value) &&
		    json_integer_value(value) >= 0;
	case SHAPE_DURATION:
		if (json_is_string(value))
			return units_duration_parse(json_string_value(value),
			    &us, e) == 0;
		return json_is_number(value) &&
		    units_seconds_us(json_number_value(value), &us) == 0;
	}
	return false;
}

/* The last name of a pointer and an index behind it, for messages. */
static const char *
name_of(const char *pointer)
{
	const char *last = strrchr(pointer, '/');

	if (last && last > pointer && last[1] >= '0' && last[1] <= '9')
		while (last > pointer && last[-1] != '/')
			last--;
	else if (last)
		last++;
	return last ? last : pointer;
}

/* False with an error if the text is none of the choices. */
static bool
choice_check(struct doc *d, const char *pointer, const json_t *value,
    const char *const *choices)
{
	struct buf list = { 0 };
	const char *near;
	size_t i;

	for (i = 0; choices[i]; i++) {
		if (strcmp(json_string_value(value), choices[i]) == 0) {
			buf_release(&list);
			return true;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", choices[i]);
	}
	near = nearest(json_string_value(value), choices, i);
	doc_error(d, pointer, "\"%s\" is \"%.60s\"; it must be one of %s%s%s%s",
	    name_of(pointer), json_string_value(value), buf_cstr(&list),
	    near ? " (did you mean \"" : "", near ? near : "",
	    near ? "\"?)" : "");
	buf_release(&list);
	return false;
}

/* False with an error if a name is empty or holds control characters. */
static bool
filled_check(struct doc *d, const char *pointer, const json_t *value)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value), i;

	if (len == 0) {
		doc_error(d, pointer, "\"%s\" is empty", name_of(pointer));
		return false;
	}
	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F)
			break;
	if (i < len)
		doc_error(d, pointer, "\"%s\" holds a control character",
		    name_of(pointer));
	return i == len;
}

bool
shape_member_check(struct doc *d, const char *pointer, json_t *value,
    const struct shape_member *member)
{
	char text[SHAPE_TEXT];
	struct err e;
	size_t errors = d->diags->errors;

	if (json_is_null(value) && (member->flags & SHAPE_NULL))
		return true;
	if (!type_fits(member->type, value, &e)) {
		if (e.text[0])
			doc_error(d, pointer, "\"%s\": %s", name_of(pointer),
			    e.text);
		else
			doc_error(d, pointer, "\"%s\" is %s; it must be %s",
			    name_of(pointer), shape_describe(value, text),
			    type_names[member->type]);
		return false;
	}
	if ((member->flags & SHAPE_FILLED) && json_is_string(value) &&
	    !filled_check(d, pointer, value))
		return false;
	if (member->choices &&
	    !choice_check(d, pointer, value, member->choices))
		return false;
	if (member->check)
		member->check(d, pointer, value);
	return d->diags->errors == errors;
}

/* The row of a name, or NULL. */
static const struct shape_member *
member_find(const struct shape *shape, const char *name)
{
	const struct shape_member *m;

	for (m = shape->members; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

const char *
shape_nearest(const struct shape *shape, const char *name)
{
	const char *names[MEMBERS_MAX];
	const struct shape_hint *h;
	size_t i;

	for (h = shape->hints; h && h->wrong; h++)
		if (strcmp(h->wrong, name) == 0)
			return h->right;
	for (i = 0; i < MEMBERS_MAX && shape->members[i].name; i++)
		names[i] = shape->members[i].name;
	return nearest(name, names, i);
}

/* Reports a key that the table does not have. */
static void
unknown_key(struct doc *d, const char *pointer, const struct shape *shape,
    const char *name)
{
	const char *near = shape_nearest(shape, name);

	if (near)
		doc_key_report(d, shape->unknown, pointer, "unknown key "
		    "\"%.80s\" in %s; did you mean \"%s\"?", name, shape->what,
		    near);
	else
		doc_key_report(d, shape->unknown, pointer, "unknown key "
		    "\"%.80s\" in %s", name, shape->what);
}

bool
shape_check(struct doc *d, const char *pointer, json_t *value,
    const struct shape *shape)
{
	const struct shape_member *m;
	size_t errors = d->diags->errors;
	char text[SHAPE_TEXT], *at;
	const char *name;
	json_t *member;

	if (!json_is_object(value)) {
		doc_error(d, pointer, "%s must be a mapping, this is %s",
		    shape->what, shape_describe(value, text));
		return false;
	}
	json_object_foreach(value, name, member) {
		at = pointer_member(pointer, name);
		m = member_find(shape, name);
		if (m)
			shape_member_check(d, at, member, m);
		else
			unknown_key(d, at, shape, name);
		free(at);
	}
	for (m = shape->members; m->name; m++)
		if ((m->flags & SHAPE_REQUIRED) &&
		    !json_object_get(value, m->name))
			doc_error(d, pointer, "%s needs the key \"%s\"",
			    shape->what, m->name);
	return d->diags->errors == errors;
}

const char *
shape_string(const json_t *o, const char *name, const char *fallback)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? json_string_value(v) : fallback;
}

bool
shape_bool(const json_t *o, const char *name, bool fallback)
{
	const json_t *v = json_object_get(o, name);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

double
shape_number(const json_t *o, const char *name, double fallback)
{
	const json_t *v = json_object_get(o, name);

	return json_is_number(v) ? json_number_value(v) : fallback;
}

uint64_t
shape_size(const json_t *o, const char *name, uint64_t fallback)
{
	const json_t *v = json_object_get(o, name);
	uint64_t bytes;
	struct err e;

	if (json_is_integer(v))
		return (uint64_t)json_integer_value(v);
	if (json_is_string(v) &&
	    units_size_parse(json_string_value(v), &bytes, &e) == 0)
		return bytes;
	return fallback;
}

int64_t
shape_duration(const json_t *o, const char *name, int64_t fallback)
{
	const json_t *v = json_object_get(o, name);
	int64_t us;
	struct err e;

	if (json_is_number(v) &&
	    units_seconds_us(json_number_value(v), &us) == 0)
		return us;
	if (json_is_string(v) &&
	    units_duration_parse(json_string_value(v), &us, &e) == 0)
		return us;
	return fallback;
}
