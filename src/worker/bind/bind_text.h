#pragma once

#include <lua.h>

/*
 * The Lua module host.text.
 *
 *	text.scrub(s) → s with U+FFFD for what is not UTF-8
 *	text.convert(s, charset) → s in UTF-8 | nil, err
 */
int bind_text_open(lua_State *L);
