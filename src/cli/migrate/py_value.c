/*
 * The strings behind names. StackStorm's sensors seldom write the name of a
 * trigger where they dispatch it: they put it together in the constructor
 * out of constants. This follows that, and says "unknown" to all else; it
 * must never guess.
 */
#include "cli/migrate/py_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define EVAL_DEPTH 16

static bool eval(struct py_names *n, size_t from, size_t to,
    struct buf *out, int depth);

void
py_names_init(struct py_names *n, const struct py_token *tokens)
{
	*n = (struct py_names){.tokens = tokens, .strings = dict_new(),
	    .config = dict_new()};
}

void
py_names_release(struct py_names *n)
{
	dict_free(&n->strings, free);
	dict_free(&n->config, free);
}

size_t
py_expression_end(const struct py_token *t, size_t from)
{
	size_t depth = 0, i;

	for (i = from; t[i].type != PY_END; i++) {
		if (t[i].type == PY_NEWLINE && depth == 0)
			break;
		if (t[i].type != PY_OP)
			continue;
		if (strchr("([{", *t[i].text))
			depth++;
		else if (strchr(")]}", *t[i].text) && depth-- == 0)
			break;
		else if (*t[i].text == ',' && depth == 0)
			break;
	}
	return i;
}

size_t
py_reference(const struct py_names *n, size_t i, char **key)
{
	const struct py_token *t = n->tokens + i;

	if (t->type != PY_NAME || (i > 0 && py_is(t - 1, ".")))
		return 0;
	if (py_is(t + 1, ".") && t[2].type == PY_NAME &&
	    !py_is(t + 3, "(")) {
		*key = xasprintf("self.%.*s", (int)t[2].len, t[2].text);
		return 3;
	}
	*key = n->method ? xasprintf("%s %.*s", n->method, (int)t->len,
	    t->text) : py_copy(t);
	if (n->method && !dict_get_str(n->strings, *key) &&
	    !dict_get_str(n->config, *key)) {
		free(*key);
		*key = py_copy(t);
	}
	return 1;
}

/* Evaluates a list of expressions, each behind a separator but the first. */
static bool
eval_joined(struct py_names *n, size_t from, size_t to, const char *between,
    struct buf *out, int depth)
{
	size_t i = from, end;

	while (i < to) {
		end = py_expression_end(n->tokens, i);
		if (end > to)
			end = to;
		if (i > from)
			buf_puts(out, between);
		if (!eval(n, i, end, out, depth))
			return false;
		i = end + 1;
	}
	return to > from;
}

/* Puts the values of a list of expressions where a format has `hole`. */
static bool
eval_format(struct py_names *n, const char *format, const char *hole,
    size_t from, size_t to, struct buf *out, int depth)
{
	const char *at;
	size_t i = from, end;

	while ((at = strstr(format, hole)) != NULL) {
		buf_put(out, format, (size_t)(at - format));
		format = at + strlen(hole);
		end = py_expression_end(n->tokens, i);
		if (end > to)
			end = to;
		if (i >= to || !eval(n, i, end, out, depth))
			return false;
		i = end + 1;
	}
	buf_puts(out, format);
	return i >= to && !strpbrk(format, "{}%");
}

