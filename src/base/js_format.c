/*
 * JSON text laid out anew: indented, or with sorted members. Works on text
 * alone, so that it serves every writer; the text must be well-formed.
 */
#include "base/js.h"

#include "base/must.h"
#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>

struct layout {
	struct buf *out;
	bool pretty;
	bool sorted;
	unsigned depth;
};

/* A run of the text: a name, or a value. */
struct span {
	const char *at;
	size_t len;
};

struct member {
	struct span name;
	struct span value;
};

static const char *
skip_space(const char *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* The end of the string that begins at p. */
static const char *
string_end(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

/* The end of the value that begins at p; end is the end of the text. */
static const char *
value_end(const char *p, const char *end)
{
	unsigned open = 0;

	do {
		if (*p == '"') {
			p = string_end(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			open++;
		else if (*p == '}' || *p == ']')
			open--;
		p++;
	} while (p < end && (open || !strchr(",}] \n\t\r", *p)));
	return p;
}

static void
new_line(struct layout *l)
{
	if (!l->pretty)
		return;
	buf_putc(l->out, '\n');
	for (unsigned i = 0; i < l->depth; i++)
		buf_putc(l->out, '\t');
}

static void put_value(struct layout *l, struct span value);

/* Orders members by their names' bytes, for qsort. */
static int
compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = memcmp(x->name.at, y->name.at, n);

	if (order)
		return order;
	return (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

/* Gathers what a container holds; names are empty for an array. */
static struct member *
gather(struct span container, size_t *count)
{
	const char *end = container.at + container.len;
	const char *p = skip_space(container.at + 1);
	struct member *members = NULL;
	size_t cap = 0;

	for (*count = 0; p < end - 1; (*count)++) {
		struct member m = {{p, 0}, {p, 0}};

		if (*container.at == '{') {
			m.name.len = (size_t)(string_end(p) - p);
			m.value.at = skip_space(skip_space(p + m.name.len) + 1);
		}
		m.value.len = (size_t)(value_end(m.value.at, end) - m.value.at);
		p = skip_space(m.value.at + m.value.len);
		if (*p == ',')
			p = skip_space(p + 1);
		if (*count == cap) {
			cap = cap ? cap * 2 : 8;
			members = xreallocarray(members, cap, sizeof(m));
		}
		members[*count] = m;
	}
	return members;
}

static void
put_container(struct layout *l, struct span container)
{
	size_t count;
	struct member *members = gather(container, &count);

	must(l->depth < JS_DEPTH);
	if (l->sorted && count && *container.at == '{')
		qsort(members, count, sizeof(*members), compare_members);
	buf_putc(l->out, *container.at);
	l->depth++;
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_putc(l->out, ',');
		new_line(l);
		if (members[i].name.len) {
			buf_put(l->out, members[i].name.at,
			    members[i].name.len);
			buf_puts(l->out, l->pretty ? ": " : ":");
		}
		put_value(l, members[i].value);
	}
	l->depth--;
	if (count)
		new_line(l);
	buf_putc(l->out, *container.at == '{' ? '}' : ']');
	free(members);
}

static void
put_value(struct layout *l, struct span value)
{
	if (*value.at == '{' || *value.at == '[')
		put_container(l, value);
	else
		buf_put(l->out, value.at, value.len);
}

void
js_put_formatted(struct buf *b, const char *p, size_t n, bool pretty,
    bool sorted)
{
	struct layout l = {.out = b, .pretty = pretty, .sorted = sorted};
	const char *at = p;

	while (at < p + n && strchr(" \n\t\r", *at))
		at++;
	must(at < p + n);
	put_value(&l, (struct span){at, (size_t)(value_end(at, p + n) - at)});
}
