#pragma once

#include <lua.h>

/*
 * The Lua module host.park: a place where one task waits until another
 * wakes it; what channels are made of.
 *
 *	park.new(call) → p          call: "channel:receive", for messages
 *	p:wait([seconds]) → whether it was woken [w]; false: the time is over
 *	p:wake()                    also before the wait: then it ends at once
 *	p:close()                   not while a task waits
 */
int bind_park_open(lua_State *L);
