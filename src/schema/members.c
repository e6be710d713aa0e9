/*
 * The keywords that name members of an object: properties, required (the
 * list of draft 4 and StackStorm's flag inside a property), dependencies.
 * Called by keywords.c; makes the table by which a walk finds a member's
 * property.
 */
#include <string.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "schema/compile.h"

#define MOST 65000	/* properties of one object */

/* The properties while they are gathered. */
struct gathering {
	struct buf list;	/* of struct property */
	struct dict *index;	/* name → place in list, plus 1 */
};

/* The property of the name, made if it is not there yet. */
static struct property *
property_of(struct compiler *c, struct gathering *g, const char *name,
    size_t len)
{
	uintptr_t at = (uintptr_t)dict_get(g->index, name, len);
	struct property *p;
	struct buf quoted = {0};

	if (at)
		return (struct property *)(void *)g->list.data + at - 1;
	p = (void *)buf_extend(&g->list, sizeof(*p));
	memset(p, 0, sizeof(*p));
	p->name = program_text(c->schema, name, len);
	p->len = len;
	p->key = name_key(name, len);
	buf_putc(&quoted, ',');
	must(!js_put_string(&quoted, name, len));
	buf_putc(&quoted, ':');
	p->quoted_len = quoted.len;
	memset(buf_extend(&quoted, PROPERTY_PAD + 1), 0, PROPERTY_PAD + 1);
	p->quoted = program_text(c->schema, (char *)quoted.data, quoted.len);
	buf_release(&quoted);
	dict_set(g->index, name, len,
	    (void *)(uintptr_t)(g->list.len / sizeof(*p)));
	return p;
}

/* StackStorm's rules about null and absence, and the default. */
static int
read_property(struct compiler *c, struct property *p,
    const struct place *written, const struct place *resolved)
{
	bool stackstorm = c->options->dialect == SCHEMA_STACKSTORM;
	json_t *flag = json_object_get(written->json, "required");
	json_t *value = json_object_get(written->json, "default");

	if (!value)
		value = json_object_get(resolved->json, "default");
	p->default_value = value;
	if (!stackstorm) {
		if (json_is_boolean(flag))
			return compile_fail(c, written->path, "required",
			    "\"required\" must be a list of names (true and "
			    "false in a property are StackStorm's dialect)");
		return 0;
	}
	p->required = json_is_true(flag) && !value;
	p->null_fills = value && !json_is_null(value);
	p->nullable = !p->null_fills && (value || !json_is_true(flag)) &&
	    !json_object_get(resolved->json, "enum");
	return 0;
}

/* Gathers `properties`. */
static int
read_properties(struct compiler *c, struct making *m, struct gathering *g)
{
	const json_t *all = json_object_get(m->place.json, "properties");
	const char *name;
	size_t len;
	json_t *json;

	if (all && !json_is_object(all))
		return compile_fail(c, m->place.path, "properties",
		    "\"properties\" must be an object");
	json_object_keylen_foreach((json_t *)(uintptr_t)all, name, len, json) {
		struct place written = place_at(c, &m->place, "properties",
		    name, json), resolved = written;
		struct property *p = property_of(c, g, name, len);

		if (place_resolve(c, &resolved))
			return -1;
		p->node = node_at(c, &written, NULL, NULL, NULL);
		if (!p->node || read_property(c, p, &written, &resolved))
			return -1;
	}
	return 0;
}

/* Gathers the list of `required`. */
static int
read_required(struct compiler *c, struct making *m, struct gathering *g)
{
	const json_t *list = json_object_get(m->place.json, "required");
	bool stackstorm = c->options->dialect == SCHEMA_STACKSTORM;

	if (!list || json_is_boolean(list))	/* a flag: see read_property */
		return 0;
	if (!json_is_array(list))
		return compile_fail(c, m->place.path, "required",
		    "\"required\" must be a list of names%s",
		    stackstorm ? ", or true or false" : "");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *name = json_array_get(list, i);
		struct property *p;

		if (!json_is_string(name))
			return compile_fail(c, m->place.path, "required",
			    "\"required\" must be a list of names");
		p = property_of(c, g, json_string_value(name),
		    json_string_length(name));
		p->required = !stackstorm || !p->default_value;
		p->nullable &= p->default_value != NULL;
	}
	return 0;
}

