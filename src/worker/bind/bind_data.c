/*
 * sensor_service: the datastore. Reads hold the worker for a round trip to
 * core, writes go into the running task's unit. Every argument is checked at
 * the call, so that core never has a reason to refuse a unit.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/bind/bind.h"
#include "worker/bind/bind_open.h"
#include "worker/datastore_private.h"
#include "worker/encode.h"
#include "worker/link.h"
#include "worker/sensor.h"
#include "worker/service.h"
#include "worker/task.h"

#define VALUE_MAX (8u * 1024u * 1024u)
#define TTL_MAX 9e9 /* seconds: 285 years */
#define LUA_TCDATA 10

static const struct bind_option get_options[] = {
	{"name", LUA_TSTRING, "a string"},
	{"global", LUA_TBOOLEAN, "true or false"},
	{"decrypt", LUA_TBOOLEAN, "true or false"},
	{"default", -1, NULL},
	{NULL, 0, NULL},
};

static const struct bind_option set_options[] = {
	{"name", LUA_TSTRING, "a string"},
	{"value", -1, NULL},
	{"ttl", LUA_TNUMBER, "a number of seconds"},
	{"global", LUA_TBOOLEAN, "true or false"},
	{"encrypt", LUA_TBOOLEAN, "true or false"},
	{NULL, 0, NULL},
};

/* Named arguments become positional ones; `global` becomes its opposite. */
static void
take_named(lua_State *L, const char *call, const struct bind_option *options,
    int nargs, int local)
{
	int first, i;

	lua_settop(L, nargs + 1);
	if (lua_type(L, 2) != LUA_TTABLE)
		return;
	first = bind_options(L, 2, call, options);
	for (i = 0; i < nargs; i++) {
		lua_pushvalue(L, first + i);
		lua_replace(L, 2 + i);
	}
	lua_settop(L, nargs + 1);
	if (lua_type(L, local) == LUA_TBOOLEAN) {
		lua_pushboolean(L, !lua_toboolean(L, local));
		lua_replace(L, local);
	}
}

/* Pushes the key of the name at 2; raises for one that is the host's. */
static const char *
key_at(lua_State *L, const char *call, int local, bool write, size_t *len)
{
	size_t namelen;
	const char *name = bind_text(L, 2, call, "name", &namelen);
	bool is_local = bind_boolean(L, local, call, "is_local", true);

	if (write && is_local && *name == '.')
		bind_raise(L, "%s \"%s\": names that begin with a dot are the "
		    "host's", call, name);
	return data_key(L, call, name, namelen, is_local, len);
}

/* Remembers a number that is stored as text: `<` will not know what it is. */
static void
note_text(struct sensor *s, const char *name, const char *text)
{
	if (*text == '\0' || strlen(text) >= sizeof(s->text_value) ||
	    text[strspn(text, "0123456789.-")] != '\0')
		return;
	snprintf(s->text_key, sizeof(s->text_key), "%s", name);
	snprintf(s->text_value, sizeof(s->text_value), "%s", text);
}

/* service:get_value(name [, is_local=true [, decrypt]]) -> value | nil */
static int
service_get_value(lua_State *L)
{
	struct data_view d;
	const char *key;
	size_t len;

	service_self(L, "get_value");
	take_named(L, "get_value", get_options, 3, 3);
	key = key_at(L, "get_value", 3, false, &len);
	if (!data_fetch(L, "get_value", key, len, bind_boolean(L, 4,
	    "get_value", "decrypt", false), &d)) {
		lua_pushnil(L);
		return 1;
	}
	data_push(L, "get_value", d.value, d.len);
	if (lua_type(L, -1) == LUA_TSTRING)
		note_text(vm_of(L)->sensor, lua_tostring(L, 2),
		    lua_tostring(L, -1));
	return 1;
}

void
data_push_item(lua_State *L, const char *call, const char *key,
    size_t keylen, size_t skip, const struct data_view *d)
{
	lua_createtable(L, 0, 5);
	lua_pushlstring(L, key, keylen);
	lua_setfield(L, -2, "key");
	lua_pushlstring(L, key + skip, keylen - skip);
	lua_setfield(L, -2, "name");
	data_push(L, call, d->value, d->len);
	lua_setfield(L, -2, "value");
	if (d->expires)
		lua_pushnumber(L, (double)d->expires / 1e6);
	else
		lua_pushnil(L);
	lua_setfield(L, -2, "expires");
	lua_pushboolean(L, d->sealed);
	lua_setfield(L, -2, "encrypted");
}

/* service:get_item(as get_value) -> {name, key, value, ...} | nil */
static int
service_get_item(lua_State *L)
{
	struct data_view d;
	const char *key;
	size_t len, namelen;

	service_self(L, "get_item");
	take_named(L, "get_item", get_options, 3, 3);
	key = key_at(L, "get_item", 3, false, &len);
	lua_tolstring(L, 2, &namelen);
	if (!data_fetch(L, "get_item", key, len, bind_boolean(L, 4,
	    "get_item", "decrypt", false), &d)) {
		lua_pushnil(L);
		return 1;
	}
	data_push_item(L, "get_item", key, len, len - namelen, &d);
	return 1;
}

/* Pushes the number in the text on top, or raises. */
static void
push_number_of_text(lua_State *L, const char *name)
{
	size_t len, at;
	const char *text = lua_tolstring(L, -1, &len);
	struct err e;

	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len > 0 && (*text == '-' || (*text >= '0' && *text <= '9')) &&
	    decode_value(L, text, len, NULL, &at, &e) == 0)
		return;
	bind_raise(L, "get_number: datastore key \"%s\" holds the string "
	    "\"%.40s\", which is no number", name, lua_tostring(L, -1));
}

