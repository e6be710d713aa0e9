/*
 * JSON text to Lua values. The text is checked first, in one fast scan, so
 * that what builds the values never meets an error of the text's. Called for
 * datastore values, HTTP bodies and json.decode; memory beyond Lua's own
 * would leak when Lua runs out of it, so there is none.
 */
#include "worker/decode.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/js_text.h"
#include "worker/json_values.h"

#define SLOTS 3		/* of the Lua stack, for each container under way */
#define SPARE 16
#define EXACT (1ull << 53)
#define SHORT 64	/* bytes of a number that need no scratch */

struct decode {
	lua_State *L;
	const uint8_t *at;
	const uint8_t *end;
	struct decode_options options;
	int array_mark;		/* stack: the metatables of the marks */
	int object_mark;
	int scratch;		/* stack: a userdata for unescaping, or nil */
	size_t scratch_size;
	const uint8_t *too_large;	/* the first number beyond a double */
};

static void decode(struct decode *d);

static inline void
skip_space(struct decode *d)
{
	while (d->at < d->end && *d->at <= ' ')
		d->at++;
}

/* Memory for n bytes that Lua collects; good until the next call. */
static char *
scratch(struct decode *d, size_t n)
{
	if (d->scratch_size < n) {
		lua_newuserdata(d->L, n);
		lua_replace(d->L, d->scratch);
		d->scratch_size = n;
	}
	return lua_touserdata(d->L, d->scratch);
}

static unsigned
hex4(const uint8_t *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' :
		    (p[i] | 0x20) - 'a' + 10);
	return value;
}

/* Writes a code point as UTF-8; returns behind it. */
static char *
put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 63));
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	}
	return to;
}

/* Undoes the escape behind the backslash at *p. */
static char *
unescape(char *to, const uint8_t **p)
{
	static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
	const uint8_t *at = *p + 1;
	const char *letter = strchr(letters, *at);
	unsigned c;

	*p = at + 1;
	if (*at != 'u') {
		*to++ = letter ? values[letter - letters] : (char)*at;
		return to;
	}
	c = hex4(at + 1);
	*p = at + 5;
	if (c >= 0xd800 && c <= 0xdbff) {
		c = 0x10000 + ((c - 0xd800) << 10) + (hex4(at + 7) - 0xdc00);
		*p = at + 11;
	}
	return put_utf8(to, c);
}

/* Pushes the string that begins at the quote under d->at. */
static void
decode_string(struct decode *d)
{
	const uint8_t *from = ++d->at, *close = from;
	char *text, *to;

	for (;;) {
		close += js_plain_run(close, d->end);
		if (*close == '"' || *close == '\\')
			break;
		close++;
	}
	if (*close == '"') {
		d->at = close + 1;
		lua_pushlstring(d->L, (const char *)from,
		    (size_t)(close - from));
		return;
	}
	while (*close != '"')
		close += *close == '\\' ? 2 : 1;
	to = text = scratch(d, (size_t)(close - from));
	while (from < close) {
		if (*from == '\\')
			to = unescape(to, &from);
		else
			*to++ = (char)*from++;
	}
	d->at = close + 1;
	lua_pushlstring(d->L, text, (size_t)(to - text));
}

/* Pushes a double; one that is infinite is noted. */
static void
push_double(struct decode *d, const uint8_t *from, double value)
{
	if (value - value != 0 && !d->too_large)
		d->too_large = from;
	lua_pushnumber(d->L, value);
}

