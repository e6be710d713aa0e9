/*
 * The types of configuration values that come out of the datastore: there
 * everything may be text, the schema says what was meant. Called by the
 * renderer of templates; pure.
 */
#include "pack/config_cast.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/regex.h"

#define REF_HOPS_MAX 16
#define TOKEN_MAX 512 /* a longer name leads nowhere */

/* Takes one token off a pointer, unescaped; false at its end. */
static bool
token_next(const char **pointer, char token[TOKEN_MAX])
{
	const char *p = *pointer;
	size_t k = 0;

	if (*p != '/')
		return false;
	for (p++; *p && *p != '/' && k + 1 < TOKEN_MAX; p++) {
		token[k] = *p;
		if (*p == '~' && p[1])
			token[k] = *++p == '1' ? '/' : '~';
		k++;
	}
	token[k] = '\0';
	*pointer = p;
	return true;
}

/* One step of a JSON pointer: the member or item that token names. */
static const json_t *
step(const json_t *value, const char *token)
{
	size_t i;

	if (!json_is_array(value))
		return json_object_get(value, token);
	i = strspn(token, "0123456789");
	if (i == 0 || i > 9 || token[i])
		return NULL;
	return json_array_get(value, strtoul(token, NULL, 10));
}

const json_t *
json_at(const json_t *root, const char *pointer)
{
	char token[TOKEN_MAX];

	while (root && token_next(&pointer, token))
		root = step(root, token);
	return *pointer ? NULL : root;
}

bool
schema_says_secret(const json_t *root, const char *pointer)
{
	const json_t *schema = root;
	char token[TOKEN_MAX];

	while (schema && token_next(&pointer, token)) {
		if (schema_of_item(root, schema, 0) &&
		    token[strspn(token, "0123456789")] == '\0')
			schema = schema_of_item(root, schema,
			    strtoul(token, NULL, 10));
		else
			schema = schema_of_member(root, schema, token);
		if (json_is_true(json_object_get(schema, "secret")))
			return true;
	}
	return false;
}

const json_t *
schema_resolve(const json_t *root, const json_t *schema)
{
	const char *ref;
	int hops;

	for (hops = 0; schema && hops < REF_HOPS_MAX; hops++) {
		ref = json_string_value(json_object_get(schema, "$ref"));
		if (!ref)
			return json_is_object(schema) ? schema : NULL;
		schema = *ref == '#' ? json_at(root, ref + 1) : NULL;
	}
	return NULL;
}

/* The schema among patternProperties whose pattern takes the name. */
static const json_t *
schema_by_pattern(const json_t *schema, const char *name)
{
	const json_t *patterns = json_object_get(schema, "patternProperties");
	const char *pattern;
	struct regex *r;
	json_t *part;
	struct err e;
	bool taken;

	json_object_foreach((json_t *)patterns, pattern, part) {
		r = regex_new(pattern, strlen(pattern), &e);
		taken = r && regex_matches(r, name, strlen(name));
		regex_free(&r);
		if (taken)
			return part;
	}
	return NULL;
}

const json_t *
schema_of_member(const json_t *root, const json_t *schema, const char *name)
{
	const json_t *part;

	schema = schema_resolve(root, schema);
	part = json_object_get(json_object_get(schema, "properties"), name);
	if (!part)
		part = schema_by_pattern(schema, name);
	if (!part)
		part = json_object_get(schema, "additionalProperties");
	return schema_resolve(root, part);
}

const json_t *
schema_of_item(const json_t *root, const json_t *schema, size_t i)
{
	const json_t *items;

	schema = schema_resolve(root, schema);
	items = json_object_get(schema, "items");
	if (json_is_array(items))
		items = i < json_array_size(items) ?
		    json_array_get(items, i) :
		    json_object_get(schema, "additionalItems");
	return schema_resolve(root, items);
}

/* true, yes, on, 1 and their opposites; NULL for anything else. */
static json_t *
cast_boolean(const char *text)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on", "0", "1",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return json_boolean(i % 2);
	return NULL;
}

/* text as one type; NULL if it is none. */
static json_t *
cast_type(const char *type, const char *text)
{
	json_t *value;
	bool fits;

	if (strcmp(type, "string") == 0 || strcmp(type, "any") == 0)
		return json_string(text);
	if (strcmp(type, "boolean") == 0)
		return cast_boolean(text);
	value = json_loads(text, JSON_DECODE_ANY, NULL);
	fits = (json_is_integer(value) && strcmp(type, "integer") == 0) ||
	    (json_is_number(value) && strcmp(type, "number") == 0) ||
	    (json_is_array(value) && strcmp(type, "array") == 0) ||
	    (json_is_object(value) && strcmp(type, "object") == 0) ||
	    (json_is_null(value) && strcmp(type, "null") == 0);
	if (fits)
		return value;
	json_decref(value);
	return NULL;
}

json_t *
config_cast(const json_t *schema, const char *text, struct err *e)
{
	const json_t *type = json_object_get(schema, "type");
	json_t *value = NULL, *one;
	size_t i;

	if (json_is_string(type)) {
		value = cast_type(json_string_value(type), text);
		if (!value)
			err_set(e, "is not of type %s",
			    json_string_value(type));
		return value;
	}
	json_array_foreach(type, i, one)
		if (!value && json_is_string(one))
			value = cast_type(json_string_value(one), text);
	if (!value && json_array_size(type) > 0)
		err_set(e, "is of none of the types it may have");
	return value || json_array_size(type) ? value : json_string(text);
}
