/*
 * sensor_service:list_values: what core has under a prefix, with what the
 * running task has written laid over it. Core answers in pages. It must not
 * show the host's own keys to a sensor that lists its names.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "worker/bind/bind.h"
#include "worker/datastore_private.h"
#include "worker/facts.h"
#include "worker/link.h"
#include "worker/service.h"
#include "worker/task.h"

#define PAGE 500u
#define LIMIT_MAX 1000000.0

/* Kept in the registry: table.sort. */
static const char key_sort;

/* What a listing is about; the table of items is at `items`. */
struct listing {
	lua_State *L;
	int items;       /* key -> item */
	const char *prefix;
	size_t len;
	size_t skip;     /* bytes of a key before its name */
	bool hide;       /* names that begin with a dot */
};

/* Puts one item into the table by its key. */
static void
add_item(struct listing *l, const char *key, size_t keylen,
    const struct data_view *d)
{
	if (l->hide && keylen > l->skip && key[l->skip] == '.')
		return;
	lua_pushlstring(l->L, key, keylen);
	data_push_item(l->L, "list_values", key, keylen, l->skip, d);
	lua_rawset(l->L, l->items);
}

/* Fetches one page; returns how many items it had. */
static uint32_t
fetch_page(struct listing *l, uint32_t offset)
{
	struct vm *v = vm_of(l->L);
	struct buf body = {0};
	struct link_error why;
	struct msg_cursor c;
	uint32_t n, i;
	int r;

	msg_put_bytes(&body, l->prefix, l->len);
	msg_put_u32(&body, PAGE);
	msg_put_u32(&body, offset);
	v->scratch.len = 0;
	r = link_call(v->link, MSG_KV_LIST, &body, &v->scratch, &c, &why);
	buf_release(&body);
	if (r != 0)
		bind_raise(l->L, "list_values: %s", why.text);
	n = msg_get_u32(&c);
	for (i = 0; i < n; i++) {
		struct data_view d;
		size_t keylen;
		const char *key = (const char *)msg_get_bytes(&c, &keylen);

		d.sealed = msg_get_u8(&c);
		d.expires = msg_get_i64(&c);
		d.value = msg_get_bytes(&c, &d.len);
		add_item(l, key, keylen, &d);
	}
	return n;
}

/* unit_each_fn: the task's own write hides what core has. */
static void
lay_over(void *arg, const char *key, size_t keylen,
    const struct unit_write *w)
{
	struct listing *l = arg;
	struct data_view d;

	if (!w) {
		lua_pushlstring(l->L, key, keylen);
		lua_pushnil(l->L);
		lua_rawset(l->L, l->items);
		return;
	}
	d = (struct data_view){w->sealed,
	    w->ttl ? clock_unix_us() + w->ttl : 0, w->value, w->len};
	add_item(l, key, keylen, &d);
}

/* Pushes the keys of the table, sorted, as an array; returns their number. */
static int
sort_keys(lua_State *L, int items)
{
	int n = 0, keys;

	lua_newtable(L);
	keys = lua_gettop(L);
	for (lua_pushnil(L); lua_next(L, items); lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		lua_rawseti(L, keys, ++n);
	}
	vm_kept(L, &key_sort);
	lua_pushvalue(L, keys);
	lua_call(L, 1, 0);
	return n;
}

/* Pushes the answer: items offset+1 to offset+limit by key. */
static void
push_slice(lua_State *L, int items, double limit, double offset)
{
	int n = sort_keys(L, items), keys = lua_gettop(L), i, out = 0;

	lua_newtable(L);
	for (i = (int)offset + 1; i <= n && out < limit; i++) {
		lua_rawgeti(L, keys, i);
		lua_rawget(L, items);
		lua_rawseti(L, -2, ++out);
	}
}

static const struct bind_option options[] = {
	{"global", LUA_TBOOLEAN, "true or false"},
	{"prefix", LUA_TSTRING, "a string"},
	{"limit", LUA_TNUMBER, "a number"},
	{"offset", LUA_TNUMBER, "a number"},
	{NULL, 0, NULL},
};

/* {global=, prefix=, limit=, offset=} become positional arguments. */
static void
take_named(lua_State *L)
{
	int first = bind_options(L, 2, "list_values", options), i;

	lua_pushboolean(L, !lua_toboolean(L, first));
	lua_replace(L, 2);
	for (i = 1; i < 4; i++) {
		lua_pushvalue(L, first + i);
		lua_replace(L, 2 + i);
	}
	lua_settop(L, 5);
}

/* An optional count at idx. */
static double
count_at(lua_State *L, int idx, const char *what, double otherwise)
{
	if (lua_isnil(L, idx))
		return otherwise;
	return (double)bind_integer(L, idx, "list_values", what, 0,
	    (int64_t)LIMIT_MAX);
}

/* Pushes the prefix of keys that is asked for. */
static void
push_prefix(lua_State *L, struct listing *l, bool local)
{
	const char *ref = vm_of(L)->facts->ref;
	const char *prefix = "";
	size_t len = 0;

	if (!lua_isnil(L, 3))
		prefix = bind_text(L, 3, "list_values", "prefix", &len);
	l->hide = local && *prefix != '.';
	if (local)
		lua_pushfstring(L, "%s:%s", ref, prefix);
	else
		lua_pushlstring(L, prefix, len);
	l->skip = local ? strlen(ref) + 1 : 0;
	l->prefix = lua_tolstring(L, -1, &l->len);
	if (l->len > MSG_KEY_MAX)
		bind_raise(L, "list_values: the prefix has %zu bytes, at most "
		    "%u", l->len, MSG_KEY_MAX);
}

void
data_list_open(lua_State *L)
{
	lua_getglobal(L, "table");
	lua_getfield(L, -1, "sort");
	vm_keep(L, &key_sort);
	lua_pop(L, 1);
}

int
data_list(lua_State *L)
{
	struct listing l = {.L = L};
	double limit, offset;
	uint32_t at = 0, n;
	bool local;

	service_self(L, "list_values");
	lua_settop(L, 5);
	if (lua_istable(L, 2))
		take_named(L);
	local = bind_boolean(L, 2, "list_values", "is_local", true);
	limit = count_at(L, 4, "limit", LIMIT_MAX);
	offset = count_at(L, 5, "offset", 0);
	push_prefix(L, &l, local);
	lua_newtable(L);
	l.items = lua_gettop(L);
	do {
		n = fetch_page(&l, at);
		at += n;
	} while (n == PAGE);
	if (vm_of(L)->task)
		unit_each(task_unit(L), l.prefix, l.len, lay_over, &l);
	push_slice(L, l.items, limit, offset);
	return 1;
}
