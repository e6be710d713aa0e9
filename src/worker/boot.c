/*
 * What the host's own Lua code is given by C that no module offers: files of
 * the library, compiling, the tag of waits. Called once, in the spawner. The
 * sensors never see it.
 */
#include "worker/boot.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_hold.h"
#include "worker/link.h"
#include "worker/task_private.h"

/* Kept in the registry: the table of entries. */
static const char key_entries;

/* bind_hold's release. */
static void
close_file(void *f)
{
	fclose(f);
}

/* lua_CFunction read(name): the text of a file of the library. */
static int
boot_read(lua_State *L)
{
	const char *dir = lua_tostring(L, lua_upvalueindex(1));
	const char *name = luaL_checkstring(L, 1);
	struct bind_hold *file = bind_hold(L, close_file);
	luaL_Buffer b;
	FILE *f;
	size_t n;

	lua_pushfstring(L, "%s/%s", dir, name);
	file->resource = f = fopen(lua_tostring(L, -1), "re");
	if (!f)
		return luaL_error(L, "the host's Lua library: %s: %s",
		    lua_tostring(L, -1), strerror(errno));
	luaL_buffinit(L, &b);
	do {
		n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, f);
		luaL_addsize(&b, n);
	} while (n > 0);
	bind_hold_end(file);
	luaL_pushresult(&b);
	return 1;
}

/* lua_CFunction modules(): the names of the files in sensorhost/. */
static int
boot_modules(lua_State *L)
{
	const char *dir = lua_tostring(L, lua_upvalueindex(1));
	struct dirent **list;
	int n, i, count = 0;

	/* It runs in the spawner alone, which ends if this raises. */
	lua_pushfstring(L, "%s/sensorhost", dir);
	n = scandir(lua_tostring(L, -1), &list, NULL, alphasort);
	if (n < 0)
		return luaL_error(L, "the host's Lua library: %s: %s",
		    lua_tostring(L, -1), strerror(errno));
	lua_newtable(L);
	for (i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name);

		if (len > 4 && strcmp(list[i]->d_name + len - 4, ".lua") == 0) {
			lua_pushlstring(L, list[i]->d_name, len - 4);
			lua_rawseti(L, -2, ++count);
		}
		free(list[i]);
	}
	free(list);
	return 1;
}

/* lua_CFunction binding(name): the table of a bind_<topic>.c, or nil. */
static int
boot_binding(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct bind_module *m;

	for (m = bind_modules; m->name; m++) {
		if (strcmp(m->name, name) != 0)
			continue;
		lua_pushcfunction(L, m->open);
		lua_call(L, 0, 1);
		return 1;
	}
	return 0;
}

/* lua_CFunction compile(text, chunk): a function, or nil and why. */
static int
boot_compile(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	const char *chunk = luaL_checkstring(L, 2);

	if (len > 0 && text[0] == LUA_SIGNATURE[0]) {
		lua_pushnil(L);
		lua_pushfstring(L, "%s: this is bytecode; only text is loaded",
		    chunk + 1);
		return 2;
	}
	if (luaL_loadbufferx(L, text, len, chunk, "t") == 0)
		return 1;
	lua_pushnil(L);
	lua_insert(L, -2);
	return 2;
}

/* lua_CFunction call(fn, ...): a plain call that no wait can pass. */
static int
boot_call(lua_State *L)
{
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* lua_CFunction barrier(fn, words): no wait is possible inside of fn. */
static int
boot_barrier(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	luaL_checkstring(L, 2);
	lua_settop(L, 2);
	task_add_barrier(L);
	return 0;
}

/* lua_CFunction raise(text): raises at the sensor's line. */
static int
boot_raise(lua_State *L)
{
	bind_raise(L, "%s", luaL_checkstring(L, 1));
}

/* lua_CFunction nearest(word, list): the name that was meant, or nil. */
static int
boot_nearest(lua_State *L)
{
	const char *word = luaL_checkstring(L, 1), *near;
	const char *names[256];
	size_t n = lua_objlen(L, 2), i;

	if (n > 256)
		n = 256;
	for (i = 0; i < n; i++) {
		lua_rawgeti(L, 2, (int)i + 1);
		names[i] = lua_tostring(L, -1); /* the list keeps it */
		lua_pop(L, 1);
	}
	near = nearest(word, names, n);
	lua_pushstring(L, near);
	return 1;
}

/* lua_CFunction source(name): chunk, text; or nil, kind, searched. */
static int
boot_source(lua_State *L)
{
	struct vm *v = vm_of(L);
	struct buf body = {0}, *reply = bind_buf(L);
	struct link_error e;
	struct msg_cursor c;
	const uint8_t *chunk, *text;
	size_t chunk_len, len;
	int r;

	msg_put_str(&body, luaL_checkstring(L, 1));
	r = link_call(v->link, MSG_SOURCE, &body, reply, &c, &e);
	buf_release(&body);
	if (r != 0) {
		lua_pushnil(L);
		lua_pushstring(L, e.kind);
		lua_pushstring(L, e.text);
		return 3;
	}
	chunk = msg_get_bytes(&c, &chunk_len);
	text = msg_get_bytes(&c, &len);
	lua_pushlstring(L, (const char *)chunk, chunk_len);
	lua_pushlstring(L, (const char *)text, len);
	buf_release(reply);
	return 2;
}

static const luaL_Reg functions[] = {
	{"barrier", boot_barrier},
	{"binding", boot_binding},
	{"call", boot_call},
	{"compile", boot_compile},
	{"nearest", boot_nearest},
	{"pass", task_lua_pass},
	{"raise", boot_raise},
	{"source", boot_source},
	{NULL, NULL},
};

/* Pushes the table that boot.lua gets. */
static void
push_host(lua_State *L, const char *dir)
{
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	lua_pushstring(L, dir);
	lua_pushcclosure(L, boot_read, 1);
	lua_setfield(L, -2, "read");
	lua_pushstring(L, dir);
	lua_pushcclosure(L, boot_modules, 1);
	lua_setfield(L, -2, "modules");
	lua_pushlightuserdata(L, (void *)(uintptr_t)&task_tag);
	lua_setfield(L, -2, "tag");
}

void
boot_open(lua_State *L, const char *dir)
{
	size_t len;
	const char *text;

	push_host(L, dir);
	lua_getfield(L, -1, "read");
	lua_pushstring(L, "boot.lua");
	lua_call(L, 1, 1);
	text = lua_tolstring(L, -1, &len);
	if (luaL_loadbufferx(L, text, len, VM_HOST_CHUNK "boot.lua", "t") != 0)
		lua_error(L);
	lua_pushvalue(L, -3);
	lua_call(L, 1, 1);
	vm_keep(L, &key_entries);
	lua_settop(L, 0);
}

void
boot_entry(lua_State *L, const char *name)
{
	vm_kept(L, &key_entries);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}
