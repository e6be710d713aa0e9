/*
 * The outline of a Python file: imports, classes, methods, and the lines of
 * each. Called by `sensorhost migrate` for each entry point. Whatever the
 * file holds, it is only read.
 */
#include "cli/migrate/py_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/migrate/py_facts.h"
#include "cli/migrate/py_value.h"
#include "cli/names.h"

#define CLASSES_MAX 200u
#define METHODS_MAX 1000u

/* A file under examination. */
struct reader {
	struct py_file *file;
	const struct py_token *tokens;
	struct py_names names;
};

/* Makes room for one more of an array and clears it; returns its place. */
static void *
grow(void *array, size_t *count, size_t size)
{
	char **items = array;

	*items = xreallocarray(*items, *count + 1, size);
	memset(*items + *count * size, 0, size);
	return *items + (*count)++ * size;
}

void
py_method_add(struct py_method *m, enum py_fact_kind kind, int line,
    char *text)
{
	struct py_fact *f = grow(&m->facts, &m->fact_count, sizeof(*f));

	f->kind = kind;
	f->line = line;
	f->text = text;
}

/* The token behind the statement at i, an indented block included. */
static size_t
statement_end(const struct py_token *t, size_t i)
{
	size_t depth = 0;

	while (t[i].type != PY_NEWLINE && t[i].type != PY_END)
		i++;
	if (t[i].type == PY_END || t[++i].type != PY_INDENT)
		return i;
	do {
		if (t[i].type == PY_INDENT)
			depth++;
		else if (t[i].type == PY_DEDENT)
			depth--;
		else if (t[i].type == PY_END)
			return i;
		i++;
	} while (depth > 0);
	return i;
}

/* The last line of a statement that ends before token `end`. */
static int
last_line(const struct py_token *t, size_t end)
{
	while (end > 0 && t[end - 1].type != PY_NEWLINE)
		end--;
	return end > 0 ? t[end - 1].line : 1;
}

/* Adds a run of lines. */
static void
add_lines(struct py_lines **array, size_t *count, int from, int to)
{
	struct py_lines *l = grow(array, count, sizeof(*l));

	l->from = from;
	l->to = to;
}

/* The dotted name at i as one text, freed by the caller; *i moves over it. */
static char *
dotted(const struct py_token *t, size_t *i)
{
	struct buf name = {0};
	char *text;

	while (py_is(&t[*i], ".") || (t[*i].type == PY_NAME &&
	    !py_is(&t[*i], "import") && !py_is(&t[*i], "as"))) {
		buf_put(&name, t[*i].text, t[*i].len);
		++*i;
	}
	text = xstrdup(buf_cstr(&name));
	buf_release(&name);
	return text;
}

/* `import a.b, c as d` or `from a import b`, at token i. */
static void
take_import(struct reader *r, size_t i)
{
	const struct py_token *t = r->tokens;
	bool from = py_is(&t[i], "from");
	struct py_import *import;

	do {
		i++;
		import = grow(&r->file->imports, &r->file->import_count,
		    sizeof(*import));
		import->line = t[i].line;
		import->module = dotted(t, &i);
		if (py_is(&t[i], "as"))
			i += 2;
	} while (!from && py_is(&t[i], ","));
}

/* True if a statement begins at token i. */
static bool
begins(const struct py_token *t, size_t i)
{
	return i == 0 || t[i - 1].type == PY_NEWLINE ||
	    t[i - 1].type == PY_INDENT || t[i - 1].type == PY_DEDENT;
}

/* All imports, also those inside of try and of functions. */
static void
find_imports(struct reader *r)
{
	const struct py_token *t = r->tokens;
	size_t i;

	for (i = 0; t[i].type != PY_END; i++)
		if (begins(t, i) && (py_is(&t[i], "import") ||
		    py_is(&t[i], "from")))
			take_import(r, i);
}

