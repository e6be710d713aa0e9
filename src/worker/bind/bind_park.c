/*
 * host.park: a wait that Lua itself ends. Used by lua/sensorhost/channel.lua;
 * knows nothing of what is waited for.
 */
#include "worker/bind/bind_park.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "worker/bind/bind.h"
#include "worker/task.h"
#include "worker/vm.h"

#define CALL_MAX 32

struct park {
	struct owned owned;
	struct wait_type type;
	char call[CALL_MAX];
	struct task *task; /* to be woken; or NULL */
	bool woken;
	bool waiting;
};

static const struct bind_class park_class;

/* wait_start_fn */
static void
park_start(struct task *t, void *arg)
{
	struct park *p = arg;

	if (p->woken)
		task_wake(t);
	else
		p->task = t;
}

/* wait_push_fn */
static int
park_push(lua_State *L, void *arg, bool timed_out)
{
	struct park *p = arg;

	(void)timed_out;
	lua_pushboolean(L, p->woken);
	p->woken = false;
	return 1;
}

/* wait_release_fn */
static void
park_release(void *arg)
{
	struct park *p = arg;

	p->task = NULL;
	p->waiting = false;
}

/* park:wait([seconds]) → boolean [w] */
static int
park_wait(lua_State *L)
{
	struct park *p = (struct park *)bind_self(L, &park_class, "wait");
	double seconds = luaL_optnumber(L, 2, 0);

	if (p->waiting)
		bind_raise(L, "%s(): another task waits here", p->call);
	p->waiting = true;
	return task_wait_for(L, &p->type, p, seconds);
}

/* park:wake() */
static int
park_wake(lua_State *L)
{
	struct park *p = (struct park *)bind_self(L, &park_class, "wake");
	struct task *t = p->task;

	p->woken = true;
	p->task = NULL;
	if (t)
		task_wake(t);
	return 0;
}

/* owned_release_fn */
static void
park_free(struct owned *o)
{
	free(o);
}

/* park:close() */
static int
park_close(lua_State *L)
{
	struct owned *o = bind_self_or_closed(L, &park_class, "close");

	if (o && !((struct park *)o)->waiting)
		owned_close(o);
	return 0;
}

static const luaL_Reg park_methods[] = {
	{ "wait", park_wait },
	{ "wake", park_wake },
	{ "close", park_close },
	{ NULL, NULL },
};
static const struct bind_class park_class = { "park", park_methods };

/* park.new(call) → park */
static int
park_new(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1);
	struct owned **slot = bind_slot(L, &park_class);
	struct park *p = xcalloc(1, sizeof(*p));

	snprintf(p->call, sizeof(p->call), "%s", call);
	p->type = (struct wait_type){ p->call, park_start, park_push,
	    park_release };
	owner_add(&vm_of(L)->owner, &p->owned, park_free);
	bind_fill(slot, &p->owned);
	return 1;
}

int
bind_park_open(lua_State *L)
{
	lua_newtable(L);
	lua_pushcfunction(L, park_new);
	lua_setfield(L, -2, "new");
	return 1;
}
