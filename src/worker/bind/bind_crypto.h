#pragma once

#include <lua.h>

/*
 * The Lua module host.crypto. encoding is "raw", "hex", "base64" or
 * "base64url"; everything else is checked by sensorhost.crypto.
 *
 *	crypto.digest(algorithm, data, encoding) → text
 *	crypto.hmac(algorithm, key, data, encoding) → text | nil: no such one
 *	crypto.encode(data, encoding) → text
 *	crypto.decode(text, encoding) → data | nil
 *	crypto.equal(a, b) → boolean, in a time that tells nothing
 *	crypto.random(n) → n bytes
 */
int bind_crypto_open(lua_State *L);
