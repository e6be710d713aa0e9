/*
 * The compiler: schema text to program. A queue of places replaces recursion,
 * so nothing that a schema nests or refers to can exhaust the stack; a last
 * pass over the program bounds what an evaluation will recurse and fills in
 * what needs all nodes. Called by pack/ and whoever else gets a schema.
 */
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "schema/compile.h"

#define NODES 100000	/* subschemas of one schema, references followed */
#define HEIGHT 64	/* subschemas that look at one value, in a chain */

/*
 * A program lies in few pieces of memory; under the address sanitizer all of
 * it in its own, so that the bounds of each are watched.
 */
#ifdef SENSORHOST_ASAN
#define PIECE 0
#else
#define PIECE 4000
#endif
#define ALIGN 16

struct memory {
	struct memory *next;
	size_t used;
	size_t size;
	_Alignas(ALIGN) char bytes[];
};

void *
program_alloc(struct schema *s, size_t count, size_t size)
{
	struct memory *m = s->memory;
	size_t bytes = count * size, at = m ?
	    (m->used + ALIGN - 1) / ALIGN * ALIGN : 0;

	must(count < SIZE_MAX / 2 / size);
	if (!m || at > m->size || m->size - at < bytes) {
		at = bytes > PIECE ? bytes : PIECE;
		m = xcalloc(1, sizeof(*m) + at);
		*m = (struct memory){.next = s->memory, .size = at};
		s->memory = m;
		at = 0;
	}
	m->used = at + bytes;
	return m->bytes + at;
}

