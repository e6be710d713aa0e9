/*
 * Scalars of YAML 1.1 as PyYAML's safe loader resolves them, by hand-written
 * matchers: each takes a cursor over the bytes and either eats what it
 * names or leaves the cursor alone. Called by yml.c for every scalar; knows
 * neither tags nor places, and must never look behind `end`.
 */
#include "pack/yml_scalar.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"

struct cursor {
	const char *at;
	const char *end;
};

/* The names of bool and null, in the three spellings YAML 1.1 knows. */
static const struct name {
	const char *text;
	enum yml_kind kind;
	bool value;
} names[] = {
	{ "~", YML_NULL, false },
	{ "null", YML_NULL, false },
	{ "yes", YML_BOOL, true },
	{ "no", YML_BOOL, false },
	{ "true", YML_BOOL, true },
	{ "false", YML_BOOL, false },
	{ "on", YML_BOOL, true },
	{ "off", YML_BOOL, false },
};

/* True for lower, Capital and UPPER spelling of a name, no other mix. */
static bool
name_is(const char *name, const char *text, size_t len)
{
	bool upper = true, lower = true;
	size_t i;

	if (strlen(name) != len || strncasecmp(name, text, len) != 0)
		return false;
	for (i = 1; i < len; i++) {
		upper = upper && text[i] >= 'A' && text[i] <= 'Z';
		lower = lower && text[i] >= 'a' && text[i] <= 'z';
	}
	return lower || (upper && text[0] == name[0] - ('a' - 'A'));
}

/* The entry of names that the text is, or NULL. */
static const struct name *
name_find(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name_is(names[i].text, text, len))
			return &names[i];
	return NULL;
}

static bool
at_end(const struct cursor *c)
{
	return c->at == c->end;
}

/* Eats one of the characters of set. */
static bool
eat_one(struct cursor *c, const char *set)
{
	if (at_end(c) || *c->at == '\0' || !strchr(set, *c->at))
		return false;
	c->at++;
	return true;
}

/* Eats all characters of set that come; returns how many. */
static size_t
eat_all(struct cursor *c, const char *set)
{
	const char *from = c->at;

	while (eat_one(c, set))
		;
	return (size_t)(c->at - from);
}

#define DIGITS "0123456789"

/* Eats one ":" group of a base-60 number: one or two digits, below 60. */
static bool
eat_sixty(struct cursor *c)
{
	struct cursor try = *c;

	if (!eat_one(&try, ":"))
		return false;
	if (eat_one(&try, "012345")) {
		eat_one(&try, DIGITS);
	} else if (!eat_one(&try, DIGITS)) {
		return false;
	}
	*c = try;
	return true;
}

/* [-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|base 60) */
static bool
is_integer(const char *text, size_t len)
{
	struct cursor c = { text, text + len };

	eat_one(&c, "-+");
	if (eat_one(&c, "0")) {
		if (at_end(&c))
			return true;
		if (eat_one(&c, "b"))
			return eat_all(&c, "01_") && at_end(&c);
		if (eat_one(&c, "x"))
			return eat_all(&c, DIGITS "abcdefABCDEF_") &&
			    at_end(&c);
		return eat_all(&c, "01234567_") && at_end(&c);
	}
	if (!eat_one(&c, "123456789"))
		return false;
	eat_all(&c, DIGITS "_");
	while (eat_sixty(&c))
		;
	return at_end(&c);
}

/* ([eE][-+][0-9]+)? and then the end. */
static bool
is_exponent_end(struct cursor *c)
{
	if (at_end(c))
		return true;
	return eat_one(c, "eE") && eat_one(c, "-+") && eat_all(c, DIGITS) &&
	    at_end(c);
}

/* [-+]?.inf or .nan, in their spellings; the sign only before inf. */
static bool
is_special(const char *text, size_t len)
{
	if (len == 5 && (text[0] == '-' || text[0] == '+'))
		return text[1] == '.' && name_is("inf", text + 2, 3);
	return len == 4 && text[0] == '.' && (name_is("inf", text + 1, 3) ||
	    memcmp(text + 1, "nan", 3) == 0 ||
	    memcmp(text + 1, "NaN", 3) == 0 ||
	    memcmp(text + 1, "NAN", 3) == 0);
}

/* The float forms of the resolver; 1e3 and -.5 are none of them. */
static bool
is_float(const char *text, size_t len)
{
	struct cursor c = { text, text + len };
	bool sixty = false;

	if (is_special(text, len))
		return true;
	if (eat_one(&c, "."))
		return eat_one(&c, DIGITS) &&
		    (eat_all(&c, DIGITS "_"), is_exponent_end(&c));
	eat_one(&c, "-+");
	if (!eat_one(&c, DIGITS))
		return false;
	eat_all(&c, DIGITS "_");
	while (eat_sixty(&c))
		sixty = true;
	if (!eat_one(&c, "."))
		return false;
	eat_all(&c, DIGITS "_");
	return sixty ? at_end(&c) : is_exponent_end(&c);
}

enum yml_kind
yml_scalar_resolve(const char *text, size_t len)
{
	const struct name *name;

	if (len == 0)
		return YML_NULL;
	if (strchr("-+.0123456789", text[0]) && text[0] != '\0') {
		if (is_integer(text, len))
			return YML_INTEGER;
		return is_float(text, len) ? YML_FLOAT : YML_STRING;
	}
	if (len == 2 && memcmp(text, "<<", 2) == 0)
		return YML_MERGE;
	if (len == 1 && text[0] == '=')
		return YML_VALUE;
	name = name_find(text, len);
	return name ? name->kind : YML_STRING;
}