/* The parameters in Lua, from behind the "(" on; the first is self. */
static char *
parameters(const struct py_token *t, size_t i, bool skip_self)
{
	struct buf out = {0};
	char *name, *text;
	size_t end;

	for (; !py_is(&t[i], ")"); i = end + py_is(&t[end], ",")) {
		bool rest = py_is(&t[i], "*");

		end = py_expression_end(t, i);
		if (end == i && !py_is(&t[i], ","))
			break;
		i += rest || py_is(&t[i], "**");
		if (t[i].type != PY_NAME || skip_self) {
			skip_self = false;
			continue;
		}
		name = rest ? xstrdup("...") : py_copy(&t[i]);
		text = rest ? xstrdup(name) : name_lua(name);
		if (out.len < 3 || memcmp(out.data + out.len - 3, "...", 3))
			buf_printf(&out, "%s%s", out.len ? ", " : "", text);
		free(name);
		free(text);
	}
	text = xstrdup(buf_cstr(&out));
	buf_release(&out);
	return text;
}

/* A method at token i (its def), which ends before token end. */
static void
take_method(struct reader *r, struct py_class *c, size_t i, size_t end,
    int first, bool is_static)
{
	const struct py_token *t = r->tokens;
	struct py_method *m;
	size_t k;

	if (c->method_count == METHODS_MAX || t[i + 1].type != PY_NAME ||
	    !py_is(&t[i + 2], "("))
		return;
	m = grow(&c->methods, &c->method_count, sizeof(*m));
	m->name = py_copy(&t[i + 1]);
	m->is_static = is_static;
	m->params = parameters(t, i + 3, !is_static);
	m->lines = (struct py_lines){first, last_line(t, end)};
	r->names.method = m->name;
	for (k = i; k < end; k++)
		if (begins(t, k))
			py_learn(&r->names, k);
	r->names.method = NULL;
}

/* Second pass, when all names of the class are known: the facts. */
static void
find_facts(struct reader *r, struct py_class *c, size_t from, size_t to)
{
	const struct py_token *t = r->tokens;
	struct py_method *m;
	size_t i, k = 0;

	for (i = from; i < to && k < c->method_count; i = statement_end(t, i)) {
		while (py_is(&t[i], "@"))
			i = statement_end(t, i);
		i += py_is(&t[i], "async");
		if (!py_is(&t[i], "def") || t[i + 1].type != PY_NAME ||
		    !py_is(&t[i + 2], "("))
			continue;
		m = &c->methods[k++];
		r->names.method = m->name;
		py_facts_find(m, &r->names, i, statement_end(t, i));
		r->names.method = NULL;
	}
}

/* One statement of a class body at token i; returns the one behind it. */
static size_t
take_member(struct reader *r, struct py_class *c, size_t i)
{
	const struct py_token *t = r->tokens;
	int first = t[i].line;
	bool is_static = false;
	size_t end;

	while (py_is(&t[i], "@")) {
		is_static |= py_is(&t[i + 1], "staticmethod");
		i = statement_end(t, i);
	}
	end = statement_end(t, i);
	i += py_is(&t[i], "async");
	if (py_is(&t[i], "def")) {
		take_method(r, c, i, end, first, is_static);
	} else if (t[i].type == PY_NAME && !py_is(&t[i], "pass")) {
		py_learn(&r->names, i);
		add_lines(&c->rest, &c->rest_count, first, last_line(t, end));
	}
	return end;
}

/* A class at token i, which ends before token end. */
static void
take_class(struct reader *r, size_t i, size_t end, int first)
{
	const struct py_token *t = r->tokens;
	struct py_class *c;
	size_t body, k;

	if (r->file->class_count == CLASSES_MAX || t[i + 1].type != PY_NAME)
		return;
	c = grow(&r->file->classes, &r->file->class_count, sizeof(*c));
	c->name = py_copy(&t[i + 1]);
	c->lines = (struct py_lines){first, last_line(t, end)};
	k = i + 3;
	c->base = py_is(&t[i + 2], "(") ? dotted(t, &k) : xstrdup("");
	for (body = i; body < end && t[body].type != PY_INDENT; body++)
		;
	r->names.in_class = true;
	for (k = body + 1; k < end && t[k].type != PY_DEDENT; )
		k = take_member(r, c, k);
	r->names.in_class = false;
	find_facts(r, c, body + 1, end);
}

