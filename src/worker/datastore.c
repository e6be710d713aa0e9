/*
 * Reading the datastore: the running task's unit first, then core. Called by
 * the service's bindings and by modules that keep positions. The bytes of an
 * answer are held in one buffer of the vm, so that an error raised while
 * they are decoded leaks nothing.
 */
#include "worker/datastore.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/js.h"
#include "worker/bind/bind.h"
#include "worker/datastore_private.h"
#include "worker/facts.h"
#include "worker/link.h"
#include "worker/task.h"

#define SEALED "\"sealed:1:" /* how the JSON of a sealed value begins */

const char *
data_key(lua_State *L, const char *call, const char *name, size_t len,
    bool local, size_t *keylen)
{
	const struct facts *f = vm_of(L)->facts;
	const char *key;

	if (len == 0)
		bind_raise(L, "%s: the name is empty", call);
	if (!js_utf8_valid(name, len) || memchr(name, '\0', len))
		bind_raise(L, "%s: the name is not UTF-8 text", call);
	if (local) {
		lua_pushfstring(L, "%s:", f->ref);
		lua_pushlstring(L, name, len);
		lua_concat(L, 2);
	} else {
		lua_pushlstring(L, name, len);
	}
	key = lua_tolstring(L, -1, keylen);
	if (*keylen > MSG_KEY_MAX)
		bind_raise(L, "%s: the key \"%.40s...\" has %zu bytes%s%s%s, "
		    "at most %u: shorten it, for instance to a hash", call,
		    name, *keylen, local ? " with \"" : "",
		    local ? f->ref : "", local ? ":\" before it" : "",
		    MSG_KEY_MAX);
	return key;
}

/* What the running task itself has written. */
static enum unit_known
own_write(lua_State *L, const char *call, const char *key, size_t len,
    bool decrypt, struct data_view *d)
{
	struct vm *v = vm_of(L);
	struct unit *u = v->task ? task_unit(L) : NULL;
	struct unit_write w;
	const char *plain;
	enum unit_known known = u ? unit_get(u, key, len, &w) : UNIT_UNKNOWN;

	if (known != UNIT_SET)
		return known;
	*d = (struct data_view){.sealed = w.sealed, .value = w.value,
	    .len = w.len,
	    .expires = w.ttl ? clock_unix_us() + w.ttl : 0};
	if (decrypt && !w.sealed && w.len > sizeof(SEALED) &&
	    memcmp(w.value, SEALED, sizeof(SEALED) - 1) == 0)
		bind_raise(L, "%s: \"%s\" was given a text that is encrypted "
		    "already: store the value itself, with encrypt", call,
		    key);
	plain = w.sealed && decrypt ? unit_plain(u, key, len) : NULL;
	if (plain) {
		d->sealed = false;
		d->value = (const uint8_t *)plain;
		d->len = strlen(plain);
	}
	return known;
}

bool
data_fetch(lua_State *L, const char *call, const char *key, size_t len,
    bool decrypt, struct data_view *d)
{
	struct vm *v = vm_of(L);
	struct buf body = {0};
	struct link_error why;
	struct msg_cursor c;
	bool found;
	int r;

	switch (own_write(L, call, key, len, decrypt, d)) {
	case UNIT_SET:
		return true;
	case UNIT_DELETED:
		return false;
	default:
		break;
	}
	msg_put_bytes(&body, key, len);
	msg_put_u8(&body, decrypt);
	v->scratch.len = 0;
	r = link_call(v->link, MSG_KV_GET, &body, &v->scratch, &c, &why);
	buf_release(&body);
	if (r != 0)
		bind_raise(L, "%s: %s", call, why.text);
	found = msg_get_u8(&c);
	if (!found)
		return false;
	d->sealed = msg_get_u8(&c);
	d->expires = msg_get_i64(&c);
	d->value = msg_get_bytes(&c, &d->len);
	return true;
}

bool
data_get(lua_State *L, const char *call, const char *key, size_t len,
    bool decrypt, struct data_item *item)
{
	struct data_view d;

	if (!data_fetch(L, call, key, len, decrypt, &d))
		return false;
	*item = (struct data_item){.sealed = d.sealed, .expires = d.expires};
	buf_put(&item->value, d.value, d.len);
	return true;
}

void
data_push(lua_State *L, const char *call, const uint8_t *text, size_t len)
{
	struct err e;
	size_t at;

	if (decode_value(L, (const char *)text, len, NULL, &at, &e) != 0)
		bind_raise(L, "%s: the stored value is no JSON: %s", call,
		    e.text);
}
