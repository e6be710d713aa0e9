/*
 * The evaluator of json_t values: walk.h over jansson. Called by pack/,
 * core/ and api/ for all that is parsed JSON or YAML; the worker has its own
 * over Lua values.
 */
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/xalloc.h"
#include "schema/compile.h"

static const struct array_rules any_items = {
	.rest = &node_any, .max = SIZE_MAX,
};

static const struct object_rules any_members = {
	.additional = &node_any, .max = SIZE_MAX,
};

const struct node node_any = {
	.types = KIND_ANY, .object = &any_members, .array = &any_items,
	.path = "",
};

struct json_walk {
	struct walk w;
	const struct schema *schema;
};

struct json_place {
	bool more;
	size_t index;
	void *entry;	/* jansson's, of an object */
	const char *name;
	size_t len;
	const json_t *value;
};

/* jansson's iteration takes no const, and changes nothing. */
static json_t *
writable(const json_t *value)
{
	return (json_t *)(uintptr_t)value;
}

/* The kinds of jansson's types; what is integral is seen to below. */
static const uint8_t kinds[] = {
	[JSON_OBJECT] = KIND_OBJECT, [JSON_ARRAY] = KIND_ARRAY,
	[JSON_STRING] = KIND_STRING, [JSON_INTEGER] = KIND_INTEGER,
	[JSON_REAL] = KIND_FRACTION, [JSON_TRUE] = KIND_BOOLEAN,
	[JSON_FALSE] = KIND_BOOLEAN, [JSON_NULL] = KIND_NULL,
};

static inline unsigned
json_look(const json_t *v, struct json_place *it)
{
	unsigned kind = kinds[json_typeof(v)];
	double d;

	it->more = false;
	it->entry = NULL;
	if (kind == KIND_OBJECT) {
		it->entry = json_object_iter(writable(v));
		it->more = it->entry != NULL;
	} else if (kind == KIND_ARRAY) {
		it->index = 0;
		it->more = json_array_size(v) > 0;
	} else if (kind == KIND_FRACTION) {
		d = json_real_value(v);
		return d == __builtin_trunc(d) ? KIND_INTEGER : KIND_FRACTION;
	}
	return kind;
}

static inline bool
json_at_member(struct json_place *it)
{
	it->name = json_object_iter_key(it->entry);
	it->len = json_object_iter_key_len(it->entry);
	it->value = json_object_iter_value(it->entry);
	return true;
}

static inline bool
json_at_item(const json_t *v, struct json_place *it)
{
	it->value = json_array_get(v, it->index);
	return true;
}

static inline void
json_next(const json_t *v, struct json_place *it)
{
	if (json_is_object(v)) {
		it->entry = json_object_iter_next(writable(v), it->entry);
		it->more = it->entry != NULL;
	} else {
		it->more = ++it->index < json_array_size(v);
	}
}

static inline const struct property *
json_property(const struct json_walk *x, const struct object_rules *rules,
    const struct json_place *it)
{
	const uint16_t *slots = x->schema->slots + rules->slots;
	struct name_key key = name_key(it->name, it->len);
	uint32_t at = name_hash(key, it->name, it->len) & rules->mask;

	for (; slots[at]; at = (at + 1) & rules->mask) {
		const struct property *p = &rules->properties[slots[at] - 1];

		if (name_is(p, key, it->name, it->len))
			return p;
	}
	return NULL;
}

static inline const char *
json_chars(const json_t *v, size_t *len)
{
	*len = json_string_length(v);
	return json_string_value(v);
}

static inline void
json_number(const json_t *v, struct number *number)
{
	*number = json_is_integer(v) ? number_of_int(json_integer_value(v)) :
	    number_of_double(json_real_value(v));
}

static int
json_text(const json_t *v, struct buf *b)
{
	js_put_json(b, v, true);
	return 0;
}

