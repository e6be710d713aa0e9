/*
 * Which trigger a sensor means: by ref, by a table, of its own or of another
 * pack. Called by dispatch. It must cost one raw table access when the
 * sensor dispatches its own triggers by ref.
 */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "worker/bind/bind.h"
#include "worker/facts.h"
#include "worker/facts_private.h"
#include "worker/link.h"

/* The trigger of the ref at idx if it is known, else NULL. */
static const struct trigger *
known(lua_State *L, int idx)
{
	const struct trigger *t;

	vm_kept(L, &facts_key_refs);
	lua_pushvalue(L, idx);
	lua_rawget(L, -2);
	t = lua_touserdata(L, -1);
	lua_pop(L, 2);
	return t;
}

/* Appends "a.b (sensors/x.yaml:9), a.c (...)". */
static void
list_declared(const struct facts *f, struct buf *out)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < f->ntypes && n < 10; i++) {
		if (f->types[i]->foreign)
			continue;
		buf_printf(out, "%s%s%s%s%s", n++ ? ", " : "",
		    f->types[i]->ref, *f->types[i]->place ? " (" : "",
		    f->types[i]->place, *f->types[i]->place ? ")" : "");
	}
	if (n == 0)
		buf_puts(out, "no trigger types");
}

/* The declared type that was probably meant, or NULL. */
static const char *
nearest_type(const struct facts *f, const char *ref)
{
	const char *names[64];
	size_t n = 0;

	for (; n < 64 && n < f->ntypes; n++)
		names[n] = f->types[n]->ref;
	return nearest(ref, names, n);
}

/* Raises that there is no such trigger. */
static _Noreturn void
unknown(lua_State *L, const char *call, const char *ref)
{
	struct facts *f = vm_of(L)->facts;
	const char *near = nearest_type(f, ref);
	struct buf *out = &vm_of(L)->scratch;
	size_t i;

	out->len = 0;
	list_declared(f, out);
	for (i = 0; i < f->ntypes; i++)
		if (strcmp(f->types[i]->ref, ref) == 0)
			bind_raise(L, "%s: \"%s\" is a trigger type with "
			    "parameters: dispatch the ref given to "
			    "add_trigger, not the type; this sensor declares "
			    "%s", call, ref, buf_cstr(out));
	bind_raise(L, "%s: no trigger type \"%s\"%s%s%s; this sensor declares "
	    "%s", call, ref, near ? ": did you mean \"" : "",
	    near ? near : "", near ? "\"?" : "", buf_cstr(out));
}

/* Puts what LOOKUP answered among the known triggers; NULL if it is bad. */
static const struct trigger *
take_foreign(struct vm *v, const char *text, struct err *e)
{
	struct facts *f = v->facts;
	json_t *about = json_loads(text, 0, NULL);
	const char *type = json_string_value(json_object_get(about, "type"));
	const struct trigger *t = NULL;

	if (!type)
		err_set(e, "core's answer is no trigger");
	else if (facts_add_type(f, v, about, type, true, e) == 0 &&
	    facts_add(f, v, about, e) == 0)
		t = f->triggers[f->ntriggers - 1];
	json_decref(about);
	return t;
}

/* Asks core about a trigger of another pack. */
static const struct trigger *
look_up(lua_State *L, const char *call, const char *ref)
{
	struct vm *v = vm_of(L);
	struct buf body = {0};
	struct msg_cursor c;
	struct link_error why;
	const struct trigger *t;
	struct err e;
	char *text;
	int r;

	msg_put_str(&body, ref);
	v->scratch.len = 0;
	r = link_call(v->link, MSG_LOOKUP, &body, &v->scratch, &c, &why);
	buf_release(&body);
	if (r != 0)
		unknown(L, call, ref);
	text = msg_get_text(&c);
	t = take_foreign(v, text, &e);
	free(text);
	if (!t)
		bind_raise(L, "%s: %s", call, e.text);
	return t;
}

/* Raises that a ref has a pack in front, with the one that was meant. */
static _Noreturn void
without_pack(lua_State *L, const char *call, const struct facts *f,
    const char *name)
{
	const char *names[64], *near;
	size_t n = 0, i, pack = strlen(f->pack);

	for (i = 0; i < f->ntypes && n < 64; i++)
		if (strncmp(f->types[i]->ref, f->pack, pack) == 0 &&
		    f->types[i]->ref[pack] == '.')
			names[n++] = f->types[i]->ref + pack + 1;
	near = nearest(name, names, n);
	bind_raise(L, "%s: \"%s\" is no trigger: a ref is "
	    "\"pack.name\"%s%s.%s%s", call, name,
	    near ? "; did you mean \"" : ", such as \"", f->pack,
	    near ? near : "name", near ? "\"?" : "\"");
}