/* Puts digit behind *value in the base; false if it leaves uint64. */
static bool
put_digit(uint64_t *value, unsigned base, unsigned digit)
{
	return !__builtin_mul_overflow(*value, (uint64_t)base, value) &&
	    !__builtin_add_overflow(*value, (uint64_t)digit, value);
}

/* The value of a hexadecimal digit. */
static unsigned
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return (unsigned)((c | 0x20) - 'a') + 10;
}

/* Reads digits of one base, underscores between them; false: too large. */
static bool
read_digits(struct cursor *c, unsigned base, uint64_t *value)
{
	for (*value = 0; !at_end(c) && *c->at != ':'; c->at++)
		if (*c->at != '_' && !put_digit(value, base, digit_of(*c->at)))
			return false;
	return true;
}

/* The magnitude of an integer without its sign; false: too large. */
static bool
read_integer(struct cursor *c, uint64_t *value)
{
	uint64_t part;

	if (!at_end(c) && *c->at == '0' && c->end - c->at > 1) {
		c->at++;
		if (eat_one(c, "b"))
			return read_digits(c, 2, value);
		return read_digits(c, eat_one(c, "x") ? 16 : 8, value);
	}
	if (!read_digits(c, 10, value))
		return false;
	while (eat_one(c, ":"))
		if (!read_digits(c, 10, &part) ||
		    !put_digit(value, 60, (unsigned)part))
			return false;
	return true;
}

/* The integer of a text that is_integer took. */
static json_t *
make_integer(const char *text, size_t len, struct err *e)
{
	struct cursor c = { text, text + len };
	bool negative = text[0] == '-';
	uint64_t value;
	size_t left;

	eat_one(&c, "-+");
	left = (size_t)(c.end - c.at);
	if (left > 2 && (c.at[1] == 'x' || c.at[1] == 'b') &&
	    strspn(c.at + 2, "_") == left - 2) {
		err_set(e, "\"%.*s\" has no digits", (int)len, text);
		return NULL;
	}
	if (!read_integer(&c, &value) ||
	    value > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
		err_set(e, "the integer %.40s%s is beyond 64 bits; quote it to "
		    "keep it as a string", text, len > 40 ? "..." : "");
		return NULL;
	}
	return json_integer(negative ? (json_int_t)(0 - value) :
	    (json_int_t)value);
}

/* The sum of base-60 groups of a float; text is NUL-ended digits. */
static double
read_sixty(const char *text)
{
	double value = 0;
	char *end;

	for (;; text = end + 1) {
		value = value * 60 + strtod(text, &end);
		if (*end != ':')
			return value;
	}
}

/* True for the float texts strtod may read: digits, dot, exponent. */
static bool
is_decimal(const char *text)
{
	struct cursor c = { text, text + strlen(text) };
	size_t digits;

	eat_one(&c, "-+");
	digits = eat_all(&c, DIGITS);
	if (eat_one(&c, "."))
		digits += eat_all(&c, DIGITS);
	if (digits && eat_one(&c, "eE")) {
		eat_one(&c, "-+");
		return eat_all(&c, DIGITS) && at_end(&c);
	}
	return digits && at_end(&c);
}

/* The float of a text: what the resolver takes, and after !!float more. */
static json_t *
make_float(const char *text, size_t len, struct err *e)
{
	char *plain;
	double value;
	size_t i, n = 0;
	bool sixty = is_float(text, len) && memchr(text, ':', len);

	if (is_special(text, len)) {
		err_set(e, "%.*s is a number that JSON does not have; quote it "
		    "to keep it as a string", (int)len, text);
		return NULL;
	}
	plain = xmalloc(len + 1);
	for (i = 0; i < len; i++)
		if (text[i] != '_')
			plain[n++] = text[i];
	plain[n] = '\0';
	if (!sixty && !is_decimal(plain)) {
		err_set(e, "\"%.60s\" is no number", plain);
		free(plain);
		return NULL;
	}
	i = sixty && (plain[0] == '-' || plain[0] == '+');
	value = sixty ? read_sixty(plain + i) : strtod(plain, NULL);
	if (i && plain[0] == '-')
		value = -value;
	if (!isfinite(value))
		err_set(e, "the number %.40s is too large", plain);
	free(plain);
	return isfinite(value) ? json_real(value) : NULL;
}

/* The bool of a text, which after !!bool may be none. */
static json_t *
make_bool(const char *text, size_t len, struct err *e)
{
	const struct name *name = name_find(text, len);

	if (name && name->kind == YML_BOOL)
		return json_boolean(name->value);
	err_set(e, "\"%.*s\" is no boolean; write true or false",
	    (int)(len > 60 ? 60 : len), text);
	return NULL;
}

json_t *
yml_scalar_make(enum yml_kind kind, const char *text, size_t len,
    struct err *e)
{
	json_t *value;

	switch (kind) {
	case YML_NULL:
		return json_null();
	case YML_BOOL:
		return make_bool(text, len, e);
	case YML_INTEGER:
		if (is_integer(text, len))
			return make_integer(text, len, e);
		err_set(e, "\"%.*s\" is no integer",
		    (int)(len > 60 ? 60 : len), text);
		return NULL;
	case YML_FLOAT:
		return make_float(text, len, e);
	case YML_MERGE:
	case YML_VALUE:
		err_set(e, "a bare %.*s is no value; quote it", (int)len, text);
		return NULL;
	case YML_STRING:
		break;
	}
	value = json_stringn(text, len);
	if (!value)
		err_set(e, "the text is not valid UTF-8");
	return value;
}
