/*
 * Userdata that hold a resource of C. Used by bind_*.c wherever one is held
 * across a call that can raise.
 */
#include "worker/bind/bind_hold.h"

#include "worker/vm.h"

/* Kept in the registry: the metatables. */
static const char key_hold, key_buf;

void
bind_hold_end(struct bind_hold *h)
{
	if (h->resource)
		h->release(h->resource);
	h->resource = NULL;
}

/* lua_CFunction: __gc of a holder. */
static int
hold_gc(lua_State *L)
{
	bind_hold_end(lua_touserdata(L, 1));
	return 0;
}

/* lua_CFunction: __gc of a buffer. */
static int
buf_gc(lua_State *L)
{
	buf_release(lua_touserdata(L, 1));
	return 0;
}

/* Gives the userdata on top its finalizer. */
static void
set_gc(lua_State *L, const void *key, lua_CFunction gc)
{
	vm_kept(L, key);
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 1);
		lua_pushcfunction(L, gc);
		lua_setfield(L, -2, "__gc");
		lua_pushvalue(L, -1);
		vm_keep(L, key);
	}
	lua_setmetatable(L, -2);
}

struct bind_hold *
bind_hold(lua_State *L, void (*release)(void *))
{
	struct bind_hold *h = lua_newuserdata(L, sizeof(*h));

	*h = (struct bind_hold){NULL, release};
	set_gc(L, &key_hold, hold_gc);
	return h;
}

struct buf *
bind_buf(lua_State *L)
{
	struct buf *b = lua_newuserdata(L, sizeof(*b));

	buf_init(b);
	set_gc(L, &key_buf, buf_gc);
	return b;
}
