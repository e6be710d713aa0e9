#pragma once

#include <lua.h>

#include "base/buf.h"

/*
 * Resources of C that are held while Lua may raise, for want of memory if for
 * nothing else: what is held is released at the end, or, when something was
 * raised, once the userdata that holds it is collected. The userdata is
 * pushed before the resource is taken, and no Lua code ever sees it.
 */
struct bind_hold {
	void *resource; /* NULL: nothing */
	void (*release)(void *resource);
};

/* Pushes a holder of nothing. */
struct bind_hold *bind_hold(lua_State *L, void (*release)(void *));

/* Releases what it holds, now. */
void bind_hold_end(struct bind_hold *h);

/* Pushes the holder of an empty buffer; buf_release it when it is done with. */
struct buf *bind_buf(lua_State *L);
