/*
 * Defaults filled into parsed values: for pack configuration, and by the
 * compiler to know what a default comes to when its own members have some.
 */
#include "schema/schema.h"

#include <string.h>

#include "base/js.h"
#include "schema/compile.h"

#define FILLS 1000	/* defaults inside one default: recursion ends */

struct filling {
	bool create;
	unsigned depth;
	unsigned inside;	/* made values around the place */
	unsigned fills;		/* inside the outermost of them */
};

static void fill(struct filling *f, const struct node *n, json_t *value);

/* Whether one more value may be made here. */
static bool
may_make(struct filling *f)
{
	if (!f->inside)
		f->fills = 0;
	return f->fills++ < FILLS;
}

/* Sets a member that is absent to a copy of a default, filled in turn. */
static void
insert(struct filling *f, const struct property *p, json_t *object,
    const json_t *value)
{
	json_t *copy;

	if (!may_make(f))
		return;
	copy = json_deep_copy(value);
	f->inside++;
	fill(f, p->node, copy);
	f->inside--;
	json_object_setn_new(object, p->name, p->len, copy);
}

/* Creates an object property that holds defaults. */
static void
create(struct filling *f, const struct property *p, json_t *object)
{
	json_t *made;

	if (!p->node || p->node->types != KIND_OBJECT || !may_make(f))
		return;
	made = json_object();
	f->inside++;
	fill(f, p->node, made);
	f->inside--;
	if (json_object_size(made))
		json_object_setn(object, p->name, p->len, made);
	json_decref(made);
}

static void
fill_object(struct filling *f, const struct object_rules *rules,
    json_t *object)
{
	const char *name;
	json_t *member;

	for (uint32_t i = 0; i < rules->count; i++) {
		const struct property *p = &rules->properties[i];

		member = json_object_getn(object, p->name, p->len);
		if (p->default_value && (!member ||
		    (p->null_fills && json_is_null(member))))
			insert(f, p, object, p->default_value);
		else if (member && p->node)
			fill(f, p->node, member);
		else if (!member && f->create)
			create(f, p, object);
	}
	if (!rules->pattern_count &&
	    (!rules->additional || rules->additional == &node_any))
		return;
	json_object_foreach(object, name, member) {
		const struct node *n = rules->additional;

		for (uint32_t i = 0; i < rules->count; i++)
			if (rules->properties[i].node &&
			    !strcmp(rules->properties[i].name, name))
				n = NULL;
		for (size_t i = 0; n && i < rules->pattern_count; i++)
			if (regex_matches(rules->patterns[i].regex, name,
			    strlen(name)))
				n = rules->patterns[i].node;
		if (n)
			fill(f, n, member);
	}
}

static void
fill(struct filling *f, const struct node *n, json_t *value)
{
	if (!n || f->depth == JS_DEPTH)
		return;
	f->depth++;
	if (json_is_object(value))
		fill_object(f, n->object, value);
	for (size_t i = 0; i < json_array_size(value); i++)
		fill(f, i < n->array->count ? n->array->items[i] :
		    n->array->rest, json_array_get(value, i));
	f->depth--;
}

json_t *
node_fill_json(const struct node *n, const json_t *value, bool with_objects)
{
	struct filling f = {.create = with_objects};
	json_t *copy = json_deep_copy(value);

	fill(&f, n, copy);
	return copy;
}

json_t *
schema_fill_json(const struct schema *s, const json_t *value,
    bool with_objects)
{
	return node_fill_json(s->root, value, with_objects);
}
