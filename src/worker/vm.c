/*
 * The Lua state of a worker: its memory cap, its libraries, the host's Lua
 * modules, the one door for calls that may not wait. Made by the spawner,
 * used by the worker. It must never let an error escape into C: what is not
 * protected here ends the process through the panic function.
 */
#include "worker/vm.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "wire/page.h"

/* What the handling of "not enough memory" may take beyond the cap. */
#define HEADROOM (2u * 1024u * 1024u)

/* Instructions between two looks at the clock, where code is interpreted. */
#define HOOK_COUNT 1000

/* Registry places, by address. */
static const char key_handler, key_protect;

/*
 * Near the cap the collector has to run more often than its pause of 200 %
 * would have it, else garbage alone would fill the memory. LUA_GCRESTART only
 * sets a threshold, so that it is safe here: the interpreter's next look at
 * it makes a step.
 */
static void
press(struct vm *v)
{
	const size_t step = v->cap / 16;

	v->pressed_at = v->used + step;
	lua_gc(v->L, LUA_GCSETSTEPMUL, 1000);
	lua_gc(v->L, LUA_GCRESTART, 0);
}

/* Whether `more` bytes may be had. */
static bool
may_grow(struct vm *v, size_t more)
{
	size_t after = v->used + more;

	if (v->pressed_at > v->used + v->cap / 4)
		v->pressed_at = v->cap - v->cap / 4; /* it has become less */
	if (after > v->pressed_at)
		press(v);
	if (after <= v->cap)
		return true;
	/* Who caught "not enough memory" needs some until it is collected. */
	if ((v->refused || v->lifted) && more < HEADROOM / 4 &&
	    after <= v->cap + HEADROOM)
		return true;
	v->refused = true;
	return false;
}

/*
 * lua_Alloc: LuaJIT's own allocator with a count and a cap. In the address
 * sanitizer's build it is malloc, so that the sanitizer sees every object.
 */
static void *
allocate(void *ud, void *p, size_t old, size_t size)
{
	struct vm *v = ud;
	void *made;

	if (!p)
		old = 0;
	if (v->cap && size > old && !may_grow(v, size - old))
		return NULL;
	made = v->alloc(v->alloc_ud, p, old, size);
	if (made || size == 0)
		v->used += size - old;
	if (v->refused && v->used < v->cap - v->cap / 8)
		v->refused = false;
	return made;
}

#ifdef SENSORHOST_ASAN
/* lua_Alloc: the C library's. */
static void *
allocate_plain(void *ud, void *p, size_t old, size_t size)
{
	(void)ud;
	(void)old;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}
#endif

/* lua_CFunction for lua_atpanic: an error outside of every protection. */
static int
on_panic(lua_State *L)
{
	const char *text = lua_tostring(L, -1);

	fprintf(stderr, "sensorhost: an unprotected Lua error: %s\n",
	    text ? text : "(not a string)");
	_exit(70);
}

/* lua_CFunction: keeps the traceback of an error and lets the cap give way. */
static int
on_error(lua_State *L)
{
	struct vm *v = vm_of(L);

	v->lifted = true;
	buf_reset(&v->trace, 4096);
	vm_traceback(L, &v->trace);
	lua_settop(L, 1);
	return 1;
}

/* What vm_protect is to run. */
struct protected_call {
	vm_fn *fn;
	void *arg;
};

/* lua_CFunction: the body of vm_protect. */
static int
run_protected(lua_State *L)
{
	struct protected_call *call = lua_touserdata(L, 1);

	lua_settop(L, 0);
	return call->fn(L, call->arg);
}

void
vm_kept(lua_State *L, const void *key)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)key);
	lua_rawget(L, LUA_REGISTRYINDEX);
}

void
vm_keep(lua_State *L, const void *key)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)key);
	lua_insert(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
}

int
vm_call(struct vm *v, int nargs, int nresults)
{
	lua_State *L = v->L;
	int at = lua_gettop(L) - nargs, r;

	vm_kept(L, &key_handler);
	lua_insert(L, at);
	r = lua_pcall(L, nargs, nresults, at);
	lua_remove(L, at);
	v->lifted = false;
	return r == 0 ? 0 : -1;
}

int
vm_protect(struct vm *v, vm_fn *fn, void *arg, int nresults)
{
	struct protected_call call = {fn, arg};

	vm_kept(v->L, &key_protect);
	lua_pushlightuserdata(v->L, &call);
	return vm_call(v, 1, nresults);
}

/* Who loads what the host has written in Lua, and from where. */
struct loading {
	vm_load_fn *load;
	const char *lua_dir;
};

