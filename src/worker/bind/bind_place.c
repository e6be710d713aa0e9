/*
 * The places of host.file: how far a sensor has got in its files, as handles
 * of Lua. Used by lua/sensorhost/tail.lua; place.c does the work.
 */
#include "worker/bind/bind_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "base/digest.h"
#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind_hold.h"
#include "worker/datastore.h"
#include "worker/decode.h"
#include "worker/task.h"
#include "worker/vm.h"

#define PREFIX ".tail:"

struct bound_place {
	struct owned owned;
	struct place *p;
};

/*
 * All places of the sensor, by name. They outlive their handles, because a
 * unit under way may have one as its hook.
 */
struct places {
	struct owned owned;
	struct dict *by_name;
};
static struct places *all_places; /* one process, one sensor */

static const struct bind_class place_class;

/* The place behind argument 1. */
static struct place *
self_place(lua_State *L, const char *method)
{
	return ((struct bound_place *)bind_self(L, &place_class, method))->p;
}

void
place_join(lua_State *L, struct place *p)
{
	struct err e;

	if (unit_hook(task_unit(L), place_store, p, &e) < 0)
		bind_raise(L, "tail:lines(): %s", e.text);
}

/* owned_release_fn */
static void
places_release(struct owned *o)
{
	struct places *all = (struct places *)o;
	size_t at = 0, len;
	const char *key;
	void *value;

	while (dict_next(all->by_name, &at, &key, &len, &value)) {
		place_release(value);
		free(value);
	}
	dict_free(&all->by_name, NULL);
	free(all);
	all_places = NULL;
}

/* Pushes the name under which a place is kept: a digest where it is long. */
static void
push_key_name(lua_State *L, const char *name, size_t len)
{
	struct digest_state s;
	uint8_t out[DIGEST_BYTES];
	char text[2 * DIGEST_BYTES + 1];
	int i;

	if (len <= 256 && js_utf8_valid(name, len) && !memchr(name, 0, len)) {
		lua_pushfstring(L, "%s%s", PREFIX, name);
		return;
	}
	digest_init(&s);
	digest_part(&s, name, len);
	digest_final(&s, out);
	for (i = 0; i < DIGEST_BYTES; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", out[i]);
	lua_pushfstring(L, "%s#%s", PREFIX, text);
}

/* The place of a name, made if it is new. */
static struct place *
place_get(lua_State *L, const char *call, const char *name, size_t len)
{
	struct vm *v = vm_of(L);
	struct place *p;
	const char *key, *text;
	size_t n, keylen;

	if (!all_places) {
		all_places = xcalloc(1, sizeof(*all_places));
		all_places->by_name = dict_new();
		owner_add(&v->owner, &all_places->owned, places_release);
	}
	p = dict_get(all_places->by_name, name, len);
	if (p)
		return p;
	push_key_name(L, name, len);
	text = lua_tolstring(L, -1, &n);
	key = data_key(L, call, text, n, true, &keylen);
	p = xcalloc(1, sizeof(*p));
	buf_put(&p->key, key, keylen);
	dict_set(all_places->by_name, name, len, p);
	return p;
}

/* owned_release_fn */
static void
bound_place_release(struct owned *o)
{
	struct bound_place *b = (struct bound_place *)o;

	place_freeze(b->p);
	free(b);
}

int
bind_place(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	struct place *p = place_get(L, "tail.open", name, len);
	struct bound_place *b;
	struct owned **slot;

	if (p->open)
		bind_raise(L, "tail.open: \"%s\" is open already; close it "
		    "first, or give this one another name", name);
	slot = bind_slot(L, &place_class);
	p->open = true;
	p->forgotten = false;
	b = xcalloc(1, sizeof(*b));
	b->p = p;
	owner_add(&vm_of(L)->owner, &b->owned, bound_place_release);
	bind_fill(slot, &b->owned);
	return 1;
}

int
bind_place_forget(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	struct place *p = place_get(L, "tail.forget", name, len);
	struct err e;

	if (p->open)
		bind_raise(L, "tail.forget: \"%s\" is open; close it first",
		    name);
	if (unit_delete(task_unit(L), (const char *)p->key.data, p->key.len,
	    &e) < 0)
		bind_raise(L, "tail.forget: %s", e.text);
	p->forgotten = true;
	return 0;
}

/* place:load() → {files={mark, ...}} | nil */
static int
place_load(lua_State *L)
{
	struct place *p = self_place(L, "load");
	struct buf *json = bind_buf(L);
	struct data_item item;
	struct err e;
	size_t offset;
	int n;

	if (!data_get(L, "tail.open", (const char *)p->key.data, p->key.len,
	    false, &item))
		return 0;
	*json = item.value;
	n = decode_value(L, (const char *)json->data, json->len, NULL,
	    &offset, &e);
	buf_release(json);
	return n == 0 ? 1 : 0;
}

/* place:hold(notes, reader, ...) */
static int
place_hold(lua_State *L)
{
	struct place *p = self_place(L, "hold");
	int i, n = lua_gettop(L) - 2;
	size_t len;
	const char *notes = luaL_checklstring(L, 2, &len);

	must((unsigned)n <= PLACE_READERS);
	p->notes.len = 0;
	buf_put(&p->notes, notes, len);
	p->n = 0;
	for (i = 0; i < n; i++) {
		struct bound_reader *b;

		lua_pushvalue(L, i + 3);
		lua_replace(L, 1);
		b = (struct bound_reader *)bind_self(L,
		    &bound_reader_class, "hold");
		b->place = p;
		p->readers[p->n++] = &b->r;
	}
	return 0;
}

/* place:done() */
static int
place_line_done(lua_State *L)
{
	struct place *p = self_place(L, "done");

	if (place_done(p))
		place_join(L, p);
	return 0;
}

/* place:keep() */
static int
place_keep(lua_State *L)
{
	place_join(L, self_place(L, "keep"));
	return 0;
}

/* Whether the place is to be stored when this unit ends. */
static bool
is_joined(const struct unit *u, const struct place *p)
{
	unsigned i;

	for (i = 0; i < u->nhooks; i++)
		if (u->hooks[i].fn == place_store && u->hooks[i].arg == p)
			return true;
	return false;
}

/*
 * place:close(). What this unit would store at its end it stores now, so that
 * who opens the place again in the same unit finds it.
 */
static int
place_close(lua_State *L)
{
	struct owned *o = bind_self_or_closed(L, &place_class, "close");
	struct place *p = o ? ((struct bound_place *)o)->p : NULL;
	struct unit *u = vm_of(L)->task ? task_unit(L) : NULL;

	if (!o)
		return 0;
	if (u && is_joined(u, p)) {
		place_store(u, p);
		unit_unhook(u, p);
	}
	owned_close(o);
	return 0;
}

static const luaL_Reg place_methods[] = {
	{ "load", place_load },
	{ "hold", place_hold },
	{ "done", place_line_done },
	{ "keep", place_keep },
	{ "close", place_close },
	{ NULL, NULL },
};
static const struct bind_class place_class = { "place", place_methods };