/* Whether a block holds nothing but imports, as in try: ... except: */
static bool
only_imports(const struct py_token *t, size_t i, size_t end)
{
	bool any = false;

	for (; i < end; i++) {
		if (!begins(t, i) || t[i].type != PY_NAME ||
		    py_is(&t[i], "try") || py_is(&t[i], "except") ||
		    py_is(&t[i], "pass"))
			continue;
		if (!py_is(&t[i], "import") && !py_is(&t[i], "from"))
			return false;
		any = true;
	}
	return any;
}

/* One statement of the module at token i; returns the one behind it. */
static size_t
take_statement(struct reader *r, size_t i)
{
	const struct py_token *t = r->tokens;
	size_t at = i, end;
	int first = t[i].line;

	while (py_is(&t[at], "@"))
		at = statement_end(t, at);
	end = statement_end(t, at);
	if (end == i)
		return i + 1;
	if (py_is(&t[at], "class")) {
		take_class(r, at, end, first);
	} else if (t[at].type == PY_NAME && !py_is(&t[at], "__all__") &&
	    !only_imports(t, at, end)) {
		py_learn(&r->names, at);
		add_lines(&r->file->rest, &r->file->rest_count, first,
		    last_line(t, end));
	}
	return end;
}

/* Notes where each line begins. */
static void
find_lines(struct py_file *f)
{
	const char *at = buf_cstr(&f->text), *end = at + f->text.len;
	size_t cap = 0;

	for (;;) {
		if ((size_t)f->line_count + 1 >= cap) {
			cap = cap ? 2 * cap : 256;
			f->starts = xreallocarray(f->starts, cap,
			    sizeof(*f->starts));
		}
		f->starts[f->line_count] = at;
		if (at >= end)
			break;
		f->line_count++;
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : end;
	}
}

void
py_file_read(struct py_file *f, struct buf *text)
{
	struct py_tokens tokens;
	struct reader r = {.file = f};
	size_t i = 0;

	*f = (struct py_file){.text = *text};
	*text = (struct buf){0};
	find_lines(f);
	py_lex(&tokens, (const char *)f->text.data, f->text.len);
	f->bad_line = tokens.bad_line;
	f->why = tokens.why;
	r.tokens = tokens.items;
	py_names_init(&r.names, tokens.items);
	find_imports(&r);
	while (tokens.items[i].type != PY_END)
		i = take_statement(&r, i);
	py_names_release(&r.names);
	py_tokens_release(&tokens);
}

/* Frees what a class holds. */
static void
class_release(struct py_class *c)
{
	size_t i, k;

	for (i = 0; i < c->method_count; i++) {
		struct py_method *m = &c->methods[i];

		for (k = 0; k < m->fact_count; k++) {
			free(m->facts[k].text);
			free(m->facts[k].fallback);
		}
		free(m->facts);
		free(m->name);
		free(m->params);
	}
	free(c->methods);
	free(c->rest);
	free(c->name);
	free(c->base);
}

void
py_file_release(struct py_file *f)
{
	size_t i;

	for (i = 0; i < f->class_count; i++)
		class_release(&f->classes[i]);
	for (i = 0; i < f->import_count; i++)
		free(f->imports[i].module);
	free(f->classes);
	free(f->imports);
	free(f->rest);
	free(f->starts);
	buf_release(&f->text);
	*f = (struct py_file){0};
}

const struct py_class *
py_file_class(const struct py_file *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->class_count; i++)
		if (strcmp(f->classes[i].name, name) == 0)
			return &f->classes[i];
	return NULL;
}

const char *
py_file_line(const struct py_file *f, int line, int *len)
{
	const char *from, *to;

	*len = 0;
	if (line < 1 || line > f->line_count)
		return "";
	from = f->starts[line - 1];
	to = f->starts[line];
	while (to > from && strchr("\r\n \t", to[-1]))
		to--;
	*len = (int)(to - from);
	return from;
}
