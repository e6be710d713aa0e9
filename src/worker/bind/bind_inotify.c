/*
 * host.inotify: watches as Lua handles. Used by lua/sensorhost/tail.lua and
 * fs_watch.lua; inotify.c does the work.
 */
#include "worker/bind/bind_inotify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "worker/bind/bind.h"
#include "worker/inotify.h"
#include "worker/task.h"
#include "worker/vm.h"

static const struct bind_class watch_class;

/* Reads a number of /proc/sys for a message; "?" if it cannot be read. */
static const char *
sysctl_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	bool got = f && fgets(text, (int)size, f);

	if (f)
		fclose(f);
	if (got)
		text[strcspn(text, "\n")] = '\0';
	return got ? text : "?";
}

/* Pushes nil and the error of a limit that the kernel sets. */
static int
fail_limit(lua_State *L, const char *what, const char *name)
{
	char path[128], now[32];

	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	return bind_fail(L, "busy", "inotify", NULL, "the system's %s for "
	    "watching files are used up; raise the sysctl fs.inotify.%s "
	    "(now %s)", what, name, sysctl_text(path, now, sizeof(now)));
}

/* The wait of watch:wait(): ends with an event, a poke or its time. */
static void
waiting_start(struct task *t, void *arg)
{
	struct watch *w = arg;

	w->task = t;
	if (w->at_once || w->stirred)
		watch_wake(w);
}

/* wait_push_fn: whether something came. */
static int
waiting_push(lua_State *L, void *arg, bool timed_out)
{
	struct watch *w = arg;

	(void)timed_out;
	lua_pushboolean(L, w->stirred);
	w->stirred = false;
	return 1;
}

/* wait_release_fn */
static void
waiting_release(void *arg)
{
	struct watch *w = arg;

	w->waiting = w->at_once = false;
	w->task = NULL;
}

static const struct wait_type tail_waiting = {
	"tail:lines", waiting_start, waiting_push, waiting_release,
};
static const struct wait_type events_waiting = {
	"fs_watch:events", waiting_start, waiting_push, waiting_release,
};

/* watch:wait(seconds) → boolean [w]; 0: the turn, below: no limit. */
static int
watch_wait(lua_State *L)
{
	struct watch *w = (struct watch *)bind_self(L, &watch_class, "wait");
	double seconds = luaL_checknumber(L, 2);
	const struct wait_type *type = w->keeps ? &events_waiting
	    : &tail_waiting;

	if (w->waiting)
		bind_raise(L, "%s(): another task is waiting here already",
		    type->call);
	w->waiting = true;
	w->at_once = seconds == 0;
	return task_wait_for(L, type, w, seconds);
}

/* watch:waiting() → boolean */
static int
watch_waiting(lua_State *L)
{
	struct watch *w = (struct watch *)bind_self(L, &watch_class,
	    "waiting");

	lua_pushboolean(L, w->waiting);
	return 1;
}

/* watch:poke(): what waits goes on. */
static int
watch_poke(lua_State *L)
{
	struct watch *w = (struct watch *)bind_self(L, &watch_class, "poke");

	w->stirred = true;
	watch_wake(w);
	return 0;
}

/* watch:add(path, mask [, name]) → id | nil, err */
static int
watch_add(lua_State *L)
{
	struct watch *w = (struct watch *)bind_self(L, &watch_class, "add");
	const char *path = luaL_checkstring(L, 2);
	uint32_t mask = (uint32_t)luaL_checknumber(L, 3);
	uint32_t id = watch_subscribe(w, path, mask,
	    luaL_optstring(L, 4, NULL));

	if (id == 0 && errno == ENOSPC)
		return fail_limit(L, "watches", "max_user_watches");
	if (id == 0)
		return bind_fail_errno(L, "inotify", path);
	lua_pushnumber(L, id);
	return 1;
}

/* watch:remove(id) */
static int
watch_remove(lua_State *L)
{
	struct watch *w = (struct watch *)bind_self(L, &watch_class,
	    "remove");

	watch_unsubscribe(w, (uint32_t)luaL_checknumber(L, 2));
	return 0;
}

/* watch:take() → {{id=, mask=, cookie=, name=}, ...}, lost */
static int
watch_take(lua_State *L)
{
	struct watch *w = (struct watch *)bind_self(L, &watch_class, "take");
	struct kept k;
	size_t at = 0;
	int i = 0;

	lua_newtable(L);
	while (at < w->queue.len) {
		memcpy(&k, w->queue.data + at, sizeof(k));
		lua_createtable(L, 0, 4);
		lua_pushnumber(L, k.id);
		lua_setfield(L, -2, "id");
		lua_pushnumber(L, k.mask);
		lua_setfield(L, -2, "mask");
		lua_pushnumber(L, k.cookie);
		lua_setfield(L, -2, "cookie");
		lua_pushlstring(L, (const char *)w->queue.data + at +
		    sizeof(k), k.name_len);
		lua_setfield(L, -2, "name");
		lua_rawseti(L, -2, ++i);
		at += sizeof(k) + k.name_len;
	}
	lua_pushboolean(L, w->overflow);
	buf_reset(&w->queue, 4096);
	w->overflow = w->stirred = false;
	return 2;
}

/* watch:close() */
static int
watch_close(lua_State *L)
{
	struct owned *o = bind_self_or_closed(L, &watch_class, "close");
	struct watch *w = (struct watch *)o;

	if (w && !w->waiting)
		owned_close(o);
	else if (w)
		bind_raise(L, "watch:close(): a task is waiting here");
	return 0;
}

static const luaL_Reg watch_methods[] = {
	{ "add", watch_add },
	{ "remove", watch_remove },
	{ "wait", watch_wait },
	{ "waiting", watch_waiting },
	{ "poke", watch_poke },
	{ "take", watch_take },
	{ "close", watch_close },
	{ NULL, NULL },
};
static const struct bind_class watch_class = { "watch", watch_methods };

/* inotify.open(keeps) → watch | nil, err */
static int
inotify_open(lua_State *L)
{
	bool keeps = lua_toboolean(L, 1);
	struct owned **slot = bind_slot(L, &watch_class);
	struct watch *w = watch_new(vm_of(L), keeps);

	if (!w && errno == EMFILE)
		return fail_limit(L, "instances", "max_user_instances");
	if (!w)
		return bind_fail_errno(L, "inotify", NULL);
	bind_fill(slot, &w->owned);
	return 1;
}

int
bind_inotify_open(lua_State *L)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} masks[] = {
		{ "MODIFY", IN_MODIFY }, { "ATTRIB", IN_ATTRIB },
		{ "CLOSE_WRITE", IN_CLOSE_WRITE }, { "CREATE", IN_CREATE },
		{ "MOVED_FROM", IN_MOVED_FROM }, { "MOVED_TO", IN_MOVED_TO },
		{ "DELETE", IN_DELETE }, { "DELETE_SELF", IN_DELETE_SELF },
		{ "MOVE_SELF", IN_MOVE_SELF }, { "IGNORED", IN_IGNORED },
		{ "ISDIR", IN_ISDIR }, { "ONLYDIR", IN_ONLYDIR },
		{ "DONT_FOLLOW", IN_DONT_FOLLOW },
		{ "EXCL_UNLINK", IN_EXCL_UNLINK },
	};
	size_t i;

	lua_newtable(L);
	lua_pushcfunction(L, inotify_open);
	lua_setfield(L, -2, "open");
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		lua_pushnumber(L, masks[i].bit);
		lua_setfield(L, -2, masks[i].name);
	}
	return 1;
}
