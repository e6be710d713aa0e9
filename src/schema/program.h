#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "schema/format.h"
#include "schema/regex.h"
#include "schema/schema.h"

/*
 * What a schema is compiled to, for the two evaluators: schema_eval.c on
 * json_t and worker/encode.c on Lua values, both made from walk.h. A program
 * is a graph of nodes, one a subschema, $ref already resolved; a node holds
 * the types it allows, a row of ops for the other keywords, and the rules by
 * which the walk goes on into members and items.
 */

/* Kinds of JSON values, as bits. An integral number is an integer. */
enum kind {
	KIND_NULL = 1,
	KIND_BOOLEAN = 2,
	KIND_INTEGER = 4,
	KIND_FRACTION = 8,
	KIND_STRING = 16,
	KIND_ARRAY = 32,
	KIND_OBJECT = 64,
	KIND_NUMBER = KIND_INTEGER | KIND_FRACTION,
	KIND_EMPTY = KIND_ARRAY | KIND_OBJECT,	/* an unmarked {} of Lua */
	KIND_ANY = 127
};

/* A number, exact when it is integral and below 2^100. */
struct number {
	double d;
	__int128 i;
	bool exact;
};

struct node;

/* One permitted value of an enum. */
struct choice {
	enum kind kind;
	struct number number;
	const char *text;	/* a string as it is, a container sorted JSON */
	size_t len;
};

struct choices {
	const struct choice *list;
	size_t count;
};

struct nodes {
	const struct node **list;
	size_t count;
};

enum op_code {
	OP_ENUM, OP_MINIMUM, OP_MAXIMUM, OP_MULTIPLE, OP_MIN_LENGTH,
	OP_MAX_LENGTH, OP_PATTERN, OP_FORMAT, OP_ALL, OP_ANY, OP_ONE, OP_NOT
};

struct op {
	uint8_t code;
	uint8_t kinds;		/* of values that it looks at */
	bool exclusive;
	union {
		const struct choices *choices;
		const struct number *number;
		size_t length;
		const struct regex *regex;
		const struct format *format;
		const struct nodes *nodes;	/* of NOT: one */
	};
};

/*
 * A property that the schema names. quoted is `,"name":` and fill
 * `,"name":default`, NULL without default; the first member skips the comma.
 * PROPERTY_PAD bytes can be read at quoted and quoted + 1, so that a short
 * one is copied in a piece. node is NULL when only `required` names it.
 */
#define PROPERTY_PAD 32

/*
 * The ends of a name as numbers: with its length they are the whole name
 * where that has 16 bytes at most, and can be compared at once.
 */
struct name_key {
	uint64_t head, tail;
};

struct property {
	const char *name;
	size_t len;
	struct name_key key;
	const char *quoted;
	size_t quoted_len;
	const struct node *node;
	bool required;
	bool nullable;		/* null passes whatever node says */
	bool null_fills;	/* null stands for the default */
	bool bad_default;	/* the default does not conform */
	const char *fill;
	size_t fill_len;
	json_t *default_value;
};

/* An entry of `dependencies`: a subschema, or other properties. */
struct dependency {
	const struct property *property;
	const struct node *node;
	const struct property **needs;
	size_t needs_count;
};

struct pattern_rule {
	const struct regex *regex;
	const struct node *node;
};

/* How the members of an object are checked. Never NULL in a node. */
struct object_rules {
	const struct property *properties;
	uint32_t count;
	uint32_t required;	/* how many of them are */
	uint32_t defaults;	/* how many have one */
	uint32_t first;		/* number of properties[0] in the schema */
	uint32_t slots;		/* hash table: place in schema.slots */
	uint32_t mask;		/* and its size less one */
	const struct pattern_rule *patterns;
	size_t pattern_count;
	const struct dependency *dependencies;
	size_t dependency_count;
	const struct node *additional;	/* NULL: no other members */
	size_t min, max;
};

/* How the items of an array are checked. Never NULL in a node. */
struct array_rules {
	const struct node **items;	/* the first ones, one by one */
	size_t count;
	const struct node *rest;	/* all others; NULL: none allowed */
	size_t min, max;
	bool unique;
};

struct node {
	uint8_t types;
	uint8_t op_kinds;	/* union of the ops' kinds */
	bool empty_array;	/* an unmarked {} of Lua is an array here */
	bool secret;
	uint8_t allowed;	/* types, less what enum and others forbid */
	uint8_t mark;		/* of the compiler's last pass */
	uint8_t height;		/* of the same; subschemas on one value */
	uint16_t op_count;
	const struct op *ops;
	const struct object_rules *object;
	const struct array_rules *array;
	const char *path;	/* see schema_error.schema_path */
};

struct memory;

struct schema {
	const struct node *root;
	uint16_t *slots;	/* property index + 1, 0: free */
	uint32_t slot_count;
	const struct object_rules **objects;	/* those with properties */
	size_t object_count;
	uint32_t property_count;	/* of all of them */
	int height;		/* the greatest of the nodes' */
	struct regex **regexes;
	size_t regex_count;
	struct memory *memory;	/* all else, freed as one */
};