char *
program_text(struct schema *s, const char *text, size_t len)
{
	char *copy = program_alloc(s, len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

int
compile_fail(struct compiler *c, const char *path, const char *keyword,
    const char *fmt, ...)
{
	struct schema_error *e = c->e;
	va_list ap;

	memset(e, 0, sizeof(*e));
	snprintf(e->keyword, sizeof(e->keyword), "%s", keyword);
	snprintf(e->schema_path, sizeof(e->schema_path), "%s%s%s", path,
	    *keyword ? "/" : "", keyword);
	va_start(ap, fmt);
	vsnprintf(e->found, sizeof(e->found), fmt, ap);
	va_end(ap);
	schema_error_finish(e);
	return -1;
}

const char *
path_join(struct compiler *c, const char *path, const char *token)
{
	size_t len = strlen(path), more = 1;
	char *joined, *to;

	for (const char *at = token; *at; at++)
		more += *at == '~' || *at == '/' ? 2 : 1;
	joined = program_alloc(c->schema, len + more + 1, 1);
	memcpy(joined, path, len);
	to = joined + len;
	*to++ = '/';
	for (; *token; token++) {
		if (*token == '~' || *token == '/') {
			*to++ = '~';
			*to++ = *token == '~' ? '0' : '1';
		} else {
			*to++ = *token;
		}
	}
	return joined;
}

const struct node *
node_at(struct compiler *c, const struct place *p, const char *keyword,
    const char *member, const json_t *json)
{
	struct place at = keyword ? place_at(c, p, keyword, member, json) : *p;
	struct making *m;

	if (place_resolve(c, &at))
		return NULL;
	m = dict_get_str(c->nodes, at.path);
	if (m)
		return &m->node;
	if (++c->node_count > NODES) {
		compile_fail(c, at.path, "", "more than %d subschemas", NODES);
		return NULL;
	}
	m = program_alloc(c->schema, 1, sizeof(*m));
	m->node = node_any;
	m->node.path = at.path;
	m->node.secret = json_is_true(json_object_get(at.json, "secret"));
	m->object = *node_any.object;
	m->array = *node_any.array;
	m->node.object = &m->object;
	m->node.array = &m->array;
	m->place = at;
	*c->tail = m;
	c->tail = &m->next;
	dict_set_str(c->nodes, at.path, m);
	return &m->node;
}

/* Compiles one queued node. */
static int
make_node(struct compiler *c, struct making *m)
{
	size_t count;
	struct op *ops;
	int result = keywords_compile(c, m);

	count = m->ops.len / sizeof(*ops);
	if (!result && count) {
		ops = program_alloc(c->schema, count, sizeof(*ops));
		memcpy(ops, m->ops.data, m->ops.len);
		m->node.ops = ops;
		m->node.op_count = (uint16_t)count;
		for (size_t i = 0; i < count; i++)
			m->node.op_kinds |= ops[i].kinds;
	}
	buf_release(&m->ops);
	return result;
}

/* The kinds that the values of op->choices, or its nodes, leave. */
static unsigned
kinds_left(const struct op *op)
{
	unsigned kinds = op->code == OP_ALL ? KIND_ANY : 0;

	switch ((enum op_code)op->code) {
	case OP_ENUM:
		for (size_t i = 0; i < op->choices->count; i++)
			kinds |= op->choices->list[i].kind;
		return kinds;
	case OP_ALL:
		for (size_t i = 0; i < op->nodes->count; i++)
			kinds &= op->nodes->list[i]->allowed;
		return kinds;
	case OP_ANY:
	case OP_ONE:
		for (size_t i = 0; i < op->nodes->count; i++)
			kinds |= op->nodes->list[i]->allowed;
		return kinds;
	default:
		return KIND_ANY;
	}
}

enum { UNSEEN, OPEN, SEEN };	/* struct node, mark */

static int measure(struct compiler *c, struct node *n, unsigned depth);

/* Measures a node below n; the program is still ours to write. */
static int
measure_child(struct compiler *c, struct node *n, const struct node *child,
    unsigned depth)
{
	struct node *below = (struct node *)(uintptr_t)child;

	if (measure(c, below, depth + 1))
		return -1;
	if (below->height >= n->height)
		n->height = (uint8_t)(below->height + 1);
	return 0;
}

/*
 * Learns which kinds a node allows in all and how many subschemas look at
 * one value in a chain; a chain that closes to a ring would never end, one
 * that is too long is refused.
 */
static int
measure(struct compiler *c, struct node *n, unsigned depth)
{
	if (n->mark == SEEN)
		return depth + n->height > HEIGHT ? compile_fail(c, n->path, "",
		    "more than %d subschemas nested on one value", HEIGHT) : 0;
	if (n->mark == OPEN)
		return compile_fail(c, n->path, "", "the schema refers to "
		    "itself without going into members or items");
	if (depth > HEIGHT)
		return compile_fail(c, n->path, "", "more than %d subschemas "
		    "nested on one value", HEIGHT);
	n->mark = OPEN;
	for (size_t i = 0; i < n->op_count; i++) {
		if (n->ops[i].code < OP_ALL)
			continue;
		for (size_t k = 0; k < n->ops[i].nodes->count; k++)
			if (measure_child(c, n, n->ops[i].nodes->list[k],
			    depth))
				return -1;
	}
	for (size_t i = 0; i < n->object->dependency_count; i++)
		if (n->object->dependencies[i].node && measure_child(c, n,
		    n->object->dependencies[i].node, depth))
			return -1;
	n->allowed = n->types;
	for (size_t i = 0; i < n->op_count; i++)
		n->allowed &= (uint8_t)kinds_left(&n->ops[i]);
	n->empty_array = n->allowed & KIND_ARRAY && !(n->allowed & KIND_OBJECT);
	n->mark = SEEN;
	return 0;
}

/*
 * Prepares the default's text, and learns whether it conforms. To draft 4 a
 * default is an annotation, so that one which does not conform is dropped;
 * to StackStorm it is what the payload holds.
 */
static void
make_default(struct compiler *c, struct object_rules *rules,
    struct property *p)
{
	struct schema_error ignored;
	struct buf text = {0};
	json_t *filled = node_fill_json(p->node, p->default_value, false);

	p->bad_default = !(p->nullable && json_is_null(filled)) &&
	    node_validate_json(c->schema, p->node, filled, &ignored);
	if (p->bad_default && c->options->dialect == SCHEMA_DRAFT4) {
		json_decref(p->default_value);
		p->default_value = NULL;
		rules->defaults--;
	} else {
		buf_put(&text, p->quoted, p->quoted_len);
		js_put_json(&text, filled, false);
		p->fill = program_text(c->schema, buf_cstr(&text), text.len);
		p->fill_len = text.len;
	}
	buf_release(&text);
	json_decref(filled);
}

/* Prepares all defaults; the program is still ours to write. */
static void
make_defaults(struct compiler *c)
{
	for (size_t i = 0; i < c->schema->object_count; i++) {
		struct object_rules *rules = (struct object_rules *)
		    (uintptr_t)c->schema->objects[i];

		for (uint32_t k = 0; k < rules->count; k++) {
			struct property *p = (struct property *)
			    (uintptr_t)&rules->properties[k];

			if (p->default_value)
				make_default(c, rules, p);
		}
	}
}

/* What can be said only when all nodes are there. */
static int
finish(struct compiler *c, struct making *all)
{
	struct schema *s = c->schema;

	for (struct making *m = all; m; m = m->next)
		if (measure(c, &m->node, 0))
			return -1;
	for (struct making *m = all; m; m = m->next)
		if (m->node.height > s->height)
			s->height = m->node.height;
	s->slots = (void *)c->slots.data;
	s->slot_count = (uint32_t)(c->slots.len / sizeof(*s->slots));
	s->objects = (void *)c->objects.data;
	s->object_count = c->objects.len / sizeof(*s->objects);
	c->slots = c->objects = (struct buf){0};
	make_defaults(c);
	return 0;
}

/* Compiles everything that the root leads to. */
static int
compile(struct compiler *c, const json_t *text)
{
	struct place root;

	if (!json_is_object(text))
		return compile_fail(c, "", "", "a schema must be an object");
	if (places_init(c, text, &root))
		return -1;
	c->schema->root = node_at(c, &root, NULL, NULL, NULL);
	if (!c->schema->root)
		return -1;
	for (struct making *m = c->queue; m; m = m->next)
		if (make_node(c, m))
			return -1;
	return finish(c, c->queue);
}

struct schema *
schema_compile(const json_t *text, const struct schema_options *options,
    struct schema_error *e)
{
	static const struct schema_options plain;
	struct schema *s = xcalloc(1, sizeof(*s));
	struct compiler c = {.schema = s, .e = e,
	    .options = options ? options : &plain};
	int result;

	c.tail = &c.queue;
	c.nodes = dict_new();
	result = compile(&c, text);
	s->regexes = (void *)c.regexes.data;
	s->regex_count = c.regexes.len / sizeof(*s->regexes);
	if (!s->objects) {
		s->objects = (void *)c.objects.data;
		s->object_count = c.objects.len / sizeof(*s->objects);
		c.objects = (struct buf){0};
	}
	buf_release(&c.slots);
	buf_release(&c.objects);
	dict_free(&c.nodes, NULL);
	places_release(&c);
	json_decref(c.metaschema);
	if (result)
		schema_free(&s);
	return s;
}

void
schema_free(struct schema **s)
{
	struct memory *next;

	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->object_count; i++)
		for (uint32_t k = 0; k < (*s)->objects[i]->count; k++)
			json_decref((*s)->objects[i]->properties[k].
			    default_value);
	for (size_t i = 0; i < (*s)->regex_count; i++)
		regex_free(&(*s)->regexes[i]);
	for (struct memory *m = (*s)->memory; m; m = next) {
		next = m->next;
		free(m);
	}
	free((*s)->regexes);
	free((*s)->objects);
	free((*s)->slots);
	free(*s);
	*s = NULL;
}