/* Makes the properties that `dependencies` names known. */
static int
read_dependencies(struct compiler *c, struct making *m, struct gathering *g)
{
	const json_t *all = json_object_get(m->place.json, "dependencies");
	const char *name;
	json_t *json, *need;
	size_t i, len;

	if (all && !json_is_object(all))
		return compile_fail(c, m->place.path, "dependencies",
		    "\"dependencies\" must be an object");
	json_object_keylen_foreach((json_t *)(uintptr_t)all, name, len, json) {
		property_of(c, g, name, len);
		if (!json_is_array(json) && !json_is_object(json))
			return compile_fail(c, m->place.path, "dependencies",
			    "the dependency of \"%.60s\" must be a schema or a "
			    "list of names", name);
		json_array_foreach(json, i, need) {
			if (!json_is_string(need))
				return compile_fail(c, m->place.path,
				    "dependencies", "the dependency of "
				    "\"%.60s\" must list names", name);
			property_of(c, g, json_string_value(need),
			    json_string_length(need));
		}
	}
	return 0;
}

/* Compiles `dependencies`, now that the properties stand where they stay. */
static int
make_dependencies(struct compiler *c, struct making *m, struct gathering *g,
    const struct property *properties)
{
	const json_t *all = json_object_get(m->place.json, "dependencies");
	struct dependency *list = program_alloc(c->schema,
	    json_object_size(all), sizeof(*list));
	size_t count = 0, i, len;
	const char *name;
	json_t *json, *need;

	json_object_keylen_foreach((json_t *)(uintptr_t)all, name, len, json) {
		struct dependency *d = &list[count++];

		d->property = properties +
		    (uintptr_t)dict_get(g->index, name, len) - 1;
		if (json_is_object(json)) {
			d->node = node_at(c, &m->place, "dependencies", name,
			    json);
			if (!d->node)
				return -1;
			continue;
		}
		d->needs = program_alloc(c->schema, json_array_size(json),
		    sizeof(*d->needs));
		json_array_foreach(json, i, need)
			d->needs[d->needs_count++] = properties +
			    (uintptr_t)dict_get(g->index,
			    json_string_value(need),
			    json_string_length(need)) - 1;
	}
	m->object.dependencies = list;
	m->object.dependency_count = count;
	return 0;
}

/* Makes the table by which a name finds its property. */
static void
make_slots(struct compiler *c, struct making *m)
{
	struct object_rules *rules = &m->object;
	uint32_t size = 4;
	uint16_t *slots;

	while (size < rules->count * 2)
		size *= 2;
	rules->mask = size - 1;
	rules->slots = (uint32_t)(c->slots.len / sizeof(*slots));
	slots = (void *)buf_extend(&c->slots, size * sizeof(*slots));
	memset(slots, 0, size * sizeof(*slots));
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct property *p = &rules->properties[i];
		uint32_t at = name_hash(p->key, p->name, p->len) & rules->mask;

		while (slots[at])
			at = (at + 1) & rules->mask;
		slots[at] = (uint16_t)(i + 1);
	}
}

/* Moves what was gathered into the node's rules. */
static int
make_members(struct compiler *c, struct making *m, struct gathering *g)
{
	struct object_rules *rules = &m->object;
	size_t count = g->list.len / sizeof(struct property);
	struct property *properties;
	const struct object_rules *kept = rules;

	if (!count)
		return 0;
	if (count > MOST)
		return compile_fail(c, m->place.path, "properties",
		    "an object with more than %d properties", MOST);
	properties = program_alloc(c->schema, count, sizeof(*properties));
	memcpy(properties, g->list.data, g->list.len);
	rules->properties = properties;
	rules->count = (uint32_t)count;
	rules->first = c->schema->property_count;
	c->schema->property_count += (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		rules->required += properties[i].required;
		rules->defaults += properties[i].default_value != NULL;
		json_incref(properties[i].default_value);
	}
	buf_put(&c->objects, &kept, sizeof(kept));
	make_slots(c, m);
	return make_dependencies(c, m, g, properties);
}

int
members_compile(struct compiler *c, struct making *m)
{
	const json_t *json = m->place.json;
	struct gathering g = {0};
	int result = -1;

	if (!json_object_get(json, "properties") &&
	    !json_object_get(json, "required") &&
	    !json_object_get(json, "dependencies"))
		return 0;
	g.index = dict_new();
	if (!read_properties(c, m, &g) && !read_required(c, m, &g) &&
	    !read_dependencies(c, m, &g))
		result = make_members(c, m, &g);
	dict_free(&g.index, NULL);
	buf_release(&g.list);
	return result;
}
