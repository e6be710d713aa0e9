/*
 * The walk of a value along a schema: the one definition of what the
 * keywords mean. Included once for each kind of value, by a file that first
 * defines how to look at one:
 *
 *	WALK(name)	the generated functions' names
 *	WALKER		struct of the walk; its first member is a struct walk w
 *	VALUE, ITER	a value; a place inside a container
 *	V_LOOK(x, v, it)	its kind, 0 for none; goes to its first entry
 *	V_AT_ITEM(x, v, it, i)	whether the entry is item i; sets it->value
 *	V_AT_MEMBER(x, v, it)	whether it is a member; sets name, len, value
 *	V_NEXT(x, v, it)	goes to the next entry
 *	V_TOP(x), V_RESET(x, top)	notes and restores what looks occupy
 *	V_IS_NULL(x, v), V_STRING(x, v, &len), V_NUMBER(x, v, &number)
 *	V_TRUE(x, v)
 *	V_HAS(x, v, rules, p)	whether an object has a member p of its rules
 *	V_PROPERTY(x, rules, it)	the property the entry names, or NULL
 *	V_TEXT(x, v, kind, buf)	appends sorted JSON of it; -1 if there is none
 *	V_DESCRIBE(x, n, v, kind, text)	what an error says of it
 *	V_BAD(x, n, v), V_BAD_KEY(x, v)	fails for what is no JSON
 *	V_TORN(x, v, kind)	whether it is neither array nor object, but both
 *	CHECK(x, n, v)	the walk that only checks
 *	EMIT		whether this walk writes, and then
 *	EMIT_OPEN(x, kind), EMIT_CLOSE(x, kind), EMIT_ITEM(x, i),
 *	EMIT_NAME(x, it, p, count), EMIT_SCALAR(x, v, kind),
 *	EMIT_FILL(x, p, count)
 *
 * An int result is 0, or -1 when the walk failed and w->e says why.
 */
#if !EMIT
#define EMIT_OPEN(x, kind) (void)0
#define EMIT_CLOSE(x, kind) (void)0
#define EMIT_ITEM(x, i) 0
#define EMIT_NAME(x, it, p, count) ((void)(count), 0)
#define EMIT_SCALAR(x, v, kind) 0
#define EMIT_FILL(x, p, count) (void)(count)
#endif

static int WALK(value)(WALKER *x, const struct node *n, VALUE v);
static int WALK(nested)(WALKER *x, const struct node *n, VALUE v,
    unsigned kind, ITER *it);

/* Describes v for an error and fails: it is of a kind that n forbids. */
static __attribute__((cold, noinline)) int
WALK(fail_type)(WALKER *x, const struct node *n, VALUE v, unsigned kind)
{
	char found[SCHEMA_TEXT];

	if (!kind)
		return V_BAD(x, n, v);
	if (x->w.quiet)
		return -1;
	if (V_TORN(x, v, kind))
		return V_BAD_KEY(x, v);
	V_DESCRIBE(x, n, v, kind, found);
	return walk_fail_type(&x->w, n, found);
}

#include "schema/walk_ops.h"

/*
 * Walks a value that has been looked at: what is no container right here,
 * since most values are none.
 */
static inline __attribute__((always_inline)) int
WALK(seen)(WALKER *x, const struct node *n, VALUE v, unsigned kind, ITER *it)
{
	if (kind & (KIND_ARRAY | KIND_OBJECT))
		return WALK(nested)(x, n, v, kind, it);
	if (!(kind & n->types))
		return WALK(fail_type)(x, n, v, kind);
	if (n->op_kinds & kind && WALK(ops)(x, n, v, kind))
		return -1;
	return EMIT_SCALAR(x, v, kind);
}