/* lua_CFunction for the loading of everything: libraries, then the host's. */
static int
open_all(lua_State *L)
{
	const struct loading *loading = lua_touserdata(L, 1);

	lua_pushcfunction(L, on_error);
	vm_keep(L, &key_handler);
	lua_pushcfunction(L, run_protected);
	vm_keep(L, &key_protect);
	luaL_openlibs(L);
	/* The types of 64-bit integers live as long as the ffi module does;
	 * it stays in the registry, where no sensor can reach. */
	lua_getglobal(L, "require");
	lua_pushliteral(L, LUA_FFILIBNAME);
	lua_call(L, 1, 0);
	loading->load(L, loading->lua_dir);
	lua_gc(L, LUA_GCCOLLECT, 0);
	lua_gc(L, LUA_GCCOLLECT, 0);
	return 0;
}

struct vm *
vm_new(vm_load_fn *load, const char *lua_dir, struct err *e)
{
	struct loading loading = {load, lua_dir};
	struct vm *v = xcalloc(1, sizeof(*v));
	lua_State *L = luaL_newstate();

	must(L);
	v->L = L;
	owner_init(&v->owner);
	v->alloc = lua_getallocf(L, &v->alloc_ud);
#ifdef SENSORHOST_ASAN
	lua_close(L);
	v->alloc = allocate_plain;
	v->L = L = lua_newstate(allocate, v);
	must(L);
#else
	v->used = (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024u;
	lua_setallocf(L, allocate, v);
#endif
	lua_atpanic(L, on_panic);
	if (lua_cpcall(L, open_all, &loading) != 0) {
		err_set(e, "%s", lua_tostring(L, -1));
		vm_free(&v);
		return NULL;
	}
	lua_settop(L, 0);
	return v;
}

void
vm_free(struct vm **vp)
{
	struct vm *v = *vp;

	*vp = NULL;
	if (!v)
		return;
	owner_close_all(&v->owner);
	lua_close(v->L);
	buf_release(&v->trace);
	free(v);
}

void
vm_limit(struct vm *v, size_t memory)
{
	v->limit = memory;
	v->cap = v->used + memory;
	v->pressed_at = v->cap - v->cap / 4;
}

/* lua_Hook: ends a sensor's code that has run for a slice without waiting. */
static void
on_count(lua_State *L, lua_Debug *ar)
{
	struct vm *v = vm_of(L);
	char place[PAGE_PLACE];

	(void)ar;
	if (v->depth == 0 || clock_mono_us() - v->entered_us < v->slice_us)
		return;
	/*
	 * From now on each instruction raises, until the turn is over: so a
	 * loop of pcalls around an endless loop is left, too.
	 */
	if (!v->overrun)
		lua_sethook(L, on_count, LUA_MASKCOUNT | LUA_MASKCALL |
		    LUA_MASKRET, 1);
	v->overrun = true;
	vm_place(L, place, sizeof(place));
	lua_pushfstring(L, "%s: ran %f s without waiting (limits.slice)",
	    place, (double)v->slice_us / 1e6);
	lua_error(L);
}

/* A turn begins: the time before is not held against it. */
static void
begin_slice(struct vm *v)
{
	if (!v->interpreted)
		return;
	v->entered_us = clock_mono_us();
	if (v->overrun)
		lua_sethook(v->L, on_count, LUA_MASKCOUNT, HOOK_COUNT);
	v->overrun = false;
}

void
vm_enter(struct vm *v, const char *entry)
{
	struct page *page = v->page;

	if (v->depth++ > 0 || !page)
		return;
	if (entry && v->entry != entry) {
		snprintf(page->entry, PAGE_ENTRY, "%s", entry);
		v->entry = entry;
	}
	begin_slice(v);
	atomic_fetch_add_explicit(&page->turn, 1, memory_order_relaxed);
	atomic_store_explicit(&page->busy, 1, memory_order_release);
}

void
vm_leave(struct vm *v)
{
	must(v->depth > 0);
	if (--v->depth == 0 && v->page)
		vm_block(v);
}

void
vm_block(struct vm *v)
{
	if (v->page)
		atomic_store_explicit(&v->page->busy, 0,
		    memory_order_release);
}

void
vm_unblock(struct vm *v)
{
	if (v->depth == 0 || !v->page)
		return;
	begin_slice(v);
	atomic_fetch_add_explicit(&v->page->turn, 1, memory_order_relaxed);
	atomic_store_explicit(&v->page->busy, 1, memory_order_release);
}

void
vm_interpret(struct vm *v)
{
	v->interpreted = true;
	luaJIT_setmode(v->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
	lua_sethook(v->L, on_count, LUA_MASKCOUNT, HOOK_COUNT);
}