/* What an error says of a value. */
static void
json_describe(const struct node *n, const json_t *v, char text[SCHEMA_TEXT])
{
	char number[JS_NUMBER_TEXT + 1] = "";
	const char *what = "null";

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		what = "an object";
		break;
	case JSON_ARRAY:
		what = "an array";
		break;
	case JSON_STRING:
		walk_describe_string(text, n, json_string_value(v),
		    json_string_length(v));
		return;
	case JSON_INTEGER:
	case JSON_REAL:
		number[js_double_text(number, json_number_value(v))] = '\0';
		snprintf(text, SCHEMA_TEXT, n->secret ? "a number" :
		    "%s is a number", number);
		return;
	case JSON_TRUE:
		what = "true is a boolean";
		break;
	case JSON_FALSE:
		what = "false is a boolean";
		break;
	case JSON_NULL:
		break;
	}
	snprintf(text, SCHEMA_TEXT, "%s", what);
}

#define WALK(name) json_walk_##name
#define WALKER struct json_walk
#define VALUE const json_t *
#define ITER struct json_place
#define V_LOOK(x, v, it) json_look(v, it)
#define V_AT_ITEM(x, v, it, i) json_at_item(v, it)
#define V_AT_MEMBER(x, v, it) json_at_member(it)
#define V_NEXT(x, v, it) json_next(v, it)
#define V_TOP(x) ((void)(x), 0)
#define V_RESET(x, top) (void)(top)
#define V_IS_NULL(x, v) json_is_null(v)
#define V_STRING(x, v, len) ((void)(x), json_chars(v, len))
#define V_NUMBER(x, v, number) ((void)(x), json_number(v, number))
#define V_TRUE(x, v) json_is_true(v)
#define V_HAS(x, v, rules, p) (json_object_getn(v, (p)->name, (p)->len) != NULL)
#define V_PROPERTY(x, rules, it) json_property(x, rules, it)
#define V_TEXT(x, v, kind, buf) ((void)(kind), json_text(v, buf))
#define V_DESCRIBE(x, n, v, kind, text) \
	((void)(kind), json_describe(n, v, text))
#define V_BAD(x, n, v) -1
#define V_BAD_KEY(x, v) -1
#define V_TORN(x, v, kind) false
#define CHECK(x, n, v) json_walk_value(x, n, v)
#define EMIT 0
#include "schema/walk.h"

int
schema_validate_json(const struct schema *s, const json_t *value,
    struct schema_error *e)
{
	struct json_walk x = {.w = {.e = e}, .schema = s};

	return json_walk_value(&x, s->root, value);
}

int
node_validate_json(const struct schema *s, const struct node *n,
    const json_t *value, struct schema_error *e)
{
	struct json_walk x = {.w = {.e = e}, .schema = s};

	return json_walk_value(&x, n, value);
}

bool
op_string_decide(const struct op *op, const char *s, size_t len)
{
	switch ((enum op_code)op->code) {
	case OP_MIN_LENGTH:
		return js_utf8_count(s, len) >= op->length;
	case OP_MAX_LENGTH:
		return js_utf8_count(s, len) <= op->length;
	case OP_PATTERN:
		return regex_matches(op->regex, s, len);
	case OP_FORMAT:
		return op->format->ok(s, len);
	default:
		return true;
	}
}

int
walk_fail_default(struct walk *w, const struct property *p)
{
	if (w->quiet)
		return -1;
	walk_fail_plain(w, p->node, "default",
	    "the schema's own default does not conform to the schema");
	return walk_under_name(w, p->name, p->len);
}

/* A run of bytes in a buffer. */
struct run {
	const uint8_t *at;
	size_t len;
};

/* Orders runs by length, then bytes, for qsort. */
static int
compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->at, y->at, x->len);
}

bool
texts_unique(const struct buf *b, const size_t *ends, size_t count)
{
	struct run *runs = xreallocarray(NULL, count, sizeof(*runs));
	size_t start = 0, i;

	for (i = 0; i < count; i++) {
		runs[i] = (struct run){b->data + start, ends[i] - start};
		start = ends[i];
	}
	qsort(runs, count, sizeof(*runs), compare_runs);
	for (i = 1; i < count; i++)
		if (!compare_runs(&runs[i - 1], &runs[i]))
			break;
	free(runs);
	return i >= count;
}
