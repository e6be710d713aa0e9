/*
 * host.regex: PCRE2 for sensors, under lua/sensorhost/regex.lua. Patterns are
 * compiled once and kept, a bounded number of them; a match has a limit, so
 * that a pattern that backtracks for ever is an error and no hang.
 */
#include "worker/bind/bind_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "base/must.h"
#include "worker/bind/bind.h"

#define CACHE_MAX 256u
#define MATCH_LIMIT 2000000u
#define HEAP_LIMIT (32u * 1024u) /* kilobytes */
#define CAPTURES_MAX 200u

static struct dict *cache; /* flags and pattern → pcre2_code */
static pcre2_match_context *limits;

/* Frees a pattern of the cache. */
static void
pattern_free(void *code)
{
	pcre2_code_free(code);
}

/* The bits of the flags; raises for an unknown one. */
static uint32_t
flags_of(lua_State *L, const char *call, const char *flags)
{
	uint32_t bits = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_UCP;

	for (; *flags; flags++) {
		switch (*flags) {
		case 'i':
			bits |= PCRE2_CASELESS;
			break;
		case 'm':
			bits |= PCRE2_MULTILINE;
			break;
		case 's':
			bits |= PCRE2_DOTALL;
			break;
		case 'x':
			bits |= PCRE2_EXTENDED;
			break;
		default:
			bind_raise(L, "%s: unknown flag \"%c\"; there are i, "
			    "m, s and x", call, *flags);
		}
	}
	return bits;
}

/* Compiles a pattern, or raises with what is wrong and where. */
static pcre2_code *
compile(lua_State *L, const char *call, const char *pattern, size_t len,
    uint32_t bits)
{
	PCRE2_UCHAR text[256];
	PCRE2_SIZE at;
	uint32_t captures;
	int why;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, len, bits, &why,
	    &at, NULL);

	if (!code) {
		pcre2_get_error_message(why, text, sizeof(text));
		bind_raise(L, "%s: pattern \"%.80s\", at byte %zu: %s", call,
		    pattern, at + 1, (const char *)text);
	}
	(void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &captures);
	if (captures > CAPTURES_MAX) {
		pcre2_code_free(code);
		bind_raise(L, "%s: a pattern has at most %u groups", call,
		    CAPTURES_MAX);
	}
	return code;
}

/* The compiled pattern at index 3 with the flags at 4. */
static pcre2_code *
pattern_get(lua_State *L, const char *call)
{
	size_t len, keylen;
	const char *pattern = luaL_checklstring(L, 3, &len), *key;
	const char *flags = luaL_checkstring(L, 4);
	uint32_t bits = flags_of(L, call, flags);
	pcre2_code *code;

	lua_pushfstring(L, "%s/", flags);
	lua_pushvalue(L, 3);
	lua_concat(L, 2);
	key = lua_tolstring(L, -1, &keylen);
	if (!cache)
		cache = dict_new();
	code = dict_get(cache, key, keylen);
	if (code)
		return code;
	code = compile(L, call, pattern, len, bits);
	if (dict_count(cache) >= CACHE_MAX) {
		dict_free(&cache, pattern_free);
		cache = dict_new();
	}
	dict_set(cache, key, keylen, code);
	return code;
}

/* Pushes a capture, or nil for a group that took no part. */
static void
push_capture(lua_State *L, const char *s, const PCRE2_SIZE *at, uint32_t i)
{
	if (at[(size_t)2 * i] == PCRE2_UNSET)
		lua_pushnil(L);
	else
		lua_pushlstring(L, s + at[(size_t)2 * i],
		    at[(size_t)2 * i + 1] - at[(size_t)2 * i]);
}

/* Adds the captures of named groups to the table on top. */
static void
push_names(lua_State *L, const pcre2_code *code, const char *s,
    const PCRE2_SIZE *at)
{
	uint32_t n, size, i;
	PCRE2_SPTR entry;

	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &n);
	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &entry);
	for (i = 0; i < n; i++, entry += size) {
		uint32_t group = (uint32_t)entry[0] << 8 | entry[1];

		push_capture(L, s, at, group);
		lua_setfield(L, -2, (const char *)entry + 2);
	}
}

/* Pushes first, last and the captures of a match. */
static int
push_match(lua_State *L, const pcre2_code *code, const char *s,
    const PCRE2_SIZE *at, uint32_t groups)
{
	uint32_t i;

	lua_pushnumber(L, (double)at[0] + 1);
	lua_pushnumber(L, (double)at[1]);
	lua_createtable(L, (int)groups, 1);
	for (i = 0; i <= groups; i++) {
		push_capture(L, s, at, i);
		lua_rawseti(L, -2, (int)i);
	}
	push_names(L, code, s, at);
	return 3;
}

/* regex.exec(call, s, pattern, flags, from) */
static int
regex_exec(lua_State *L)
{
	const char *call = luaL_checkstring(L, 1);
	size_t len;
	const char *s = luaL_checklstring(L, 2, &len);
	size_t from = (size_t)luaL_checknumber(L, 5) - 1;
	pcre2_code *code = pattern_get(L, call);
	pcre2_match_data *match;
	PCRE2_SIZE at[2 * (CAPTURES_MAX + 1)];
	uint32_t groups;
	int r;

	if (from > len)
		return 0;
	(void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	match = pcre2_match_data_create_from_pattern(code, NULL);
	must(match);
	r = pcre2_match(code, (PCRE2_SPTR)s, len, from, 0, match, limits);
	memcpy(at, pcre2_get_ovector_pointer(match),
	    sizeof(*at) * 2 * (groups + 1));
	pcre2_match_data_free(match);
	if (r == PCRE2_ERROR_NOMATCH)
		return 0;
	if (r < 0)
		return bind_fail(L, "too_large", call, NULL, "the match takes "
		    "too many steps; make the pattern less ambiguous");
	return push_match(L, code, s, at, groups);
}

int
bind_regex_open(lua_State *L)
{
	if (!limits) {
		limits = pcre2_match_context_create(NULL);
		must(limits);
		pcre2_set_match_limit(limits, MATCH_LIMIT);
		pcre2_set_heap_limit(limits, HEAP_LIMIT);
	}
	lua_newtable(L);
	lua_pushcfunction(L, regex_exec);
	lua_setfield(L, -2, "exec");
	return 1;
}