/* Checks that no two items of an array are equal. */
static int
WALK(unique)(WALKER *x, const struct node *n, VALUE v)
{
	struct buf texts = {0}, ends = {0};
	int top = V_TOP(x), result = 0;
	size_t i = 0;
	ITER it;

	V_LOOK(x, v, &it);
	for (; it.more && !result && V_AT_ITEM(x, v, &it, i); i++) {
		result = V_TEXT(x, it.value, 0, &texts);
		buf_put(&ends, &texts.len, sizeof(texts.len));
		V_NEXT(x, v, &it);
	}
	V_RESET(x, top);
	if (!result && !texts_unique(&texts, (const size_t *)(void *)ends.data,
	    i))
		result = walk_fail(&x->w, n, "uniqueItems",
		    "two items are equal", "each only once");
	buf_release(&texts);
	buf_release(&ends);
	return result;
}

static int
WALK(array)(WALKER *x, const struct node *n, VALUE v, ITER *it)
{
	const struct array_rules *rules = n->array;
	size_t i = 0;

	EMIT_OPEN(x, KIND_ARRAY);
	for (; it->more; i++) {
		ITER inside;
		unsigned inner;
		const struct node *child = i < rules->count ? rules->items[i] :
		    rules->rest;

		if (!V_AT_ITEM(x, v, it, i))
			return V_BAD_KEY(x, v);
		if (!child)
			return walk_fail(&x->w, n, "additionalItems",
			    "there are more items", "at most %zu",
			    rules->count);
		if (EMIT_ITEM(x, i))
			return -1;
		inner = V_LOOK(x, it->value, &inside);
		if (WALK(seen)(x, child, it->value, inner, &inside))
			return walk_under_index(&x->w, i);
		V_NEXT(x, v, it);
	}
	EMIT_CLOSE(x, KIND_ARRAY);
	x->w.steps += i + 1;
	if (i < rules->min)
		return walk_fail(&x->w, n, "minItems",
		    "there are too few items", "at least %zu", rules->min);
	if (i > rules->max)
		return walk_fail(&x->w, n, "maxItems",
		    "there are too many items", "at most %zu", rules->max);
	if (rules->unique && i > 1)
		return WALK(unique)(x, n, v);
	return 0;
}

/*
 * Checks a member against every pattern that its name matches and finds the
 * node that it is walked along: its property's (may be NULL), else a
 * pattern's, else that of additional members. NULL when one of these fails.
 */
static const struct node *
WALK(other_member)(WALKER *x, const struct node *n, ITER *it,
    const struct node *child)
{
	const struct object_rules *rules = n->object;

	for (size_t i = 0; i < rules->pattern_count; i++) {
		const struct pattern_rule *p = &rules->patterns[i];

		if (!regex_matches(p->regex, it->name, it->len))
			continue;
		if (!child) {
			child = p->node;
		} else if (CHECK(x, p->node, it->value)) {
			walk_under_name(&x->w, it->name, it->len);
			return NULL;
		}
	}
	if (child)
		return child;
	if (!rules->additional)
		walk_fail_additional(&x->w, n, it->name, it->len);
	return rules->additional;
}

/* Reports the first required property that is not there. */
static int
WALK(fail_required)(WALKER *x, const struct node *n, VALUE v)
{
	const struct property *p = n->object->properties;

	while (!p->required || V_HAS(x, v, n->object, p))
		p++;
	return walk_fail_required(&x->w, n, p->name);
}

/* Fills the defaults of absent properties in. */
static int
WALK(defaults)(WALKER *x, const struct object_rules *rules, VALUE v,
    size_t *count)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct property *p = &rules->properties[i];

		if (!p->fill || V_HAS(x, v, rules, p))
			continue;
		if (p->bad_default)
			return walk_fail_default(&x->w, p);
		EMIT_FILL(x, p, *count);
		(*count)++;
	}
	return 0;
}

static int
WALK(dependencies)(WALKER *x, const struct node *n, VALUE v)
{
	const struct object_rules *rules = n->object;

	for (size_t i = 0; i < rules->dependency_count; i++) {
		const struct dependency *d = &rules->dependencies[i];

		if (!V_HAS(x, v, rules, d->property))
			continue;
		if (d->node && CHECK(x, d->node, v))
			return -1;
		for (size_t k = 0; k < d->needs_count; k++)
			if (!V_HAS(x, v, rules, d->needs[k]))
				return walk_fail(&x->w, n, "dependencies",
				    "a property is missing",
				    "\"%s\" beside \"%s\"", d->needs[k]->name,
				    d->property->name);
	}
	return 0;
}