/* Pushes an integer beyond 2^53: cdata, its text, or the nearest double. */
static void
decode_big(struct decode *d, const char *text, size_t len, bool negative)
{
	struct json_integer value = {0};
	char *copy;
	uint64_t size;

	if (d->options.big_string) {
		lua_pushlstring(d->L, text, len);
		return;
	}
	copy = scratch(d, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	size = strtoull(copy + negative, NULL, 10);
	if (errno || (negative && size > 1ull << 63)) {
		push_double(d, (const uint8_t *)text, strtod(copy, NULL));
		return;
	}
	value.is_unsigned = !negative && size > INT64_MAX;
	value.u = negative ? 0 - size : size;
	json_push_integer(d->L, value);
}

/* The number of any text, by the C library. */
static double
slow_double(struct decode *d, const char *text, size_t len)
{
	char few[SHORT + 1], *copy = len <= SHORT ? few : scratch(d, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return strtod(copy, NULL);
}

/* Pushes the number at d->at. */
static void
decode_number(struct decode *d)
{
	static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
		1e19, 1e20, 1e21, 1e22};
	const uint8_t *from = d->at, *p = from, *end = d->end;
	bool negative = *p == '-', point = false;
	uint64_t digits = 0;
	size_t count = 0, decimals = 0;
	double value;

	for (p += negative; p < end; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		if ((uint8_t)(*p - '0') > 9)
			break;
		digits = digits * 10 + (uint8_t)(*p - '0');
		count += count || *p != '0';
		decimals += point;
	}
	if (p < end && (*p | 0x20) == 'e') {
		for (p++; p < end && ((uint8_t)(*p - '0') < 10 || *p == '+' ||
		    *p == '-'); p++)
			;
		value = slow_double(d, (const char *)from, (size_t)(p - from));
	} else if (count > 18 || digits > EXACT) {
		d->at = p;
		if (!point) {
			decode_big(d, (const char *)from, (size_t)(p - from),
			    negative);
			return;
		}
		value = slow_double(d, (const char *)from, (size_t)(p - from));
	} else if (decimals > 22) {
		value = slow_double(d, (const char *)from, (size_t)(p - from));
	} else {
		value = (double)digits / tens[decimals];
		if (negative && digits)
			value = -value;
	}
	d->at = p;
	push_double(d, from, value);
}

/* Whether a null is next that is to be left out; then it is crossed. */
static inline bool
drops_null(struct decode *d)
{
	if (!d->options.drop_null || *d->at != 'n')
		return false;
	d->at += 4;
	return true;
}

static void
decode_object(struct decode *d)
{
	lua_State *L = d->L;

	lua_newtable(L);
	lua_pushvalue(L, d->object_mark);
	lua_setmetatable(L, -2);
	for (d->at++; skip_space(d), *d->at != '}';) {
		if (*d->at == ',') {
			d->at++;
			skip_space(d);
		}
		decode_string(d);
		skip_space(d);
		d->at++;
		skip_space(d);
		if (drops_null(d)) {
			lua_pushnil(L);
		} else {
			decode(d);
		}
		lua_rawset(L, -3);
	}
	d->at++;
}

static void
decode_array(struct decode *d)
{
	lua_State *L = d->L;
	int i = 0;

	lua_newtable(L);
	lua_pushvalue(L, d->array_mark);
	lua_setmetatable(L, -2);
	for (d->at++; skip_space(d), *d->at != ']';) {
		if (*d->at == ',') {
			d->at++;
			skip_space(d);
		}
		if (drops_null(d))
			continue;
		decode(d);
		lua_rawseti(L, -2, ++i);
	}
	d->at++;
}

/* Pushes the value at d->at, which stands there well-formed. */
static void
decode(struct decode *d)
{
	switch (*d->at) {
	case '{':
		decode_object(d);
		break;
	case '[':
		decode_array(d);
		break;
	case '"':
		decode_string(d);
		break;
	case 't':
		d->at += 4;
		lua_pushboolean(d->L, 1);
		break;
	case 'f':
		d->at += 5;
		lua_pushboolean(d->L, 0);
		break;
	case 'n':
		d->at += 4;
		json_push_null(d->L);
		break;
	default:
		decode_number(d);
	}
}

int
decode_value(lua_State *L, const char *text, size_t n,
    const struct decode_options *options, size_t *offset, struct err *e)
{
	struct decode d = {.L = L, .at = (const uint8_t *)text,
	    .end = (const uint8_t *)text + n};
	const char *fault = js_find_fault(text, n, JS_DEPTH, offset);

	if (fault)
		return err_set(e, "not JSON: %s, at byte %zu", fault, *offset);
	if (!lua_checkstack(L, SLOTS * JS_DEPTH + SPARE)) {
		*offset = 0;
		return err_set(e, "the Lua stack has no room left");
	}
	if (options)
		d.options = *options;
	json_push_mark(L, JSON_MARK_ARRAY);
	d.array_mark = lua_gettop(L);
	json_push_mark(L, JSON_MARK_OBJECT);
	d.object_mark = d.array_mark + 1;
	lua_pushnil(L);
	d.scratch = d.array_mark + 2;
	skip_space(&d);
	if (drops_null(&d))
		lua_pushnil(L);
	else
		decode(&d);
	if (d.too_large) {
		lua_settop(L, d.array_mark - 1);
		*offset = (size_t)(d.too_large - (const uint8_t *)text);
		return err_set(e,
		    "a number too large for a double, at byte %zu", *offset);
	}
	lua_replace(L, d.array_mark);
	lua_settop(L, d.array_mark);
	return 0;
}
