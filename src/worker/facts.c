/*
 * Reads what core says of the sensor and keeps the triggers it may dispatch.
 * Owns the compiled schemas. Called at LOAD, at TRIGGER, and by dispatch for
 * the look-up, which is one raw table access for the usual case.
 */
#include "worker/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/facts_private.h"

#define LONG_TRANSACTION 60.0 /* seconds, where core has not said */
#define REMINDER 60.0         /* likewise */

const char facts_key_refs;

/* A text of an object, "" if it is not there. */
static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* Compiles the payload schema of a type; -1 with *e. */
static int
compile(struct facts *f, struct vm *v, struct trigger_type *t,
    const json_t *schema, struct err *e)
{
	const struct schema_options options = {
	    .dialect = SCHEMA_STACKSTORM,
	    .validate_formats = f->validate_formats};
	struct schema_error why;

	if (!json_is_object(schema) || json_object_size(schema) == 0)
		return 0;
	t->schema = schema_compile(schema, &options, &why);
	if (!t->schema)
		return err_set(e, "%s: payload_schema of \"%s\" at %s: %s",
		    t->place, t->ref, why.schema_path, why.message);
	t->encode = encode_schema_new(v->L, t->schema);
	return 0;
}

int
facts_add_type(struct facts *f, struct vm *v, const json_t *about,
    const char *ref, bool foreign, struct err *e)
{
	struct trigger_type *t = xcalloc(1, sizeof(*t));

	t->ref = xstrdup(ref);
	t->place = xstrdup(text_of(about, "place"));
	t->parameterised = !foreign &&
	    json_object_size(json_object_get(about, "parameters_schema")) > 0;
	t->foreign = foreign;
	f->types = xreallocarray(f->types, f->ntypes + 1, sizeof(t));
	f->types[f->ntypes++] = t;
	return compile(f, v, t, json_object_get(about, "payload_schema"), e);
}

/* The type of that ref, or NULL. */
static struct trigger_type *
find_type(const struct facts *f, const char *ref)
{
	size_t i;

	for (i = 0; i < f->ntypes; i++)
		if (strcmp(f->types[i]->ref, ref) == 0)
			return f->types[i];
	return NULL;
}

/* Puts a trigger into the table from refs to triggers, or takes it out. */
static void
set_ref(struct vm *v, const char *ref, struct trigger *t)
{
	vm_kept(v->L, &facts_key_refs);
	lua_pushstring(v->L, ref);
	if (t)
		lua_pushlightuserdata(v->L, t);
	else
		lua_pushnil(v->L);
	lua_rawset(v->L, -3);
	lua_pop(v->L, 1);
}

/* The index of the trigger with the id (or ref) of `about`, or ntriggers. */
static size_t
find_same(const struct facts *f, const json_t *about)
{
	const char *id = text_of(about, "id"), *ref = text_of(about, "ref");
	size_t i;

	for (i = 0; i < f->ntriggers; i++)
		if (*id ? strcmp(text_of(f->triggers[i]->about, "id"), id) == 0
		    : strcmp(f->triggers[i]->ref, ref) == 0)
			return i;
	return f->ntriggers;
}

bool
facts_has(const struct facts *f, const json_t *about)
{
	return find_same(f, about) < f->ntriggers;
}

int
facts_add(struct facts *f, struct vm *v, json_t *about, struct err *e)
{
	const char *ref = text_of(about, "ref");
	struct trigger_type *type = find_type(f, text_of(about, "type"));
	struct trigger *t;

	if (!*ref || !type)
		return err_set(e, "trigger \"%s\" is of no known type", ref);
	facts_remove(f, v, about);
	t = xcalloc(1, sizeof(*t));
	t->number = (uint32_t)json_integer_value(
	    json_object_get(about, "number"));
	t->ref = xstrdup(ref);
	t->type = type;
	t->about = json_incref(about);
	f->triggers = xreallocarray(f->triggers, f->ntriggers + 1, sizeof(t));
	f->triggers[f->ntriggers++] = t;
	set_ref(v, ref, t);
	return 0;
}

/* Frees a trigger. */
static void
trigger_free(struct trigger *t)
{
	json_decref(t->about);
	free(t->ref);
	free(t);
}

void
facts_remove(struct facts *f, struct vm *v, const json_t *about)
{
	size_t i = find_same(f, about);

	if (i == f->ntriggers)
		return;
	set_ref(v, f->triggers[i]->ref, NULL);
	trigger_free(f->triggers[i]);
	memmove(f->triggers + i, f->triggers + i + 1,
	    (f->ntriggers - i - 1) * sizeof(*f->triggers));
	f->ntriggers--;
}

/* Reads types and triggers. */
static int
read_triggers(struct facts *f, struct vm *v, struct err *e)
{
	size_t i;
	json_t *o;

	json_array_foreach(json_object_get(f->spec, "types"), i, o)
		if (facts_add_type(f, v, o, text_of(o, "ref"), false, e) != 0)
			return -1;
	json_array_foreach(json_object_get(f->spec, "triggers"), i, o)
		if (facts_add(f, v, o, e) != 0)
			return -1;
	return 0;
}

int
facts_read(struct facts *f, struct vm *v, const char *text, struct err *e)
{
	json_t *limits;
	json_error_t why;

	*f = (struct facts){.spec = json_loads(text, 0, &why)};
	if (!json_is_object(f->spec))
		return err_set(e, "LOAD: %s", why.text);
	f->ref = text_of(f->spec, "ref");
	f->pack = text_of(f->spec, "pack");
	f->class_name = text_of(f->spec, "class_name");
	f->entry = text_of(f->spec, "entry");
	f->once = json_is_true(json_object_get(f->spec, "once"));
	f->scheduled = strcmp(text_of(f->spec, "first_poll"),
	    "scheduled") == 0;
	f->raise_invalid = strcmp(text_of(f->spec, "on_invalid"), "raise") == 0;
	f->validate_formats = json_is_true(
	    json_object_get(f->spec, "validate_formats"));
	limits = json_object_get(f->spec, "limits");
	f->unit_limit = (size_t)json_number_value(
	    json_object_get(limits, "unit"));
	f->long_transaction = json_number_value(
	    json_object_get(limits, "transaction"));
	if (f->long_transaction <= 0)
		f->long_transaction = LONG_TRANSACTION;
	f->reminder = json_number_value(json_object_get(limits, "reminder"));
	if (f->reminder <= 0)
		f->reminder = REMINDER;
	f->setup_timeout = json_number_value(
	    json_object_get(f->spec, "setup_timeout"));
	lua_newtable(v->L);
	vm_keep(v->L, &facts_key_refs);
	return read_triggers(f, v, e);
}