/* The trigger of the ref at idx; raises if there is none. */
static const struct trigger *
by_ref(lua_State *L, const char *call, int idx)
{
	struct facts *f = vm_of(L)->facts;
	const struct trigger *t = known(L, idx);
	const char *ref = lua_tostring(L, idx), *dot;
	size_t pack = strlen(f->pack);

	if (t)
		return t;
	dot = strchr(ref, '.');
	if (!dot)
		without_pack(L, call, f, ref);
	if (dot == ref || !dot[1])
		bind_raise(L, "%s: \"%s\" is no trigger: a ref is "
		    "\"pack.name\"", call, ref);
	if ((size_t)(dot - ref) == pack && memcmp(ref, f->pack, pack) == 0)
		unknown(L, call, ref);
	return look_up(L, call, ref);
}

/* The JSON of the parameters at idx; nil is {}. A new reference. */
static json_t *
parameters_at(lua_State *L, const char *call, int idx)
{
	struct buf *text = &vm_of(L)->scratch;
	struct schema_error why;

	if (lua_isnil(L, idx))
		return json_object();
	text->len = 0;
	if (encode_value(L, idx, NULL, NULL, text, &why) != 0)
		bind_raise(L, "%s: parameters%s: %s", call, why.path,
		    why.message);
	return json_loadb((char *)text->data, text->len, 0, NULL);
}

/* The trigger of {type=, parameters=}, at -2 and -1 of the stack. */
static const struct trigger *
by_parameters(lua_State *L, const char *call)
{
	struct facts *f = vm_of(L)->facts;
	const char *type = lua_tostring(L, -2);
	json_t *want, *have;
	bool same;
	size_t i;

	want = parameters_at(L, call, lua_gettop(L));
	for (i = 0; i < f->ntriggers; i++) {
		if (strcmp(f->triggers[i]->type->ref, type) != 0)
			continue;
		have = json_object_get(f->triggers[i]->about, "parameters");
		same = have ? json_equal(want, have)
		    : json_object_size(want) == 0;
		if (!same)
			continue;
		json_decref(want);
		return f->triggers[i];
	}
	i = json_object_size(want);
	json_decref(want);
	if (i > 0)
		bind_raise(L, "%s: there is no trigger of type \"%s\" with "
		    "these parameters", call, type);
	lua_pushvalue(L, -2);
	return by_ref(L, call, lua_gettop(L));
}

/* The trigger of a table: {ref=}, {name=, pack=} or {type=, parameters=}. */
static const struct trigger *
by_table(lua_State *L, const char *call, int idx)
{
	lua_getfield(L, idx, "ref");
	if (lua_type(L, -1) == LUA_TSTRING)
		return by_ref(L, call, lua_gettop(L));
	lua_getfield(L, idx, "name");
	lua_getfield(L, idx, "pack");
	if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING) {
		lua_pushfstring(L, "%s.%s", lua_tostring(L, -1),
		    lua_tostring(L, -2));
		return by_ref(L, call, lua_gettop(L));
	}
	lua_getfield(L, idx, "type");
	lua_getfield(L, idx, "parameters");
	if (lua_type(L, -2) == LUA_TSTRING)
		return by_parameters(L, call);
	bind_raise(L, "%s: a trigger is a ref, or a table {name=, pack=} or "
	    "{type=, parameters=}", call);
}

const struct trigger *
facts_trigger(lua_State *L, const char *call, int idx)
{
	struct buf *declared = &vm_of(L)->scratch;
	const struct trigger *t;
	char shown[BIND_SHOWN];
	int top = lua_gettop(L);

	if (lua_type(L, idx) == LUA_TSTRING)
		return by_ref(L, call, idx);
	if (lua_type(L, idx) != LUA_TTABLE) {
		declared->len = 0;
		list_declared(vm_of(L)->facts, declared);
		bind_raise(L, "%s: the trigger must be a ref such as "
		    "\"%s.name\", not %s; this sensor declares %s", call,
		    vm_of(L)->facts->pack,
		    bind_describe(L, idx, shown), buf_cstr(declared));
	}
	t = by_table(L, call, idx);
	lua_settop(L, top);
	return t;
}
