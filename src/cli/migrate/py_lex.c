/*
 * A lexer of Python for `sensorhost migrate`. It has to follow strings,
 * brackets and indentation exactly, since all else hangs on them, and it may
 * be lax about the rest: nothing is run. It must come to an end on any bytes.
 */
#include "cli/migrate/py_lex.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"
#define TAB 8

struct lexer {
	struct py_tokens *out;
	const char *at;
	const char *end;
	int line;
	unsigned brackets; /* that are open */
	bool fresh;        /* a logical line begins here */
	unsigned depth;
	unsigned indents[PY_DEPTH_MAX];
};

/* The character n ahead; NUL behind the end. */
static char
peek(const struct lexer *x, size_t n)
{
	return (size_t)(x->end - x->at) > n ? x->at[n] : '\0';
}

/* True for a character of names; bytes beyond ASCII count as letters. */
static bool
is_name(char c)
{
	return c != '\0' && (strchr(LETTERS DIGITS, c) || (c & 0x80));
}

/* Stops: what follows is not understood. */
static void
give_up(struct lexer *x, const char *why)
{
	if (!x->out->why) {
		x->out->why = why;
		x->out->bad_line = x->line;
	}
	x->at = x->end;
}

/* Adds a token; growth is by doubling. */
static void
add(struct lexer *x, enum py_type type, int line, const char *text,
    size_t len)
{
	struct py_tokens *t = x->out;

	if (t->count >= PY_TOKENS_MAX && type < PY_NEWLINE) {
		give_up(x, "there is too much of it");
		return;
	}
	if ((t->count & (t->count - 1)) == 0)
		t->items = xreallocarray(t->items, t->count ? 2 * t->count : 1,
		    sizeof(*t->items));
	t->items[t->count++] = (struct py_token){.type = type, .line = line,
	    .text = text, .len = len};
}

/* Moves over one character and counts lines. */
static void
step(struct lexer *x)
{
	if (*x->at++ == '\n')
		x->line++;
}

/* Compares the indentation of a logical line with those around it. */
static void
indent(struct lexer *x, unsigned columns)
{
	unsigned top = x->depth ? x->indents[x->depth - 1] : 0;

	if (columns > top) {
		if (x->depth == PY_DEPTH_MAX) {
			give_up(x, "it is indented too deep");
			return;
		}
		x->indents[x->depth++] = columns;
		add(x, PY_INDENT, x->line, "", 0);
		return;
	}
	while (x->depth && columns < x->indents[x->depth - 1]) {
		x->depth--;
		add(x, PY_DEDENT, x->line, "", 0);
	}
}

/* The blanks at the start of a line; true if anything but a comment comes. */
static bool
begin_line(struct lexer *x)
{
	unsigned columns = 0;

	for (;; x->at++) {
		if (peek(x, 0) == ' ')
			columns++;
		else if (peek(x, 0) == '\t')
			columns += TAB - columns % TAB;
		else if (peek(x, 0) == '\f')
			columns = 0;
		else
			break;
	}
	if (x->at == x->end || strchr("#\r\n", *x->at))
		return false;
	indent(x, columns);
	x->fresh = false;
	return true;
}

/* How many characters of a string's prefix stand here, its quote behind. */
static size_t
prefix_len(const struct lexer *x)
{
	size_t n = 0;

	while (n < 3 && peek(x, n) && strchr("rRbBuUfF", peek(x, n)))
		n++;
	return peek(x, n) == '"' || peek(x, n) == '\'' ? n : SIZE_MAX;
}

/* A string, from its prefix (n characters) to its closing quotes. */
static void
lex_string(struct lexer *x, size_t n)
{
	const char *from = x->at;
	char quote = peek(x, n);
	bool three = peek(x, n + 1) == quote && peek(x, n + 2) == quote;
	int line = x->line;

	x->at += n + (three ? 3 : 1);
	for (;;) {
		if (x->at >= x->end || (!three && *x->at == '\n')) {
			x->line = line;
			give_up(x, "a string has no end");
			return;
		}
		if (*x->at == '\\' && x->end - x->at > 1) {
			x->at++;
			step(x);
		} else if (*x->at != quote) {
			step(x);
		} else if (!three || (peek(x, 1) == quote &&
		    peek(x, 2) == quote)) {
			x->at += three ? 3 : 1;
			break;
		} else {
			x->at++;
		}
	}
	add(x, PY_STRING, line, from, (size_t)(x->at - from));
}

