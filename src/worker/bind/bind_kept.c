/*
 * host.kept: the datastore for the host's own Lua modules (cursor, seen,
 * snapshot). Reading and writing are those of sensor_service; only the
 * names are other ones.
 */
#include "worker/bind/bind_kept.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/js.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_hold.h"
#include "worker/datastore.h"
#include "worker/decode.h"
#include "worker/encode.h"
#include "worker/service.h"
#include "worker/task.h"
#include "worker/vm.h"

#define PART_MAX 120u /* bytes of a name that stay readable */
#define VALUE_MAX (4u * 1024u * 1024u)

/* Adds a part of a name to the buffer: as it is, or its digest. */
static void
add_part(luaL_Buffer *b, const char *text, size_t len)
{
	struct digest_state s;
	uint8_t out[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	int i;

	luaL_addchar(b, ':');
	if (len <= PART_MAX && *text != '#' && js_utf8_valid(text, len) &&
	    !memchr(text, '\0', len) && !memchr(text, ':', len)) {
		luaL_addlstring(b, text, len);
		return;
	}
	digest_init(&s);
	digest_part(&s, text, len);
	digest_final(&s, out);
	for (i = 0; i < DIGEST_BYTES; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", out[i]);
	luaL_addchar(b, '#');
	luaL_addstring(b, hex);
}

/* kept.name(kind, ...) */
static int
kept_name(lua_State *L)
{
	int i, n = lua_gettop(L);
	luaL_Buffer b;

	for (i = 1; i <= n; i++)
		luaL_checkstring(L, i);
	luaL_buffinit(L, &b);
	luaL_addchar(&b, '.');
	luaL_addstring(&b, lua_tostring(L, 1));
	for (i = 2; i <= n; i++) {
		size_t len;
		const char *text = lua_tolstring(L, i, &len);

		add_part(&b, text, len);
	}
	luaL_pushresult(&b);
	return 1;
}

/* Pushes the full key of the name at 2. */
static const char *
key_of(lua_State *L, size_t *len)
{
	size_t n;
	const char *name = luaL_checklstring(L, 2, &n);

	return data_key(L, luaL_checkstring(L, 1), name, n, true, len);
}

/* kept.get(call, name) → value | nil */
static int
kept_get(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1);
	struct data_item item;
	size_t len, offset;
	const char *key = key_of(L, &len);
	struct buf *json = bind_buf(L);
	struct err e;
	int r;

	if (!data_get(L, call, key, len, false, &item))
		return 0;
	*json = item.value;
	r = decode_value(L, (const char *)json->data, json->len, NULL,
	    &offset, &e);
	buf_release(json);
	if (r != 0)
		bind_raise(L, "%s: the datastore holds no JSON: %s", call,
		    e.text);
	return 1;
}

/* kept.set(call, name, value [, ttl]) */
static int
kept_set(lua_State *L)
{
	const struct encode_options options = { VALUE_MAX, false };
	const char *call = luaL_checkstring(L, 1);
	double ttl = luaL_optnumber(L, 4, 0);
	struct unit *u = task_unit(L);
	struct schema_error why;
	struct err e;
	size_t len;
	const char *key = key_of(L, &len);
	struct buf *json = bind_buf(L);
	int r;

	r = encode_value(L, 3, NULL, &options, json, &why);
	if (r != 0)
		err_set(&e, "the value%s%s: %s", *why.path ? " at " : "",
		    why.path, why.message);
	else
		r = unit_set(u, key, len, json->data, json->len,
		    (int64_t)(ttl * 1e6), false, &e);
	buf_release(json);
	if (r != 0)
		bind_raise(L, "%s: %s", call, e.text);
	service_warn_split(L, "what ", call, " stored");
	return 0;
}

/* kept.key(call, name) */
static int
kept_key(lua_State *L)
{
	size_t len;

	(void)key_of(L, &len);
	return 1;
}

/* kept.move(call, key, value) */
static int
kept_move(lua_State *L)
{
	const struct encode_options options = { VALUE_MAX, false };
	struct vm *v = vm_of(L);
	struct schema_error why;
	struct err e;
	size_t len;
	const char *key = luaL_checklstring(L, 2, &len);

	v->scratch.len = 0;
	if (encode_value(L, 3, NULL, &options, &v->scratch, &why) != 0)
		bind_raise(L, "%s: the value%s%s: %s", lua_tostring(L, 1),
		    *why.path ? " at " : "", why.path, why.message);
	if (unit_move(task_unit(L), key, len, v->scratch.data,
	    v->scratch.len, &e) != 0)
		bind_raise(L, "%s: %s", lua_tostring(L, 1), e.text);
	service_warn_split(L, "what ", lua_tostring(L, 1), " stored");
	return 0;
}

/* kept.delete(call, name) */
static int
kept_delete(lua_State *L)
{
	struct unit *u = task_unit(L);
	size_t len;
	const char *key = key_of(L, &len);
	struct err e;

	if (unit_delete(u, key, len, &e) != 0)
		bind_raise(L, "%s: %s", lua_tostring(L, 1), e.text);
	return 0;
}

/* kept.service() */
static int
kept_service(lua_State *L)
{
	service_push(L);
	return 1;
}

int
bind_kept_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "name", kept_name },
		{ "get", kept_get },
		{ "set", kept_set },
		{ "delete", kept_delete },
		{ "key", kept_key },
		{ "move", kept_move },
		{ "service", kept_service },
		{ NULL, NULL },
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
