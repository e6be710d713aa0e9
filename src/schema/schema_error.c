/*
 * What a failed walk says: the words of struct schema_error. Called by the
 * evaluators at a failure only; it must never quote a value whose schema
 * says that it is secret.
 */
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/nearest.h"
#include "base/xalloc.h"
#include "schema/program.h"


#define QUOTED 48	/* bytes of a string that are shown */

static const struct {
	unsigned kinds;
	const char *name;
} type_names[] = {
	{KIND_STRING, "string"}, {KIND_NUMBER, "number"},
	{KIND_INTEGER, "integer"}, {KIND_BOOLEAN, "boolean"},
	{KIND_OBJECT, "object"}, {KIND_ARRAY, "array"}, {KIND_NULL, "null"},
};

/* snprintf behind what is there, cut without a word. */
static void __attribute__((format(printf, 3, 4)))
append(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, size - len, fmt, ap);
	va_end(ap);
}

/* Cuts a text that was cut in the middle of a character there. */
static void
mend_end(char *text)
{
	size_t len = strlen(text), back = 1;

	while (back < 4 && back < len && (text[len - back] & 0xc0) == 0x80)
		back++;
	if (len && !js_utf8_valid(text + len - (back < len ? back : len),
	    back < len ? back : len))
		text[len - (back < len ? back : len)] = '\0';
}

void
schema_error_finish(struct schema_error *e)
{
	mend_end(e->found);
	mend_end(e->wants);
	snprintf(e->message, sizeof(e->message), "%s%s%s", e->found,
	    *e->wants ? ", the schema wants " : "", e->wants);
}

int
schema_error_say(const struct schema_error *e, const char *subject,
    const char *where, struct err *err)
{
	const char *at = *e->path ? " at " : "";

	if (!where)
		return err_set(err, "%s rejected%s%s: %s", subject, at, e->path,
		    e->message);
	if (!*e->wants)
		return err_set(err, "%s rejected%s%s: %s", subject, at, e->path,
		    e->found);
	return err_set(err, "%s rejected%s%s: %s, the schema (%s) wants %s",
	    subject, at, e->path, e->found, where, e->wants);
}

/* Begins an error: all but `wants`. */
static void
begin(struct walk *w, const struct node *n, const char *keyword,
    const char *found)
{
	struct schema_error *e = w->e;

	e->path[0] = e->wants[0] = '\0';
	snprintf(e->keyword, sizeof(e->keyword), "%s", keyword);
	snprintf(e->schema_path, sizeof(e->schema_path), "%s/%s", n->path,
	    keyword);
	snprintf(e->found, sizeof(e->found), "%s", found);
}

int
walk_fail(struct walk *w, const struct node *n, const char *keyword,
    const char *found, const char *wants, ...)
{
	va_list ap;

	if (w->quiet)
		return -1;
	begin(w, n, keyword, found);
	va_start(ap, wants);
	vsnprintf(w->e->wants, sizeof(w->e->wants), wants, ap);
	va_end(ap);
	schema_error_finish(w->e);
	return -1;
}

int
walk_fail_plain(struct walk *w, const struct node *n, const char *keyword,
    const char *found)
{
	if (w->quiet)
		return -1;
	begin(w, n, keyword, found);
	schema_error_finish(w->e);
	return -1;
}

int
walk_fail_work(struct walk *w)
{
	return walk_fail_plain(w, &node_any, "depth",
	    "the schema takes too much work for this value");
}

/* The names of the types in kinds: "string or null". */
static void
types_text(char *text, size_t size, unsigned kinds)
{
	*text = '\0';
	if (kinds == KIND_ANY) {
		append(text, size, "something else");
		return;
	}
	for (size_t i = 0; i < sizeof(type_names) / sizeof(*type_names); i++) {
		unsigned of = type_names[i].kinds;

		if ((kinds & of) != of)
			continue;
		kinds &= ~of;
		append(text, size, "%s%s", *text ? " or " : "",
		    type_names[i].name);
	}
	if (!*text)
		append(text, size, "nothing at all");
}

int
walk_fail_type(struct walk *w, const struct node *n, const char *found)
{
	char types[SCHEMA_TEXT];

	types_text(types, sizeof(types), n->types);
	return walk_fail(w, n, "type", found, "%s", types);
}

/* Puts a permitted value of an enum behind text. */
static void
append_choice(char *text, size_t size, const struct choice *c)
{
	char number[JS_NUMBER_TEXT + 1] = "";

	switch (c->kind) {
	case KIND_STRING:
		append(text, size, "\"%.*s\"", (int)c->len, c->text);
		return;
	case KIND_INTEGER:
	case KIND_FRACTION:
		number[js_double_text(number, c->number.d)] = '\0';
		append(text, size, "%s", number);
		return;
	case KIND_BOOLEAN:
		append(text, size, c->number.exact ? "true" : "false");
		return;
	case KIND_NULL:
		append(text, size, "null");
		return;
	default:
		append(text, size, "%.*s", (int)c->len, c->text);
	}
}

static void
choices_text(char *text, size_t size, const struct choices *choices)
{
	*text = '\0';
	if (choices->count > 1)
		append(text, size, "one of ");
	for (size_t i = 0; i < choices->count; i++) {
		if (i)
			append(text, size, ", ");
		append_choice(text, size, &choices->list[i]);
	}
}

/* What alternatives of `anyOf` and `oneOf` ask for. */
static void
alternatives_text(char *text, size_t size, const struct nodes *nodes)
{
	unsigned types = 0;

	for (size_t i = 0; i < nodes->count; i++)
		types |= nodes->list[i]->types;
	if (types != KIND_ANY)
		types_text(text, size, types);
	else
		snprintf(text, size, "one of its %zu alternatives",
		    nodes->count);
}