/* A string literal, or what is made of one by .join, .format or %. */
static bool
eval_literal(struct py_names *n, size_t from, size_t to, struct buf *out,
    int depth)
{
	const struct py_token *t = n->tokens;
	struct buf text = {0};
	size_t i = from;
	bool ok = true;

	while (i < to && t[i].type == PY_STRING)
		ok &= py_string(&text, &t[i++]);
	if (i == to)
		buf_puts(out, buf_cstr(&text));
	else if (!ok)
		;
	else if (to - i > 5 && py_is(&t[i], ".") && py_is(&t[i + 1], "join") &&
	    py_is(&t[i + 2], "(") && (py_is(&t[i + 3], "[") ||
	    py_is(&t[i + 3], "(")) && py_is(&t[to - 1], ")"))
		ok = eval_joined(n, i + 4, to - 2, buf_cstr(&text), out,
		    depth);
	else if (to - i > 3 && py_is(&t[i], ".") &&
	    py_is(&t[i + 1], "format") && py_is(&t[to - 1], ")"))
		ok = eval_format(n, buf_cstr(&text), "{}", i + 3, to - 1, out,
		    depth);
	else if (to - i > 3 && py_is(&t[i], "%") && py_is(&t[i + 1], "("))
		ok = eval_format(n, buf_cstr(&text), "%s", i + 2, to - 1, out,
		    depth);
	else if (to - i > 1 && py_is(&t[i], "%"))
		ok = eval_format(n, buf_cstr(&text), "%s", i + 1, to, out,
		    depth);
	else
		ok = false;
	buf_release(&text);
	return ok;
}

/* The place of a + between from and to that is in no bracket; or to. */
static size_t
find_plus(const struct py_token *t, size_t from, size_t to)
{
	size_t depth = 0, i;

	for (i = from; i < to; i++) {
		if (t[i].type != PY_OP)
			continue;
		if (strchr("([{", *t[i].text))
			depth++;
		else if (strchr(")]}", *t[i].text))
			depth--;
		else if (depth == 0 && py_is(&t[i], "+"))
			return i;
	}
	return to;
}

/* py_eval with a bound on its depth. */
static bool
eval(struct py_names *n, size_t from, size_t to, struct buf *out, int depth)
{
	const struct py_token *t = n->tokens;
	size_t plus, len;
	const char *known;
	char *key;

	if (from >= to || depth == EVAL_DEPTH)
		return false;
	plus = find_plus(t, from, to);
	if (plus < to)
		return eval(n, from, plus, out, depth + 1) &&
		    eval(n, plus + 1, to, out, depth + 1);
	if (t[from].type == PY_STRING)
		return eval_literal(n, from, to, out, depth + 1);
	if (py_is(&t[from], "(") && py_is(&t[to - 1], ")"))
		return eval(n, from + 1, to - 1, out, depth + 1);
	len = py_reference(n, from, &key);
	if (len == 0)
		return false;
	known = dict_get_str(n->strings, key);
	free(key);
	if (len != to - from || !known || !*known)
		return false;
	buf_puts(out, known);
	return true;
}

bool
py_eval(struct py_names *n, size_t from, size_t to, struct buf *out)
{
	size_t len = out->len;

	if (eval(n, from, to, out, 0))
		return true;
	out->len = len;
	return false;
}

/* Remembers what a name stands for; two different strings make it unknown. */
static void
remember(struct py_names *n, char *key, const char *text)
{
	const char *old = dict_get_str(n->strings, key);

	if (old && strcmp(old, text) != 0)
		text = "";
	free(dict_set_str(n->strings, key, xstrdup(text)));
}

void
py_learn(struct py_names *n, size_t i)
{
	const struct py_token *t = n->tokens;
	struct buf text = {0};
	size_t len, end;
	char *key;

	len = py_is(&t[i], "self") && py_is(&t[i + 1], ".") ? 3 : 1;
	if (t[i + len - 1].type != PY_NAME || !py_is(&t[i + len], "=") ||
	    py_is(&t[i + len + 1], "None"))
		return;
	if (len == 3)
		key = xasprintf("self.%.*s", (int)t[i + 2].len, t[i + 2].text);
	else if (n->method)
		key = xasprintf("%s %.*s", n->method, (int)t[i].len,
		    t[i].text);
	else
		key = xasprintf("%s%.*s", n->in_class ? "self." : "",
		    (int)t[i].len, t[i].text);
	end = py_expression_end(t, i + len + 1);
	if (t[end].type == PY_NEWLINE && py_eval(n, i + len + 1, end, &text))
		remember(n, key, buf_cstr(&text));
	else
		remember(n, key, "");
	buf_release(&text);
	free(key);
}
