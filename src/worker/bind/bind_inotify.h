#pragma once

#include <lua.h>

/*
 * The Lua module host.inotify: watches over files and folders.
 *
 *	inotify.open(keeps) → watch | nil, err
 *	watch:add(path, mask [, name]) → id | nil, err
 *	watch:remove(id)
 *	watch:wait(seconds) → whether something came [w]; 0: gives the turn,
 *	                       below 0: no limit
 *	watch:waiting() → whether a task waits
 *	watch:poke()           ends the wait
 *	watch:take() → {{id=, mask=, cookie=, name=}, ...}, lost   (keeps)
 *	watch:close()          not while a task waits
 *
 * Masks are fields of the module, named as in inotify(7) without IN_.
 */
int bind_inotify_open(lua_State *L);
