#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Python source, versions 2 and 3, as tokens: as much of it as is needed to
 * find classes, methods and calls. Comments are left out.
 */
enum py_type {
	PY_NAME,    /* keywords too */
	PY_STRING,  /* with its prefix and quotes */
	PY_NUMBER,
	PY_OP,      /* one character, or two such as == ** -> */
	PY_NEWLINE, /* the end of a logical line */
	PY_INDENT,
	PY_DEDENT,
	PY_END      /* the last one, always there */
};

struct py_token {
	enum py_type type;
	int line;         /* from 1 */
	const char *text; /* into the source; "" for the last four */
	size_t len;
};

struct py_tokens {
	struct py_token *items;
	size_t count;
	int bad_line;    /* where it stopped making sense; 0: it did not */
	const char *why; /* static */
};

/*
 * The tokens of a source, which must live as long as they do. What makes no
 * sense ends them there.
 */
#define PY_DEPTH_MAX 100u  /* levels of indentation */
#define PY_TOKENS_MAX 400000u
void py_lex(struct py_tokens *t, const char *text, size_t len);
void py_tokens_release(struct py_tokens *t);

/* Whether a token is that name, keyword or operator. */
bool py_is(const struct py_token *t, const char *text);

/* A token's text; the caller frees it. */
char *py_copy(const struct py_token *t);

/* Appends what a PY_STRING says; false for bytes it cannot decode. */
bool py_string(struct buf *out, const struct py_token *t);