/* Walks one member; p is its property or NULL, count what came before. */
static inline int
WALK(member)(WALKER *x, const struct node *n, ITER *it,
    const struct property *p, size_t count)
{
	const struct node *child = p ? p->node : NULL;
	unsigned kind;
	ITER inside;

	if (!child || n->object->pattern_count) {
		child = WALK(other_member)(x, n, it, child);
		if (!child)
			return -1;
	}
	if (!EMIT && child == &node_any)
		return 0;
	kind = V_LOOK(x, it->value, &inside);
	if (kind == KIND_NULL && p) {
		if (p->null_fills) {
			EMIT_FILL(x, p, count);
			return p->bad_default ? walk_fail_default(&x->w, p) : 0;
		}
		if (p->nullable)
			child = &node_any;
	}
	if (EMIT_NAME(x, it, p, count))
		return -1;
	if (WALK(seen)(x, child, it->value, kind, &inside))
		return walk_under_name(&x->w, it->name, it->len);
	return 0;
}

static int
WALK(object)(WALKER *x, const struct node *n, VALUE v, ITER *it)
{
	const struct object_rules *rules = n->object;
	uint32_t required = 0, defaults = 0;
	size_t count = 0;

	EMIT_OPEN(x, KIND_OBJECT);
	for (; it->more; count++) {
		const struct property *p = NULL;

		if (!V_AT_MEMBER(x, v, it))
			return V_BAD_KEY(x, v);
		if (rules->count && (p = V_PROPERTY(x, rules, it))) {
			required += p->required;
			defaults += p->fill != NULL;
		}
		if (WALK(member)(x, n, it, p, count))
			return -1;
		V_NEXT(x, v, it);
	}
	if (required != rules->required)
		return WALK(fail_required)(x, n, v);
	if (count < rules->min)
		return walk_fail(&x->w, n, "minProperties",
		    "there are too few properties", "at least %zu", rules->min);
	if (count > rules->max)
		return walk_fail(&x->w, n, "maxProperties",
		    "there are too many properties", "at most %zu", rules->max);
	if (defaults != rules->defaults &&
	    WALK(defaults)(x, rules, v, &count))
		return -1;
	EMIT_CLOSE(x, KIND_OBJECT);
	x->w.steps += count + 1;
	if (rules->dependency_count)
		return WALK(dependencies)(x, n, v);
	return 0;
}

/* Walks a container that has been looked at. */
static int
WALK(nested)(WALKER *x, const struct node *n, VALUE v, unsigned kind,
    ITER *it)
{
	int result;

	if (kind == KIND_EMPTY)
		kind = n->empty_array ? KIND_ARRAY : KIND_OBJECT;
	if (!(kind & n->types))
		return WALK(fail_type)(x, n, v, kind);
	if (x->w.depth == JS_DEPTH)
		return walk_fail_plain(&x->w, n, "depth",
		    "the nesting is deeper than 128 levels, or a cycle");
	if (x->w.nest == WALK_NEST || x->w.steps > WALK_STEPS)
		return walk_fail_work(&x->w);
	x->w.nest++;
	result = n->op_kinds & kind ? WALK(ops)(x, n, v, kind) : 0;
	x->w.depth++;
	if (!result)
		result = kind == KIND_ARRAY ? WALK(array)(x, n, v, it) :
		    WALK(object)(x, n, v, it);
	x->w.depth--;
	x->w.nest--;
	return result;
}

static int
WALK(value)(WALKER *x, const struct node *n, VALUE v)
{
	unsigned kind;
	ITER it;

	if (!EMIT && n == &node_any)
		return 0;
	kind = V_LOOK(x, v, &it);
	return WALK(seen)(x, n, v, kind, &it);
}
