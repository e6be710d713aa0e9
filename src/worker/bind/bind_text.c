/*
 * host.text: what texts from outside are in, and UTF-8 of them. The part of
 * sensorhost.text that is not pure Lua; character sets by the C library's
 * iconv.
 */
#include "worker/bind/bind_text.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "worker/bind/bind.h"
#include "worker/bind/bind_hold.h"

/* text.scrub(s) */
static int
text_scrub(lua_State *L)
{
	size_t len;
	const char *s = luaL_checklstring(L, 1, &len);
	struct buf *out;

	if (utf8_span(s, len) == len) {
		lua_settop(L, 1);
		return 1;
	}
	out = bind_buf(L);
	utf8_scrub(out, s, len);
	lua_pushlstring(L, (const char *)out->data, out->len);
	buf_release(out);
	return 1;
}

/* Converts all of s; -1 with errno, and *at is where it stopped. */
static int
convert(iconv_t cd, const char *s, size_t len, struct buf *out, size_t *at)
{
	char block[4096], *in = (char *)(uintptr_t)s, *to;
	size_t left = len, room, r;

	do {
		to = block;
		room = sizeof(block);
		r = left ? iconv(cd, &in, &left, &to, &room)
		    : iconv(cd, NULL, NULL, &to, &room);
		buf_put(out, block, sizeof(block) - room);
		*at = len - left;
		if (r == (size_t)-1 && errno != E2BIG)
			return -1;
	} while (left > 0 || r == (size_t)-1);
	return 0;
}

/* text.convert(s, charset) */
static int
text_convert(lua_State *L)
{
	size_t len, at = 0;
	const char *s = luaL_checklstring(L, 1, &len);
	const char *charset = luaL_checkstring(L, 2);
	struct buf *out = bind_buf(L);
	iconv_t cd = iconv_open("UTF-8", charset);
	int r;

	if (cd == (iconv_t)-1)
		return bind_fail(L, "invalid", "text.to_utf8", NULL,
		    "no character set \"%.64s\" is known", charset);
	r = convert(cd, s, len, out, &at);
	iconv_close(cd);
	if (r < 0) {
		buf_release(out);
		return bind_fail(L, "syntax", "text.to_utf8", NULL,
		    "byte %zu is not %.64s", at + 1, charset);
	}
	lua_pushlstring(L, (const char *)out->data, out->len);
	buf_release(out);
	return 1;
}

int
bind_text_open(lua_State *L)
{
	lua_newtable(L);
	lua_pushcfunction(L, text_scrub);
	lua_setfield(L, -2, "scrub");
	lua_pushcfunction(L, text_convert);
	lua_setfield(L, -2, "convert");
	return 1;
}
