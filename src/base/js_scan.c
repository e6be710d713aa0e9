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

/*
 * What a scan keeps. Functions take the place that they stand at and return
 * the place behind what they crossed, or NULL after fault().
 */
struct scan {
	const uint8_t *end;
	const uint8_t *at;	/* of the problem */
	const char *problem;
	unsigned max_depth;
};

/* Notes what is wrong at p. */
static const uint8_t *
fault(struct scan *s, const uint8_t *p, const char *problem)
{
	s->at = p;
	s->problem = problem;
	return NULL;
}

static inline const uint8_t *
skip_space(const struct scan *s, const uint8_t *p)
{
	while (p < s->end && *p <= ' ' && (*p == ' ' || *p == '\n' ||
	    *p == '\t' || *p == '\r'))
		p++;
	return p;
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

/* Crosses the digits of a \u escape, and its other half if it has one. */
static const uint8_t *
cross_unicode(struct scan *s, const uint8_t *p)
{
	int unit = hex4(p, s->end);

	if (unit < 0)
		return fault(s, p, "a \\u escape without four hex digits");
	p += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return p;
	if (unit > 0xdbff || s->end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return fault(s, p, "half a surrogate pair");
	unit = hex4(p + 2, s->end);
	if (unit < 0xdc00 || unit > 0xdfff)
		return fault(s, p, "half a surrogate pair");
	return p + 6;
}

/* Crosses an escape from behind its backslash. */
static const uint8_t *
cross_escape(struct scan *s, const uint8_t *p)
{
	if (p == s->end)
		return fault(s, p, "a string without an end");
	switch (*p) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n':
	case 'r': case 't':
		return p + 1;
	case 'u':
		return cross_unicode(s, p + 1);
	}
	return fault(s, p, "an unknown escape");
}

/* Crosses what is not plain in a string, and then its rest. */
static const uint8_t *
cross_string_slowly(struct scan *s, const uint8_t *p)
{
	while (p && p < s->end && *p != '"') {
		size_t n;

		if (*p == '\\')
			p = cross_escape(s, p + 1);
		else if (*p < 0x20)
			p = fault(s, p, "a control character in a string");
		else if (*p < 0x80)
			p += js_plain_run(p, s->end);
		else if ((n = js_utf8_len(p, s->end)))
			p += n;
		else
			p = fault(s, p, "a byte that is not UTF-8");
	}
	if (p == s->end)
		return fault(s, p, "a string without an end");
	return p ? p + 1 : NULL;
}

/* Crosses a string from behind its opening quote. */
static inline const uint8_t *
cross_string(struct scan *s, const uint8_t *p)
{
	p += js_plain_run(p, s->end);
	if (p < s->end && *p == '"')
		return p + 1;
	return cross_string_slowly(s, p);
}

static inline const uint8_t *
cross_digits(const struct scan *s, const uint8_t *p)
{
	while (p < s->end && (uint8_t)(*p - '0') < 10)
		p++;
	return p;
}

/* Crosses what a number has behind its digits. */
static const uint8_t *
cross_fraction(struct scan *s, const uint8_t *p)
{
	const uint8_t *from;

	if (*p == '.') {
		from = ++p;
		p = cross_digits(s, p);
		if (p == from)
			return fault(s, p,
			    "a number without digits after its point");
	}
	if (p < s->end && (*p | 0x20) == 'e') {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = cross_digits(s, p);
		if (p == from)
			return fault(s, p,
			    "a number without digits in its exponent");
	}
	return p;
}

static inline const uint8_t *
cross_number(struct scan *s, const uint8_t *p)
{
	const uint8_t *from = p += *p == '-';

	p = cross_digits(s, p);
	if (p == from)
		return fault(s, p, "a value that is no JSON");
	if (*from == '0')
		p = from + 1;
	if (p < s->end && (*p == '.' || (*p | 0x20) == 'e'))
		return cross_fraction(s, p);
	return p;
}

static const uint8_t *
cross_word(struct scan *s, const uint8_t *p, const char *word, size_t n)
{
	if ((size_t)(s->end - p) < n || memcmp(p, word, n))
		return fault(s, p, "a value that is no JSON");
	return p + n;
}

/* Crosses a value that is no container. */
static inline const uint8_t *
cross_scalar(struct scan *s, const uint8_t *p)
{
	switch (*p) {
	case '"':
		return cross_string(s, p + 1);
	case 't':
		return cross_word(s, p, "true", 4);
	case 'f':
		return cross_word(s, p, "false", 5);
	case 'n':
		return cross_word(s, p, "null", 4);
	}
	return cross_number(s, p);
}

/* Crosses a member's name and colon. */
static inline const uint8_t *
cross_name(struct scan *s, const uint8_t *p)
{
	p = skip_space(s, p);
	if (p == s->end || *p != '"')
		return fault(s, p, "an object that wants a name here");
	p = cross_string(s, p + 1);
	if (!p)
		return NULL;
	p = skip_space(s, p);
	if (p == s->end || *p != ':')
		return fault(s, p, "a name without a colon");
	return p + 1;
}

/* Says what a container wants where something else stands. */
static const uint8_t *
fault_between(struct scan *s, const uint8_t *p, bool object)
{
	if (p == s->end)
		return fault(s, p, "an end in the middle");
	return fault(s, p, object ? "an object that wants , or } here" :
	    "an array that wants , or ] here");
}

/*
 * Crosses one value. open is a stack of bits, one a container around the
 * place: 1 for an object. A value is followed by commas and closings until
 * the next value begins or the outermost is done.
 */
static const uint8_t *
cross_value(struct scan *s, const uint8_t *p)
{
	uint64_t open[JS_DEPTH / 64 + 1] = {0};
	unsigned depth = 0;

	for (;;) {
		bool object;

		p = skip_space(s, p);
		if (p == s->end)
			return fault(s, p, "an end in the middle");
		object = *p == '{';
		if (!object && *p != '[') {
			p = cross_scalar(s, p);
		} else {
			if (depth == s->max_depth)
				return fault(s, p, "nesting that is too deep");
			open[depth / 64] &= ~(1ull << depth % 64);
			open[depth / 64] |= (uint64_t)object << depth % 64;
			depth++;
			p = skip_space(s, p + 1);
			if (p == s->end || *p != (object ? '}' : ']')) {
				if (object && !(p = cross_name(s, p)))
					return NULL;
				continue;
			}
			p++;
			depth--;
		}
		for (; p; p++, depth--) {
			if (!depth)
				return p;
			object = open[(depth - 1) / 64] >> (depth - 1) % 64 & 1;
			p = skip_space(s, p);
			if (p < s->end && *p == ',')
				break;
			if (p == s->end || *p != (object ? '}' : ']'))
				return fault_between(s, p, object);
		}
		if (!p || (p++, object && !(p = cross_name(s, p))))
			return NULL;
	}
}

/* Crosses the value and what stands around it; false after a fault. */
static bool
cross_text(struct scan *s, const uint8_t *p, bool object)
{
	p = skip_space(s, p);
	if (object && (p == s->end || *p != '{'))
		return fault(s, p, "something else than an object");
	p = cross_value(s, p);
	if (!p)
		return false;
	p = skip_space(s, p);
	return p == s->end || fault(s, p, "something behind the value");
}

static int
check(const void *p, size_t n, unsigned max_depth, bool object, struct err *e)
{
	struct scan s = {.end = (const uint8_t *)p + n,
	    .max_depth = max_depth};

	must(max_depth <= JS_DEPTH);
	if (cross_text(&s, p, object))
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
	struct scan s = {.end = (const uint8_t *)p + n,
	    .max_depth = max_depth};

	must(max_depth <= JS_DEPTH);
	if (cross_text(&s, p, false))
		return NULL;
	*at = (size_t)(s.at - (const uint8_t *)p);
	return s.problem;
}
