/*
 * Patterns by PCRE2, compiled once, with limits on every match. Called by
 * the schema compiler and evaluators; a pattern comes from a pack and a
 * subject from anywhere, so neither may make a match expensive.
 */
#include "schema/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define MATCH_LIMIT 100000
#define HEAP_LIMIT 1024		/* kilobytes, of the interpreter */
#define PATTERN_MAX 65536

struct regex {
	char *text;
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_match_data *data;
};

/* White space of ECMA-262, inside a class; and all the rest. */
static const char space[] = "\\t-\\r \\u{a0}\\u{1680}\\u{2000}-\\u{200a}"
    "\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}\\u{feff}";
static const char not_space[] = "\\x00-\\x08\\x0e-\\x1f!-\\u{9f}"
    "\\u{a1}-\\u{167f}\\u{1681}-\\u{1fff}\\u{200b}-\\u{2027}"
    "\\u{202a}-\\u{202e}\\u{2030}-\\u{205e}\\u{2060}-\\u{2fff}"
    "\\u{3001}-\\u{fefe}\\u{ff00}-\\u{10ffff}";

/* Long names of general categories, which PCRE2 knows by their letters. */
static const struct {
	const char *name;
	const char *code;
} categories[] = {
	{"Letter", "L"}, {"Cased_Letter", "L&"}, {"Uppercase_Letter", "Lu"},
	{"Lowercase_Letter", "Ll"}, {"Titlecase_Letter", "Lt"},
	{"Mark", "M"}, {"Number", "N"}, {"Decimal_Number", "Nd"},
	{"digit", "Nd"}, {"Punctuation", "P"}, {"punct", "P"},
	{"Symbol", "S"}, {"Separator", "Z"}, {"Other", "C"},
	{"Control", "Cc"},
};

/* Translates \p{Name}; at is behind the p. How much of it was read. */
static size_t
put_category(struct buf *out, const char *at, const char *end)
{
	const char *close = at < end && *at == '{' ?
	    memchr(at, '}', (size_t)(end - at)) : NULL;
	size_t len = close ? (size_t)(close - at - 1) : 0;

	for (size_t i = 0; i < sizeof(categories) / sizeof(*categories); i++) {
		if (strlen(categories[i].name) == len &&
		    !memcmp(categories[i].name, at + 1, len)) {
			buf_printf(out, "{%s}", categories[i].code);
			return len + 2;
		}
	}
	return 0;
}

/* Translates the escape whose letter is at `at`; how much was read. */
static size_t
put_escape(struct buf *out, const char *at, const char *end, bool in_class)
{
	switch (*at) {
	case 's':
		buf_printf(out, in_class ? "%s" : "[%s]", space);
		return 1;
	case 'S':
		buf_printf(out, in_class ? "%s" : "[%s]", not_space);
		return 1;
	case 'v':
		buf_puts(out, "\\x0b");
		return 1;
	case 'c':
		if (end - at >= 2 && (at[1] | 0x20) >= 'a' &&
		    (at[1] | 0x20) <= 'z') {
			buf_printf(out, "\\x%02x", at[1] & 31);
			return 2;
		}
		break;
	case 'p':
	case 'P':
		buf_putc(out, '\\');
		buf_putc(out, *at);
		return 1 + put_category(out, at + 1, end);
	}
	buf_putc(out, '\\');
	buf_putc(out, *at);
	return 1;
}

/* Rewrites what ECMA-262 and PCRE2 mean differently. */
static void
translate(struct buf *out, const char *at, const char *end)
{
	bool in_class = false;

	while (at < end) {
		if (*at == '\\' && at + 1 < end) {
			at++;
			at += put_escape(out, at, end, in_class);
			continue;
		}
		if (*at == '[' && !in_class) {
			in_class = true;
			buf_putc(out, *at++);
			if (at < end && *at == '^')
				buf_putc(out, *at++);
			continue;
		}
		if (*at == '[')
			buf_putc(out, '\\');	/* no [:class:] in ECMA */
		if (*at == ']')
			in_class = false;
		buf_putc(out, *at++);
	}
}

/* Compiles what translate made. */
static int
compile(struct regex *r, const struct buf *source, struct err *e)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE offset;
	int code;

	pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX |
	    PCRE2_EXTRA_BAD_ESCAPE_IS_LITERAL);
	pcre2_set_parens_nest_limit(context, 100);
	r->code = pcre2_compile(source->data ? source->data : (PCRE2_SPTR)"",
	    source->len, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C |
	    PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
	    PCRE2_MATCH_UNSET_BACKREF, &code,
	    &offset, context);
	pcre2_compile_context_free(context);
	if (r->code)
		return 0;
	pcre2_get_error_message(code, why, sizeof(why));
	return err_set(e, "pattern \"%s\" does not compile: %s", r->text,
	    (char *)why);
}

struct regex *
regex_new(const char *pattern, size_t len, struct err *e)
{
	struct regex *r = xcalloc(1, sizeof(*r));
	struct buf source = {0};

	r->text = xstrndup(pattern, len);
	if (len > PATTERN_MAX) {
		err_set(e, "a pattern of %zu bytes; %d is the most", len,
		    PATTERN_MAX);
		regex_free(&r);
		return NULL;
	}
	translate(&source, pattern, pattern + len);
	if (compile(r, &source, e)) {
		buf_release(&source);
		regex_free(&r);
		return NULL;
	}
	buf_release(&source);
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT);
	r->data = pcre2_match_data_create(1, NULL);
	return r;
}

void
regex_free(struct regex **r)
{
	if (!*r)
		return;
	pcre2_match_data_free((*r)->data);
	pcre2_match_context_free((*r)->limits);
	pcre2_code_free((*r)->code);
	free((*r)->text);
	free(*r);
	*r = NULL;
}

bool
regex_matches(const struct regex *r, const char *s, size_t len)
{
	return pcre2_match(r->code, (PCRE2_SPTR)s, len, 0, 0, r->data,
	    r->limits) >= 0;
}

const char *
regex_text(const struct regex *r)
{
	return r->text;
}
