#pragma once

#include <lua.h>

/*
 * The Lua module host.regex.
 *
 *	regex.exec(call, s, pattern, flags, from)
 *	    → first, last, {[0]=all, capture, ..., name=capture}
 *	    | nothing | nil, err: the match limit
 *
 * flags: a text of i (case), m (^ and $ at line ends), s (. is any byte), x
 * (spaces and comments in the pattern). Bytes count from 1; a pattern that
 * does not compile raises.
 */
int bind_regex_open(lua_State *L);
