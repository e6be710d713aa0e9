/*
 * The check that bytes are well-formed JSON, in one scan and without memory.
 * Core calls it on every payload that a worker hands in, so each byte is
 * hostile and each nanosecond counts: strings, most of any text, are crossed
 * sixteen bytes a step.
 */
#include "base/js.h"

#include "base/js_text.h"
#include "base/must.h"

#include <string.h>

struct scan {
	const uint8_t *at;
	const uint8_t *end;
	const char *problem;
	unsigned max_depth;
};

/* Notes what is wrong at s->at; returns false. */
static bool
bad(struct scan *s, const char *problem)
{
	s->problem = problem;
	return false;
}

static inline void
skip_space(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' ||
	    *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

/* Four hex digits at p as a number, or -1. */
static int
hex4(const uint8_t *p, const uint8_t *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = p[i] | 0x20;

		if (p[i] >= '0' && p[i] <= '9')
			value = value << 4 | (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* Crosses a \u escape whose four digits start at s->at. */
static bool
cross_unicode(struct scan *s)
{
	int unit = hex4(s->at, s->end);

	if (unit < 0)
		return bad(s, "a \\u escape without four hex digits");
	s->at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	if (unit > 0xdbff || s->end - s->at < 6 || s->at[0] != '\\' ||
	    s->at[1] != 'u')
		return bad(s, "half a surrogate pair");
	unit = hex4(s->at + 2, s->end);
	if (unit < 0xdc00 || unit > 0xdfff)
		return bad(s, "half a surrogate pair");
	s->at += 6;
	return true;
}

/* Crosses an escape; s->at is behind its backslash. */
static bool
cross_escape(struct scan *s)
{
	if (s->at == s->end)
		return bad(s, "a string without an end");
	switch (*s->at++) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n':
	case 'r': case 't':
		return true;
	case 'u':
		return cross_unicode(s);
	}
	s->at--;
	return bad(s, "an unknown escape");
}

/* Crosses the rest of a string and its closing quote. */
static bool
cross_string(struct scan *s)
{
	for (;;) {
		size_t n;

		s->at += js_plain_run(s->at, s->end);
		if (s->at == s->end)
			return bad(s, "a string without an end");
		if (*s->at == '"') {
			s->at++;
			return true;
		}
		if (*s->at == '\\') {
			s->at++;
			if (!cross_escape(s))
				return false;
		} else if (*s->at < 0x20) {
			return bad(s, "a control character in a string");
		} else if ((n = js_utf8_len(s->at, s->end))) {
			s->at += n;
		} else {
			return bad(s, "a byte that is not UTF-8");
		}
	}
}

/* Crosses digits; how many. */
static inline size_t
cross_digits(struct scan *s)
{
	const uint8_t *from = s->at;

	while (s->at < s->end && (uint8_t)(*s->at - '0') < 10)
		s->at++;
	return (size_t)(s->at - from);
}

static bool
cross_number(struct scan *s)
{
	if (*s->at == '-')
		s->at++;
	if (s->at < s->end && *s->at == '0')
		s->at++;
	else if (!cross_digits(s))
		return bad(s, "a value that is no JSON");
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!cross_digits(s))
			return bad(s,
			    "a number without digits after its point");
	}
	if (s->at < s->end && (*s->at | 0x20) == 'e') {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (!cross_digits(s))
			return bad(s,
			    "a number without digits in its exponent");
	}
	return true;
}

static bool
cross_word(struct scan *s, const char *word, size_t n)
{
	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n))
		return bad(s, "a value that is no JSON");
	s->at += n;
	return true;
}

/* Crosses a value that is no container. */
static inline bool
cross_scalar(struct scan *s)
{
	switch (*s->at) {
	case '"':
		s->at++;
		return cross_string(s);
	case 't':
		return cross_word(s, "true", 4);
	case 'f':
		return cross_word(s, "false", 5);
	case 'n':
		return cross_word(s, "null", 4);
	}
	return cross_number(s);
}

/* Crosses a member's name and colon. */
static inline bool
cross_name(struct scan *s)
{
	skip_space(s);
	if (s->at == s->end || *s->at != '"')
		return bad(s, "an object that wants a name here");
	s->at++;
	if (!cross_string(s))
		return false;
	skip_space(s);
	if (s->at == s->end || *s->at != ':')
		return bad(s, "a name without a colon");
	s->at++;
	return true;
}

/*
 * Crosses one value. open is a stack of bits, one a container around the
 * place: 1 for an object. A value is followed by commas and closings until
 * the next value begins or the outermost is done.
 */
static bool
cross_value(struct scan *s)
{
	uint64_t open[JS_DEPTH / 64 + 1] = {0};
	unsigned depth = 0;

	for (;;) {
		bool object;

		skip_space(s);
		if (s->at == s->end)
			return bad(s, "an end in the middle");
		object = *s->at == '{';
		if (object || *s->at == '[') {
			if (depth == s->max_depth)
				return bad(s, "nesting that is too deep");
			s->at++;
			open[depth / 64] &= ~(1ull << depth % 64);
			open[depth / 64] |= (uint64_t)object << depth % 64;
			depth++;
			skip_space(s);
			if (s->at == s->end ||
			    *s->at != (object ? '}' : ']')) {
				if (object && !cross_name(s))
					return false;
				continue;
			}
			s->at++;
			depth--;
		} else if (!cross_scalar(s)) {
			return false;
		}
		for (;;) {
			if (!depth)
				return true;
			object = open[(depth - 1) / 64] >> (depth - 1) % 64 & 1;
			skip_space(s);
			if (s->at == s->end)
				return bad(s, "an end in the middle");
			if (*s->at == ',') {
				s->at++;
				if (object && !cross_name(s))
					return false;
				break;
			}
			if (*s->at != (object ? '}' : ']'))
				return bad(s, object ?
				    "an object that wants , or } here" :
				    "an array that wants , or ] here");
			s->at++;
			depth--;
		}
	}
}

/* Crosses the value and what stands around it. */
static bool
cross_text(struct scan *s, bool object)
{
	skip_space(s);
	if (object && (s->at == s->end || *s->at != '{'))
		return bad(s, "something else than an object");
	if (!cross_value(s))
		return false;
	skip_space(s);
	return s->at == s->end || bad(s, "something behind the value");
}

static int
check(const void *p, size_t n, unsigned max_depth, bool object, struct err *e)
{
	struct scan s = {.at = p, .end = (const uint8_t *)p + n,
	    .max_depth = max_depth};

	must(max_depth <= JS_DEPTH);
	if (cross_text(&s, object))
		return 0;
	return err_set(e, "not JSON: %s, at byte %zu", s.problem,
	    (size_t)(s.at - (const uint8_t *)p));
}

int
js_check_object(const void *p, size_t n, unsigned max_depth, struct err *e)
{
	return check(p, n, max_depth, true, e);
}

int
js_check_value(const void *p, size_t n, unsigned max_depth, struct err *e)
{
	return check(p, n, max_depth, false, e);
}

const char *
js_find_fault(const void *p, size_t n, unsigned max_depth, size_t *at)
{
	struct scan s = {.at = p, .end = (const uint8_t *)p + n,
	    .max_depth = max_depth};

	must(max_depth <= JS_DEPTH);
	if (cross_text(&s, false))
		return NULL;
	*at = (size_t)(s.at - (const uint8_t *)p);
	return s.problem;
}
