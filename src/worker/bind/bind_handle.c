/*
 * Handles: what Lua code holds of an object outside Lua. A full userdata with
 * one slot, which the object's end clears, so that a dead handle is an error
 * and never a dangling pointer. A handle that is collected lets go of the
 * object and closes nothing: the owner list does that.
 */
#include "worker/bind/bind.h"

#include "worker/vm.h"

/* lua_CFunction __gc: the object forgets its handle. */
static int
handle_gc(lua_State *L)
{
	struct owned **slot = lua_touserdata(L, 1);

	struct owned *o = *slot;

	if (!o)
		return 0;
	o->handle = NULL;
	if (o->collected)
		o->collected(o);
	return 0;
}

/* lua_CFunction __tostring. */
static int
handle_tostring(lua_State *L)
{
	struct owned **slot = lua_touserdata(L, 1);

	lua_pushfstring(L, "%s (%s)", lua_tostring(L, lua_upvalueindex(1)),
	    *slot ? "open" : "closed");
	return 1;
}

/* Pushes the metatable of a class; made once, kept under its address. */
static void
push_class(lua_State *L, const struct bind_class *c)
{
	vm_kept(L, c);
	if (lua_istable(L, -1))
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_newtable(L);
	luaL_register(L, NULL, c->methods);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, handle_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushstring(L, c->name);
	lua_pushcclosure(L, handle_tostring, 1);
	lua_setfield(L, -2, "__tostring");
	lua_pushstring(L, c->name);
	lua_setfield(L, -2, "__metatable");
	lua_pushvalue(L, -1);
	vm_keep(L, c);
}

struct owned **
bind_slot(lua_State *L, const struct bind_class *c)
{
	struct owned **slot = lua_newuserdata(L, sizeof(struct owned *));

	*slot = NULL;
	push_class(L, c);
	lua_setmetatable(L, -2);
	return slot;
}

void
bind_fill(struct owned **slot, struct owned *o)
{
	*slot = o;
	o->handle = slot;
}

struct owned *
bind_self_or_closed(lua_State *L, const struct bind_class *c,
    const char *method)
{
	struct owned **slot = lua_touserdata(L, 1);
	bool same = false;

	if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1)) {
		push_class(L, c);
		same = lua_rawequal(L, -1, -2);
		lua_pop(L, 2);
	}
	if (!same)
		bind_raise(L, "%s.%s() needs a colon: %s:%s()", c->name,
		    method, c->name, method);
	return *slot;
}

struct owned *
bind_self(lua_State *L, const struct bind_class *c, const char *method)
{
	struct owned *o = bind_self_or_closed(L, c, method);

	if (!o)
		bind_raise(L, "%s:%s(): the %s is closed", c->name, method,
		    c->name);
	return o;
}
