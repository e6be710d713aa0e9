/*
 * What a method does that concerns the host: reads of the configuration, and
 * calls of the sensor service. Called for each method of each class, in
 * order, since one method may put a part of the configuration where another
 * one reads from it.
 */
#include "cli/migrate/py_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* The calls of the service, and the argument that names what it is about. */
static const struct {
	const char *call;
	const char *argument;
	enum py_fact_kind kind;
} calls[] = {
	{"dispatch", "trigger", PY_DISPATCH},
	{"dispatch_with_context", "trigger", PY_DISPATCH},
	{"get_value", "name", PY_GET_VALUE},
	{"set_value", "name", PY_SET_VALUE},
	{"delete_value", "name", PY_DELETE_VALUE},
	{"list_values", "prefix", PY_LIST_VALUES},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* A chain of reads into the configuration: config["a"].get("b", 5) */
struct chain {
	struct buf path;
	bool extended; /* anything is read of what the name stands for */
	bool required;
	char *fallback;
	size_t end; /* the token behind it */
};

/* A default value as Lua writes it; NULL for what is no plain value. */
static char *
lua_value(struct py_names *n, size_t from, size_t to)
{
	static const char *const words[][2] = {
		{"True", "true"}, {"False", "false"}};
	const struct py_token *t = &n->tokens[from];
	struct buf text = {0};
	char *value = NULL;
	size_t i;

	if (to == from + 1 && t->type == PY_NUMBER)
		value = py_copy(t);
	for (i = 0; !value && to == from + 1 && i < 2; i++)
		if (py_is(t, words[i][0]))
			value = xstrdup(words[i][1]);
	if (!value && py_eval(n, from, to, &text) &&
	    !strpbrk(buf_cstr(&text), "\"\\\n\r"))
		value = xasprintf("\"%s\"", buf_cstr(&text));
	buf_release(&text);
	return value;
}

/* Adds a member to the path, with a dot where Lua's syntax allows it. */
static void
add_member(struct buf *path, const struct buf *name)
{
	if (path->len > 0)
		buf_putc(path, '.');
	buf_put(path, name->data, name->len);
}

/* One more `["name"]` or `.get("name", default)`; false if none follows. */
static bool
extend_chain(struct chain *c, struct py_names *n)
{
	const struct py_token *t = n->tokens;
	size_t i = c->end, key = i + 1, end, value;
	bool get = py_is(&t[i], ".") && py_is(&t[i + 1], "get") &&
	    py_is(&t[i + 2], "(");
	struct buf name = {0};

	if (!get && !py_is(&t[i], "["))
		return false;
	key = get ? i + 3 : i + 1;
	end = py_expression_end(t, key);
	if (!py_eval(n, key, end, &name)) {
		buf_release(&name);
		return false;
	}
	free(c->fallback);
	c->fallback = NULL;
	c->required = !get;
	if (get && py_is(&t[end], ",")) {
		value = end + 1;
		end = py_expression_end(t, value);
		c->fallback = lua_value(n, value, end);
	}
	add_member(&c->path, &name);
	buf_release(&name);
	c->end = end + (t[end].type == PY_OP);
	return true;
}

/* If the configuration, or a part that has a name, is read at token i. */
static bool
find_chain(struct chain *c, struct py_names *n, size_t i)
{
	char *key, *root;
	size_t len = py_reference(n, i, &key);
	const char *path;

	*c = (struct chain){0};
	if (len == 0)
		return false;
	if (len == 3 && !py_is(&n->tokens[i], "self")) {
		free(key);
		return false;
	}
	root = dict_get_str(n->config, key);
	path = root ? root : strcmp(key, "self.config") == 0 ||
	    strcmp(key, "self._config") == 0 ? "" : NULL;
	free(key);
	if (!path)
		return false;
	buf_puts(&c->path, path);
	c->end = i + len;
	while (extend_chain(c, n))
		c->extended = true;
	return true;
}

/* Notes a read; a name by itself is none. */
static void
add_read(struct py_method *m, struct chain *c, int line)
{
	struct py_fact *f;

	if (!c->extended)
		return;
	py_method_add(m, PY_CONFIG, line, xstrdup(buf_cstr(&c->path)));
	f = &m->facts[m->fact_count - 1];
	f->required = c->required;
	f->fallback = c->fallback;
	c->fallback = NULL;
}

/* `x = config["a"]`: from now on x is that part of the configuration. */
static void
name_chain(struct py_names *n, size_t i, struct chain *c)
{
	const struct py_token *t = n->tokens;
	size_t at = i;
	char *key;

	if (i < 2 || !py_is(&t[i - 1], "="))
		return;
	if (t[c->end].type != PY_NEWLINE && !py_is(&t[c->end], "or"))
		return;
	at = i - 2;
	if (t[at].type != PY_NAME)
		return;
	if (at >= 2 && py_is(&t[at - 1], ".") && py_is(&t[at - 2], "self"))
		key = xasprintf("self.%.*s", (int)t[at].len, t[at].text);
	else
		key = xasprintf("%s %.*s", n->method, (int)t[at].len,
		    t[at].text);
	free(dict_set_str(n->config, key, xstrdup(buf_cstr(&c->path))));
	free(key);
}

/* `"a" in config` reads it too. */
static void
find_test(struct py_method *m, struct py_names *n, size_t i,
    const struct chain *c)
{
	struct chain test = {.extended = true};
	struct buf name = {0};

	if (i < 2 || !py_is(&n->tokens[i - 1], "in") ||
	    n->tokens[i - 2].type != PY_STRING)
		return;
	py_string(&name, &n->tokens[i - 2]);
	buf_put(&test.path, c->path.data, c->path.len);
	add_member(&test.path, &name);
	add_read(m, &test, n->tokens[i].line);
	buf_release(&test.path);
	buf_release(&name);
}

/* A read of the configuration at token i; returns the token behind it. */
static size_t
take_read(struct py_method *m, struct py_names *n, size_t i)
{
	struct chain c;
	size_t end = i + 1;

	if (find_chain(&c, n, i)) {
		end = c.end;
		find_test(m, n, i, &c);
		name_chain(n, i, &c);
		add_read(m, &c, n->tokens[i].line);
	}
	buf_release(&c.path);
	free(c.fallback);
	return end;
}

/* True for the name of what may be the service: self.sensor_service, ... */
static bool
is_service(const struct py_token *t)
{
	char *name = py_copy(t);
	bool is = t->type == PY_NAME && strstr(name, "service") != NULL;

	free(name);
	return is;
}

/* The argument of that keyword of a call whose "(" is at i, else the first. */
static size_t
find_argument(const struct py_token *t, size_t i, const char *keyword)
{
	size_t at = i + 1, end;

	while (t[at].type != PY_END && !py_is(&t[at], ")")) {
		if (py_is(&t[at], keyword) && py_is(&t[at + 1], "="))
			return at + 2;
		end = py_expression_end(t, at);
		if (!py_is(&t[end], ","))
			break;
		at = end + 1;
	}
	return i + 1;
}

/* Whether a call whose "(" is at i has `keyword=value`. */
static bool
has_argument(const struct py_token *t, size_t i, const char *keyword,
    const char *value)
{
	size_t at = find_argument(t, i, keyword);

	return at > i + 1 && py_is(&t[at], value);
}

/* A call of the service at token i (its dot). */
static void
take_call(struct py_method *m, struct py_names *n, size_t i)
{
	const struct py_token *t = n->tokens;
	struct buf text = {0};
	size_t k, at;

	if (i == 0 || !py_is(&t[i], ".") || !py_is(&t[i + 2], "(") ||
	    !is_service(&t[i - 1]))
		return;
	for (k = 0; k < CALLS; k++)
		if (py_is(&t[i + 1], calls[k].call))
			break;
	if (k == CALLS)
		return;
	at = find_argument(t, i + 2, calls[k].argument);
	py_method_add(m, calls[k].kind, t[i + 1].line,
	    py_eval(n, at, py_expression_end(t, at), &text) ?
	    xstrdup(buf_cstr(&text)) : NULL);
	m->facts[m->fact_count - 1].shared =
	    has_argument(t, i + 2, "local", "False");
	m->facts[m->fact_count - 1].sealed =
	    has_argument(t, i + 2, "decrypt", "True") ||
	    has_argument(t, i + 2, "encrypt", "True");
	buf_release(&text);
}

/* The reads in the tokens from..to-1. */
static void find_reads(struct py_method *m, struct py_names *n, size_t from,
    size_t to, int line);

/* Reads inside of f"{...}" at token i: its expressions are tokens, too. */
static void
take_format(struct py_method *m, struct py_names *n, size_t i)
{
	const struct py_token *outer = n->tokens, *t = &outer[i];
	const char *at = t->text, *end = t->text + t->len, *close;
	struct py_tokens inner;

	if (t->type != PY_STRING || strcspn(at, "fF") >= strcspn(at, "'\""))
		return;
	while ((at = memchr(at, '{', (size_t)(end - at))) != NULL) {
		close = memchr(at, '}', (size_t)(end - at));
		if (!close)
			break;
		py_lex(&inner, at + 1, (size_t)(close - at - 1));
		n->tokens = inner.items;
		find_reads(m, n, 0, inner.count - 1, t->line);
		n->tokens = outer;
		py_tokens_release(&inner);
		at = close;
	}
}

static void
find_reads(struct py_method *m, struct py_names *n, size_t from, size_t to,
    int line)
{
	size_t first = m->fact_count, i = from;

	while (i < to)
		i = take_read(m, n, i);
	for (; first < m->fact_count; first++)
		m->facts[first].line = line;
}

void
py_facts_find(struct py_method *m, struct py_names *n, size_t from,
    size_t to)
{
	size_t i = from, next;

	if (strcmp(m->name, "__init__") == 0)
		free(dict_set_str(n->config, "__init__ config",
		    xstrdup("")));
	while (i < to) {
		take_call(m, n, i);
		take_format(m, n, i);
		next = take_read(m, n, i);
		/* A path may hold names that a chain ran over; calls not. */
		i = next > to ? to : next;
	}
}