/* service:get_number(name [, default]) -> number | default */
static int
service_get_number(lua_State *L)
{
	char shown[BIND_SHOWN];
	struct data_view d;
	const char *key;
	size_t len;

	service_self(L, "get_number");
	lua_settop(L, 3);
	if (lua_type(L, 2) == LUA_TTABLE) {
		take_named(L, "get_number", get_options, 4, 3);
		lua_pushvalue(L, 5);
	} else {
		lua_pushnil(L);
		lua_insert(L, 3);
		lua_pushvalue(L, 4);
	}
	key = key_at(L, "get_number", 3, false, &len);
	lua_insert(L, -2); /* the default on top */
	if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER &&
	    lua_type(L, -1) != LUA_TCDATA)
		bind_raise(L, "get_number: the default must be a number, not "
		    "%s", bind_describe(L, -1, shown));
	if (!data_fetch(L, "get_number", key, len, false, &d))
		return 1;
	data_push(L, "get_number", d.value, d.len);
	if (lua_type(L, -1) == LUA_TSTRING)
		push_number_of_text(L, lua_tostring(L, 2));
	else if (lua_type(L, -1) != LUA_TNUMBER &&
	    lua_type(L, -1) != LUA_TCDATA)
		bind_raise(L, "get_number: datastore key \"%s\" holds %s, not "
		    "a number", lua_tostring(L, 2),
		    bind_describe(L, -1, shown));
	return 1;
}

/* The time to live at idx in microseconds; 0: none. */
static int64_t
ttl_at(lua_State *L, int idx)
{
	double ttl;

	if (lua_isnil(L, idx))
		return 0;
	ttl = bind_number(L, idx, "set_value", "ttl");
	if (!(ttl >= 0) || ttl > TTL_MAX)
		bind_raise(L, "set_value: ttl is %.14g; it must be a number "
		    "of seconds from now, 0 or nil for none", ttl);
	if (ttl == 0)
		return 0;
	return ttl < 1e-6 ? 1 : (int64_t)llround(ttl * 1e6);
}

/* Has core seal the value in v->scratch; the sealed form replaces it. */
static void
seal(lua_State *L, const char *key, size_t len)
{
	struct vm *v = vm_of(L);
	struct buf body = {0}, reply = {0};
	struct link_error why;
	struct msg_cursor c;
	const uint8_t *sealed;
	size_t n;
	int r;

	msg_put_bytes(&body, key, len);
	msg_put_bytes(&body, v->scratch.data, v->scratch.len);
	r = link_call(v->link, MSG_SEAL, &body, &reply, &c, &why);
	buf_release(&body);
	if (r != 0)
		bind_raise(L, "set_value: %s", why.text);
	unit_set_plain(task_unit(L), key, len, v->scratch.data,
	    v->scratch.len);
	sealed = msg_get_bytes(&c, &n);
	v->scratch.len = 0;
	buf_put(&v->scratch, sealed, n);
	buf_release(&reply);
}

/* Writes the value at 3 as JSON into v->scratch. */
static void
encode(lua_State *L, const char *name)
{
	const struct encode_options options = {VALUE_MAX, false};
	struct schema_error why;
	struct vm *v = vm_of(L);

	if (lua_isnil(L, 3))
		bind_raise(L, "set_value \"%s\": value is nil; use "
		    "delete_value to remove it, or store sensorhost.null",
		    name);
	v->scratch.len = 0;
	if (encode_value(L, 3, NULL, &options, &v->scratch, &why) != 0)
		bind_raise(L, "set_value \"%s\": the value%s%s: %s", name,
		    *why.path ? " at " : "", why.path, why.message);
}

/* service:set_value(name, value [, ttl [, is_local [, encrypt]]]) -> true */
static int
service_set_value(lua_State *L)
{
	struct vm *v = vm_of(L);
	struct unit *u = task_unit(L);
	const char *key, *name;
	bool sealed;
	int64_t ttl;
	struct err e;
	size_t len;

	service_self(L, "set_value");
	take_named(L, "set_value", set_options, 5, 5);
	key = key_at(L, "set_value", 5, true, &len);
	name = lua_tostring(L, 2);
	ttl = ttl_at(L, 4);
	sealed = bind_boolean(L, 6, "set_value", "encrypt", false);
	encode(L, name);
	if (sealed)
		seal(L, key, len);
	if (unit_set(u, key, len, v->scratch.data, v->scratch.len, ttl,
	    sealed, &e) != 0)
		bind_raise(L, "set_value \"%s\": %s", name, e.text);
	buf_reset(&v->scratch, 64 * 1024);
	service_warn_split(L, "the value \"", name, "\" stored");
	lua_pushboolean(L, 1);
	return 1;
}

/* service:delete_value(name [, is_local]) -> whether it was there */
static int
service_delete_value(lua_State *L)
{
	struct data_view d;
	const char *key;
	struct err e;
	size_t len;

	service_self(L, "delete_value");
	take_named(L, "delete_value", get_options, 2, 3);
	key = key_at(L, "delete_value", 3, true, &len);
	if (!data_fetch(L, "delete_value", key, len, false, &d)) {
		lua_pushboolean(L, 0);
		return 1;
	}
	if (unit_delete(task_unit(L), key, len, &e) != 0)
		bind_raise(L, "delete_value: %s", e.text);
	lua_pushboolean(L, 1);
	return 1;
}

int
bind_data_open(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"get_value", service_get_value},
		{"get_item", service_get_item},
		{"get_number", service_get_number},
		{"set_value", service_set_value},
		{"delete_value", service_delete_value},
		{"list_values", data_list},
		{NULL, NULL},
	};

	data_list_open(L);
	service_methods(L);
	luaL_register(L, NULL, methods);
	return 1;
}
