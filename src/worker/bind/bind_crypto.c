/*
 * host.crypto: digests and HMACs by libcrypto, the rest by libsodium. Used by
 * lua/sensorhost/crypto.lua; keeps no state and no key.
 */
#include "worker/bind/bind_crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/bind/bind.h"

#define SPACE " \t\r\n"

/* The variant of base64 that an encoding names; -1: it is none. */
static int
base64_variant(const char *encoding)
{
	if (strcmp(encoding, "base64") == 0)
		return sodium_base64_VARIANT_ORIGINAL;
	if (strcmp(encoding, "base64url") == 0)
		return sodium_base64_VARIANT_URLSAFE_NO_PADDING;
	return -1;
}

/* Pushes n bytes in an encoding. */
static void
push_encoded(lua_State *L, const void *p, size_t n, const char *encoding)
{
	int variant = base64_variant(encoding);
	size_t size = variant >= 0 ? sodium_base64_encoded_len(n, variant)
	    : 2 * n + 1;
	char *text;

	if (strcmp(encoding, "raw") == 0) {
		lua_pushlstring(L, p, n);
		return;
	}
	text = lua_newuserdata(L, size); /* freed if the push raises */
	if (variant >= 0)
		sodium_bin2base64(text, size, p, n, variant);
	else
		sodium_bin2hex(text, size, p, n);
	lua_pushstring(L, text);
}

/* crypto.digest(algorithm, data, encoding) */
static int
crypto_digest(lua_State *L)
{
	const EVP_MD *md = EVP_get_digestbyname(luaL_checkstring(L, 1));
	size_t len;
	const char *data = luaL_checklstring(L, 2, &len);
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!md || EVP_Digest(data, len, out, &n, md, NULL) != 1)
		return 0;
	push_encoded(L, out, n, luaL_checkstring(L, 3));
	return 1;
}

/* crypto.hmac(algorithm, key, data, encoding) */
static int
crypto_hmac(lua_State *L)
{
	const EVP_MD *md = EVP_get_digestbyname(luaL_checkstring(L, 1));
	size_t keylen, len;
	const char *key = luaL_checklstring(L, 2, &keylen);
	const char *data = luaL_checklstring(L, 3, &len);
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!md || !HMAC(md, key, (int)keylen, (const unsigned char *)data,
	    len, out, &n))
		return 0;
	push_encoded(L, out, n, luaL_checkstring(L, 4));
	return 1;
}

/* crypto.encode(data, encoding) */
static int
crypto_encode(lua_State *L)
{
	size_t len;
	const char *data = luaL_checklstring(L, 1, &len);

	push_encoded(L, data, len, luaL_checkstring(L, 2));
	return 1;
}

/* Decodes base64 with or without its padding; -1 for what is none. */
static int
decode_base64(unsigned char *out, size_t size, const char *text, size_t len,
    int variant, size_t *n)
{
	int padded = variant == sodium_base64_VARIANT_ORIGINAL ?
	    sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_URLSAFE;

	if (memchr(text, '=', len))
		return sodium_base642bin(out, size, text, len, SPACE, n, NULL,
		    padded);
	return sodium_base642bin(out, size, text, len, SPACE, n, NULL,
	    padded | sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

/* crypto.decode(text, encoding) */
static int
crypto_decode(lua_State *L)
{
	size_t len, n = 0;
	const char *text = luaL_checklstring(L, 1, &len);
	int variant = base64_variant(luaL_checkstring(L, 2)), r;
	unsigned char *out = lua_newuserdata(L, len + 1);

	if (variant >= 0)
		r = decode_base64(out, len + 1, text, len, variant, &n);
	else
		r = sodium_hex2bin(out, len + 1, text, len, SPACE, &n, NULL);
	if (r == 0)
		lua_pushlstring(L, (const char *)out, n);
	return r == 0;
}

/* crypto.equal(a, b) */
static int
crypto_equal(lua_State *L)
{
	size_t alen, blen;
	const char *a = luaL_checklstring(L, 1, &alen);
	const char *b = luaL_checklstring(L, 2, &blen);

	lua_pushboolean(L, alen == blen && sodium_memcmp(a, b, alen) == 0);
	return 1;
}

/* crypto.random(n) */
static int
crypto_random(lua_State *L)
{
	size_t n = (size_t)luaL_checknumber(L, 1);
	unsigned char *out = lua_newuserdata(L, n + 1);

	must(sodium_init() >= 0);
	randombytes_buf(out, n);
	lua_pushlstring(L, (const char *)out, n);
	return 1;
}

int
bind_crypto_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "digest", crypto_digest },
		{ "hmac", crypto_hmac },
		{ "encode", crypto_encode },
		{ "decode", crypto_decode },
		{ "equal", crypto_equal },
		{ "random", crypto_random },
		{ NULL, NULL },
	};

	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}