static const char *const op_keywords[] = {
	[OP_ENUM] = "enum", [OP_MINIMUM] = "minimum",
	[OP_MAXIMUM] = "maximum", [OP_MULTIPLE] = "multipleOf",
	[OP_MIN_LENGTH] = "minLength", [OP_MAX_LENGTH] = "maxLength",
	[OP_PATTERN] = "pattern", [OP_FORMAT] = "format", [OP_ALL] = "allOf",
	[OP_ANY] = "anyOf", [OP_ONE] = "oneOf", [OP_NOT] = "not",
};

/* What op asks for. */
static void
op_text(char *text, size_t size, const struct op *op)
{
	char number[JS_NUMBER_TEXT + 1] = "";

	switch ((enum op_code)op->code) {
	case OP_ENUM:
		choices_text(text, size, op->choices);
		return;
	case OP_MINIMUM:
	case OP_MAXIMUM:
	case OP_MULTIPLE:
		number[js_double_text(number, op->number->d)] = '\0';
		snprintf(text, size, "%s%s", op->code == OP_MULTIPLE ?
		    "a multiple of " : op->code == OP_MINIMUM ?
		    op->exclusive ? "more than " : "at least " :
		    op->exclusive ? "less than " : "at most ", number);
		return;
	case OP_MIN_LENGTH:
	case OP_MAX_LENGTH:
		snprintf(text, size, "at %s %zu characters",
		    op->code == OP_MIN_LENGTH ? "least" : "most", op->length);
		return;
	case OP_PATTERN:
		snprintf(text, size, "a match of %s", regex_text(op->regex));
		return;
	case OP_FORMAT:
		snprintf(text, size, "the format %s", op->format->name);
		return;
	case OP_ANY:
	case OP_ONE:
	case OP_ALL:
		alternatives_text(text, size, op->nodes);
		return;
	case OP_NOT:
		snprintf(text, size, "no match of what \"not\" describes");
		return;
	}
}

int
walk_fail_op(struct walk *w, const struct node *n, const struct op *op,
    const char *found)
{
	char wants[SCHEMA_TEXT];

	if (w->quiet)
		return -1;
	op_text(wants, sizeof(wants), op);
	return walk_fail(w, n, op_keywords[op->code], found, "%s", wants);
}

int
walk_fail_required(struct walk *w, const struct node *n, const char *name)
{
	char found[SCHEMA_TEXT];

	snprintf(found, sizeof(found), "\"%s\" is missing", name);
	return walk_fail(w, n, "required", found, "it");
}

int
walk_fail_additional(struct walk *w, const struct node *n, const char *name,
    size_t len)
{
	const struct object_rules *rules = n->object;
	char found[SCHEMA_TEXT], *word;
	const char **names, *near;

	if (w->quiet)
		return -1;
	names = xcalloc(rules->count, sizeof(*names));
	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->properties[i].node)
			names[i] = rules->properties[i].name;
	word = xstrndup(name, len);
	near = nearest(word, names, rules->count);
	snprintf(found, sizeof(found), "\"%s\" is there", word);
	walk_fail(w, n, "additionalProperties", found, near ?
	    "no such property; did you mean \"%s\"?" : "no such property%s",
	    near ? near : "");
	free(word);
	free(names);
	return -1;
}

/* Puts a token in front of the path; what grows too long is cut. */
static int
under(struct walk *w, const char *token, size_t len)
{
	char *path = w->e->path;
	size_t old = strlen(path);

	if (old + len + 2 > SCHEMA_PATH)
		old = len + 2 > SCHEMA_PATH ? 0 : SCHEMA_PATH - len - 2;
	if (len + 2 > SCHEMA_PATH)
		len = SCHEMA_PATH - 2;
	memmove(path + len + 1, path, old);
	path[0] = '/';
	memcpy(path + 1, token, len);
	path[len + 1 + old] = '\0';
	mend_end(path);
	return -1;
}

int
walk_under_name(struct walk *w, const char *name, size_t len)
{
	bool utf8 = js_utf8_valid(name, len);
	char token[SCHEMA_PATH];
	size_t n = 0;

	if (w->quiet)
		return -1;
	for (size_t i = 0; i < len && n + 2 < sizeof(token); i++) {
		if (name[i] == '~' || name[i] == '/') {
			token[n++] = '~';
			token[n++] = name[i] == '~' ? '0' : '1';
		} else {
			token[n++] = (uint8_t)name[i] < 0x20 ||
			    (!utf8 && (uint8_t)name[i] >= 0x80) ? '?' :
			    name[i];
		}
	}
	return under(w, token, n);
}

int
walk_under_index(struct walk *w, size_t index)
{
	char token[24];

	if (w->quiet)
		return -1;
	return under(w, token,
	    (size_t)snprintf(token, sizeof(token), "%zu", index));
}

void
walk_describe_string(char text[SCHEMA_TEXT], const struct node *n,
    const char *s, size_t len)
{
	bool cut = len > QUOTED;
	struct buf shown = {0};

	if (n->secret) {
		snprintf(text, SCHEMA_TEXT, "a string");
		return;
	}
	js_put_string_lossy(&shown, s, cut ? QUOTED : len);
	snprintf(text, SCHEMA_TEXT, "%.*s%s is a string",
	    (int)shown.len - cut, buf_cstr(&shown), cut ? "...\"" : "");
	buf_release(&shown);
}