/* The node that takes every value; what {} compiles to. */
extern const struct node node_any;

/* What one walk keeps; each evaluator's walk begins with it. */
struct walk {
	struct schema_error *e;
	unsigned depth;		/* containers around the place */
	unsigned nest;		/* calls around the place */
	unsigned quiet;		/* > 0: failures are not described */
	uint64_t steps;		/* nodes visited so far */
};

#define WALK_NEST 1024		/* > JS_DEPTH plus combinators on the way */
#define WALK_STEPS 50000000	/* a schema that multiplies work ends here */

/* Fails with n's keyword: wants as printf; found is a finished text. -1. */
int walk_fail(struct walk *w, const struct node *n, const char *keyword,
    const char *found, const char *wants, ...)
    __attribute__((format(printf, 5, 6)));

/* The same where found says it all. */
int walk_fail_plain(struct walk *w, const struct node *n,
    const char *keyword, const char *found);

/* Fails because the schema multiplies work. */
int walk_fail_work(struct walk *w);

/* Fails because the value is no `types`. */
int walk_fail_type(struct walk *w, const struct node *n, const char *found);

/* Fails because choices, number, length ... of op are not met. */
int walk_fail_op(struct walk *w, const struct node *n, const struct op *op,
    const char *found);
int walk_fail_required(struct walk *w, const struct node *n,
    const char *name);
int walk_fail_additional(struct walk *w, const struct node *n,
    const char *name, size_t len);
int walk_fail_default(struct walk *w, const struct property *p);

/* Writes the message from found and wants. */
void schema_error_finish(struct schema_error *e);

/* Puts a name or an index in front of the path; returns -1. */
int walk_under_name(struct walk *w, const char *name, size_t len);
int walk_under_index(struct walk *w, size_t index);

/* The text for `found`: a string is quoted and cut, or hidden if secret. */
void walk_describe_string(char text[SCHEMA_TEXT], const struct node *n,
    const char *s, size_t len);

struct number number_of_double(double d);
bool number_is_multiple(const struct number *a, const struct number *of);

static inline struct number
number_of_int(int64_t i)
{
	return (struct number){.d = (double)i, .i = i, .exact = true};
}

/* Less than, equal to or more than 0, as a is to b. */
static inline int
number_compare(const struct number *a, const struct number *b)
{
	if (a->exact && b->exact)
		return (a->i > b->i) - (a->i < b->i);
	return (a->d > b->d) - (a->d < b->d);
}

/* Whether a string meets the op (LENGTH, PATTERN, FORMAT). */
bool op_string_decide(const struct op *op, const char *s, size_t len);

/* The same, where the bytes' number tells enough of that of characters. */
static inline bool
op_string_ok(const struct op *op, const char *s, size_t len)
{
	if (op->code == OP_MAX_LENGTH && len <= op->length)
		return true;
	if (op->code == OP_MIN_LENGTH && (len + 3) / 4 >= op->length)
		return true;
	return op_string_decide(op, s, len);
}

/* Whether texts, given as len-prefixed runs of JSON in b, are all unlike. */
bool texts_unique(const struct buf *b, const size_t *ends, size_t count);

/* The first 16 bytes or fewer at s as two numbers that may overlap. */
static inline struct name_key
name_key(const char *s, size_t len)
{
	struct name_key key = {0, 0};
	uint32_t first, last;

	if (len >= 8) {
		memcpy(&key.head, s, 8);
		memcpy(&key.tail, s + len - 8, 8);
	} else if (len >= 4) {
		memcpy(&first, s, 4);
		memcpy(&last, s + len - 4, 4);
		key = (struct name_key){first, last};
	} else if (len) {
		key.head = (uint64_t)(uint8_t)s[0] |
		    (uint64_t)(uint8_t)s[len / 2] << 8 |
		    (uint64_t)(uint8_t)s[len - 1] << 16;
	}
	return key;
}

/* A name's place in a table of mask + 1 slots, by its key. */
static inline uint32_t
name_hash(struct name_key key, const char *s, size_t len)
{
	uint64_t h = (key.head ^ len) * 0x9e3779b97f4a7c15u ^
	    key.tail * 0xc2b2ae3d27d4eb4fu, middle;

	for (size_t i = 8; i + 8 < len; i += 8) {
		memcpy(&middle, s + i, 8);
		h = (h ^ middle) * 0x9e3779b97f4a7c15u;
	}
	return (uint32_t)__builtin_bswap64(h);	/* products mix upwards */
}

/* Whether the property has the name, of that key. */
static inline bool
name_is(const struct property *p, struct name_key key, const char *s,
    size_t len)
{
	return p->len == len && p->key.head == key.head &&
	    p->key.tail == key.tail &&
	    (len <= 2 * sizeof(key.head) || !memcmp(p->name, s, len));
}
