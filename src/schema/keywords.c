/*
 * The keywords of draft 4, one function each, in one table: how its value is
 * checked and what it compiles to. Called by schema_compile.c; what the
 * compiled form means is walk.h's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/nearest.h"
#include "base/xalloc.h"
#include "schema/compile.h"
#include "schema/format.h"

typedef int keyword_fn(struct compiler *c, struct making *m,
    const char *keyword, const json_t *value);

static const char *const type_names[] = {"string", "number", "integer",
	"boolean", "object", "array", "null"};
static const uint8_t type_kinds[] = {KIND_STRING, KIND_NUMBER, KIND_INTEGER,
	KIND_BOOLEAN, KIND_OBJECT, KIND_ARRAY, KIND_NULL};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Adds an op to the node. */
static void
add_op(struct making *m, struct op op)
{
	buf_put(&m->ops, &op, sizeof(op));
}

/* The kinds of a type's name, 0 after an error. */
static unsigned
kinds_of(struct compiler *c, struct making *m, const json_t *value)
{
	const char *name = json_string_value(value), *near;

	for (size_t i = 0; name && i < COUNT(type_names); i++)
		if (!strcmp(type_names[i], name))
			return type_kinds[i];
	near = name ? nearest(name, type_names, COUNT(type_names)) : NULL;
	if (!name)
		compile_fail(c, m->place.path, "type",
		    "\"type\" must be a string or a list of strings");
	else
		compile_fail(c, m->place.path, "type", "there is no type "
		    "\"%.60s\"%s%s%s", name, near ? "; did you mean \"" :
		    "; the types are string, number, integer, boolean, object, "
		    "array and null", near ? near : "", near ? "\"?" : "");
	return 0;
}

/* keyword_fn */
static int
type(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	unsigned kinds = 0, more;

	if (!json_is_array(value)) {
		m->node.types = (uint8_t)kinds_of(c, m, value);
		return m->node.types ? 0 : -1;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		more = kinds_of(c, m, json_array_get(value, i));
		if (!more)
			return -1;
		kinds |= more;
	}
	if (!kinds)
		return compile_fail(c, m->place.path, keyword,
		    "\"type\" is an empty list");
	m->node.types = (uint8_t)kinds;
	return 0;
}