/* A name or a number. */
static void
lex_word(struct lexer *x)
{
	const char *from = x->at;
	bool number = strchr(DIGITS, *from) != NULL;

	while (is_name(peek(x, 0)) || (number && peek(x, 0) == '.'))
		x->at++;
	add(x, number ? PY_NUMBER : PY_NAME, x->line, from,
	    (size_t)(x->at - from));
}

/* An operator or bracket. */
static void
lex_op(struct lexer *x)
{
	static const char *const pairs[] = {"==", "!=", "<=", ">=", "->",
	    "**", "//", "+=", "-=", "*=", "/=", "%=", "|=", "&=", ":=", "<<",
	    ">>", "<>"};
	size_t n = 1, i;
	char c = *x->at;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] == c && pairs[i][1] == peek(x, 1))
			n = 2;
	if (strchr("([{", c))
		x->brackets++;
	else if (strchr(")]}", c) && x->brackets > 0)
		x->brackets--;
	add(x, PY_OP, x->line, x->at, n);
	x->at += n;
}

/* The end of a line: of a logical one too, outside brackets. */
static void
end_line(struct lexer *x)
{
	if (x->brackets == 0 && !x->fresh) {
		add(x, PY_NEWLINE, x->line, "", 0);
		x->fresh = true;
	}
	step(x);
}

/* Takes whatever stands here. */
static void
lex_one(struct lexer *x)
{
	size_t n;

	if (x->fresh && x->brackets == 0 && !begin_line(x) && x->at == x->end)
		return;
	if (x->at == x->end)
		return;
	if (*x->at == '#') {
		while (x->at < x->end && *x->at != '\n')
			x->at++;
	} else if (*x->at == '\n') {
		end_line(x);
	} else if (*x->at == '\\' && (peek(x, 1) == '\n' ||
	    (peek(x, 1) == '\r' && peek(x, 2) == '\n'))) {
		x->at += peek(x, 1) == '\r' ? 2 : 1;
		step(x);
	} else if (strchr(" \t\r\f", *x->at)) {
		x->at++;
	} else if ((n = prefix_len(x)) != SIZE_MAX) {
		lex_string(x, n);
	} else if (is_name(*x->at)) {
		lex_word(x);
	} else if ((unsigned char)*x->at < ' ') {
		give_up(x, "there is a control character");
	} else {
		lex_op(x);
	}
}

void
py_lex(struct py_tokens *t, const char *text, size_t len)
{
	struct lexer x = {.out = t, .at = text, .end = text + len, .line = 1,
	    .fresh = true};

	*t = (struct py_tokens){0};
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		x.at += 3;
	while (x.at < x.end)
		lex_one(&x);
	if (!x.fresh)
		add(&x, PY_NEWLINE, x.line, "", 0);
	while (x.depth > 0 && x.depth--)
		add(&x, PY_DEDENT, x.line, "", 0);
	add(&x, PY_END, x.line, "", 0);
}

void
py_tokens_release(struct py_tokens *t)
{
	free(t->items);
	t->items = NULL;
	t->count = 0;
}

bool
py_is(const struct py_token *t, const char *text)
{
	return (t->type == PY_NAME || t->type == PY_OP) &&
	    strlen(text) == t->len && memcmp(t->text, text, t->len) == 0;
}

char *
py_copy(const struct py_token *t)
{
	return xstrndup(t->text, t->len);
}

/* Appends what an escape says; the rest of it is at s. Returns its length. */
static size_t
put_escape(struct buf *out, const char *s)
{
	static const char from[] = "nrtabfv0\\'\"";
	static const char to[] = "\n\r\t\a\b\f\v\0\\'\"";
	const char *found = strchr(from, *s);

	if (*s == '\n')
		return 1;
	if (found && *s != '\0') {
		buf_putc(out, to[found - from]);
		return 1;
	}
	buf_putc(out, '\\');
	buf_putc(out, *s);
	return 1;
}

bool
py_string(struct buf *out, const struct py_token *t)
{
	const char *s = t->text, *end = t->text + t->len;
	bool raw = false, plain = true;
	size_t quotes;

	for (; *s != '"' && *s != '\''; s++) {
		raw |= *s == 'r' || *s == 'R';
		plain &= *s != 'f' && *s != 'F';
	}
	quotes = end - s >= 6 && s[1] == s[0] && s[2] == s[0] ? 3 : 1;
	for (s += quotes, end -= quotes; s < end; )
		if (*s == '\\' && !raw && s + 1 < end)
			s += 1 + put_escape(out, s + 1);
		else
			buf_putc(out, *s++);
	return plain;
}
