#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/dict.h"
#include "cli/migrate/py_lex.h"

/*
 * What names stand for, as far as that can be told without running anything:
 * strings, for names of triggers and keys; and parts of the configuration.
 * Names are known in three scopes: the module's, the class's (written self.x
 * or Class.x) and those of one method.
 */
struct py_names {
	const struct py_token *tokens;
	struct dict *strings; /* name to char *; "": unknown */
	struct dict *config;  /* name to char *: path into the config */
	const char *method;   /* whose names are meant; NULL: none's */
	bool in_class;        /* assignments make names of the class */
};

void py_names_init(struct py_names *n, const struct py_token *tokens);
void py_names_release(struct py_names *n);

/*
 * Evaluates the expression of tokens from..to-1 and appends the string it
 * gives; false (and nothing appended) if it is none that can be told:
 * literals, names, a + b, ".".join([a, b]), "{}.{}".format(a, b), "%s" % a.
 */
bool py_eval(struct py_names *n, size_t from, size_t to, struct buf *out);

/* The end of the expression at `from`: at a comma, closing bracket or end. */
size_t py_expression_end(const struct py_token *tokens, size_t from);

/*
 * If a reference stands at token i (x, self.x or C.x): its length in tokens,
 * and its key in the dictionaries as text, to be freed; else 0.
 */
size_t py_reference(const struct py_names *n, size_t i, char **key);

/* Learns from an assignment that begins at token i, if one does. */
void py_learn(struct py_names *n, size_t i);