/* keyword_fn */
static int
enumeration(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	size_t count = json_array_size(value);
	struct choices *choices;
	struct choice *list;

	if (!count)
		return compile_fail(c, m->place.path, keyword,
		    "\"enum\" must be a list of at least one value");
	list = program_alloc(c->schema, count, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = choice_make(c, json_array_get(value, i));
	choices = program_alloc(c->schema, 1, sizeof(*choices));
	*choices = (struct choices){list, count};
	add_op(m, (struct op){.code = OP_ENUM, .kinds = KIND_ANY,
	    .choices = choices});
	return 0;
}

/* Reads a number into lasting memory; NULL after an error. */
static struct number *
number_at(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	struct number *number;

	if (!json_is_number(value)) {
		compile_fail(c, m->place.path, keyword,
		    "\"%s\" must be a number", keyword);
		return NULL;
	}
	number = program_alloc(c->schema, 1, sizeof(*number));
	*number = json_is_integer(value) ?
	    number_of_int(json_integer_value(value)) :
	    number_of_double(json_real_value(value));
	return number;
}

/* Adds minimum or maximum, exclusive or not. */
static int
bound(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value, enum op_code code, const char *exclusive)
{
	const json_t *flag = json_object_get(m->place.json, exclusive);
	const struct number *number = number_at(c, m, keyword, value);

	if (!number)
		return -1;
	if (flag && !json_is_boolean(flag))
		return compile_fail(c, m->place.path, exclusive,
		    "\"%s\" must be true or false (draft 4)", exclusive);
	add_op(m, (struct op){.code = (uint8_t)code, .kinds = KIND_NUMBER,
	    .exclusive = json_is_true(flag), .number = number});
	return 0;
}

/* keyword_fn */
static int
minimum(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	return bound(c, m, keyword, value, OP_MINIMUM, "exclusiveMinimum");
}

/* keyword_fn */
static int
maximum(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	return bound(c, m, keyword, value, OP_MAXIMUM, "exclusiveMaximum");
}

/* keyword_fn */
static int
multiple_of(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	struct number *number = number_at(c, m, keyword, value);

	if (!number)
		return -1;
	if (number->d <= 0)
		return compile_fail(c, m->place.path, keyword,
		    "\"multipleOf\" must be more than 0");
	add_op(m, (struct op){.code = OP_MULTIPLE, .kinds = KIND_NUMBER,
	    .number = number});
	return 0;
}

/* Reads a count; -1 after an error. */
static int
count_at(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value, size_t *count)
{
	double d = json_number_value(value);

	if (!json_is_number(value) || d < 0 || d != __builtin_trunc(d))
		return compile_fail(c, m->place.path, keyword,
		    "\"%s\" must be an integer of at least 0", keyword);
	*count = d < 1e15 ? (size_t)d : SIZE_MAX;
	return 0;
}

/* keyword_fn: minLength, maxLength */
static int
length(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	struct op op = {.kinds = KIND_STRING};

	op.code = !strcmp(keyword, "minLength") ? OP_MIN_LENGTH :
	    OP_MAX_LENGTH;
	if (count_at(c, m, keyword, value, &op.length))
		return -1;
	add_op(m, op);
	return 0;
}

/* keyword_fn: minItems, maxItems, minProperties, maxProperties */
static int
size(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	bool min = !strncmp(keyword, "min", 3);

	if (!strcmp(keyword + 3, "Items"))
		return count_at(c, m, keyword, value,
		    min ? &m->array.min : &m->array.max);
	return count_at(c, m, keyword, value,
	    min ? &m->object.min : &m->object.max);
}

/* Compiles a pattern that lives with the schema; NULL after an error. */
static const struct regex *
regex_at(struct compiler *c, struct making *m, const char *keyword,
    const char *pattern, size_t len)
{
	struct err e;
	struct regex *regex = regex_new(pattern, len, &e);

	if (regex)
		buf_put(&c->regexes, &regex, sizeof(regex));
	else
		compile_fail(c, m->place.path, keyword, "%s", e.text);
	return regex;
}

/* keyword_fn */
static int
pattern(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	const struct regex *regex;

	if (!json_is_string(value))
		return compile_fail(c, m->place.path, keyword,
		    "\"pattern\" must be a string");
	regex = regex_at(c, m, keyword, json_string_value(value),
	    json_string_length(value));
	if (!regex)
		return -1;
	add_op(m, (struct op){.code = OP_PATTERN, .kinds = KIND_STRING,
	    .regex = regex});
	return 0;
}

/* keyword_fn */
static int
format(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	const struct format *known;

	if (!json_is_string(value))
		return compile_fail(c, m->place.path, keyword,
		    "\"format\" must be a string");
	known = format_find(json_string_value(value));
	if (known && c->options->validate_formats)
		add_op(m, (struct op){.code = OP_FORMAT, .kinds = KIND_STRING,
		    .format = known});
	return 0;
}

/* keyword_fn */
static int
unique_items(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	if (!json_is_boolean(value))
		return compile_fail(c, m->place.path, keyword,
		    "\"uniqueItems\" must be true or false");
	m->array.unique = json_is_true(value);
	return 0;
}

/* The nodes of a list of subschemas; NULL after an error. */
static const struct node **
nodes_of(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	size_t count = json_array_size(value);
	const struct node **list = program_alloc(c->schema, count,
	    sizeof(*list));
	char index[24];

	for (size_t i = 0; i < count; i++) {
		snprintf(index, sizeof(index), "%zu", i);
		list[i] = node_at(c, &m->place, keyword, index,
		    json_array_get(value, i));
		if (!list[i])
			return NULL;
	}
	return list;
}

/* keyword_fn: items */
static int
items(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	const json_t *others = json_object_get(m->place.json,
	    "additionalItems");

	if (!json_is_array(value)) {
		m->array.rest = node_at(c, &m->place, keyword, NULL, value);
		return m->array.rest ? 0 : -1;
	}
	m->array.items = nodes_of(c, m, keyword, value);
	if (!m->array.items)
		return -1;
	m->array.count = json_array_size(value);
	if (json_is_false(others)) {
		m->array.rest = NULL;
	} else if (others && !json_is_true(others)) {
		m->array.rest = node_at(c, &m->place, "additionalItems", NULL,
		    others);
		return m->array.rest ? 0 : -1;
	}
	return 0;
}

/* keyword_fn */
static int
additional_properties(struct compiler *c, struct making *m,
    const char *keyword, const json_t *value)
{
	if (json_is_true(value))
		return 0;
	m->object.additional = json_is_false(value) ? NULL :
	    node_at(c, &m->place, keyword, NULL, value);
	return m->object.additional || json_is_false(value) ? 0 : -1;
}

/* keyword_fn */
static int
pattern_properties(struct compiler *c, struct making *m,
    const char *keyword, const json_t *value)
{
	struct pattern_rule *rules;
	const char *name;
	json_t *json;
	size_t i = 0;

	if (!json_is_object(value))
		return compile_fail(c, m->place.path, keyword,
		    "\"patternProperties\" must be an object");
	rules = program_alloc(c->schema, json_object_size(value),
	    sizeof(*rules));
	json_object_foreach((json_t *)(uintptr_t)value, name, json) {
		rules[i].regex = regex_at(c, m, keyword, name, strlen(name));
		rules[i].node = node_at(c, &m->place, keyword, name, json);
		if (!rules[i].regex || !rules[i].node)
			return -1;
		i++;
	}
	m->object.patterns = rules;
	m->object.pattern_count = i;
	return 0;
}

/* keyword_fn: allOf, anyOf, oneOf, not */
static int
combinator(struct compiler *c, struct making *m, const char *keyword,
    const json_t *value)
{
	struct nodes *nodes = program_alloc(c->schema, 1, sizeof(*nodes));
	struct op op = {.kinds = KIND_ANY, .nodes = nodes};
	bool negation = !strcmp(keyword, "not");

	op.code = negation ? OP_NOT : !strcmp(keyword, "allOf") ? OP_ALL :
	    !strcmp(keyword, "anyOf") ? OP_ANY : OP_ONE;
	if (negation) {
		nodes->list = program_alloc(c->schema, 1,
		    sizeof(*nodes->list));
		nodes->list[0] = node_at(c, &m->place, keyword, NULL, value);
		nodes->count = 1;
		if (!nodes->list[0])
			return -1;
		add_op(m, op);
		return 0;
	}
	nodes->count = json_array_size(value);
	if (!nodes->count)
		return compile_fail(c, m->place.path, keyword, "\"%s\" must be "
		    "a list of at least one schema", keyword);
	nodes->list = nodes_of(c, m, keyword, value);
	if (!nodes->list)
		return -1;
	add_op(m, op);
	return 0;
}

#define KEYWORD(name, compile) {name, sizeof(name) - 1, compile}

/* In the order in which the ops are evaluated: what is cheap comes first. */
static const struct {
	const char *name;
	size_t len;
	keyword_fn *compile;
} keywords[] = {
	KEYWORD("type", type), KEYWORD("minimum", minimum),
	KEYWORD("maximum", maximum), KEYWORD("multipleOf", multiple_of),
	KEYWORD("minLength", length), KEYWORD("maxLength", length),
	KEYWORD("enum", enumeration), KEYWORD("format", format),
	KEYWORD("pattern", pattern), KEYWORD("minItems", size),
	KEYWORD("maxItems", size), KEYWORD("minProperties", size),
	KEYWORD("maxProperties", size), KEYWORD("uniqueItems", unique_items),
	KEYWORD("items", items),
	KEYWORD("patternProperties", pattern_properties),
	KEYWORD("additionalProperties", additional_properties),
	KEYWORD("allOf", combinator), KEYWORD("anyOf", combinator),
	KEYWORD("oneOf", combinator), KEYWORD("not", combinator),
};

int
keywords_compile(struct compiler *c, struct making *m)
{
	const json_t *values[COUNT(keywords)] = {NULL};
	const char *name;
	size_t len;
	json_t *value;

	json_object_keylen_foreach((json_t *)(uintptr_t)m->place.json, name,
	    len, value)
		for (size_t i = 0; i < COUNT(keywords); i++)
			if (len == keywords[i].len &&
			    !memcmp(name, keywords[i].name, len))
				values[i] = value;
	for (size_t i = 0; i < COUNT(keywords); i++)
		if (values[i] && keywords[i].compile(c, m, keywords[i].name,
		    values[i]))
			return -1;
	return members_compile(c, m);
}
