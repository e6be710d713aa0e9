/*
 * The list that `sensorhost migrate` leaves: kept while it works, then
 * written into the copy of the pack and on stdout.
 */
#include "cli/migrate/todo.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/xalloc.h"

void
todo_release(struct todo *t)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		free(t->items[i].file);
		free(t->items[i].text);
	}
	free(t->items);
	*t = (struct todo){0};
}

/* Whether an item with that text is there for the file. */
static bool
has(const struct todo *t, const char *file, const char *text)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->items[i].file, file) == 0 &&
		    strcmp(t->items[i].text, text) == 0)
			return true;
	return false;
}

void
todo_add(struct todo *t, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (t->count == TODO_MAX || has(t, file, text)) {
		t->dropped += t->count == TODO_MAX;
		free(text);
		return;
	}
	t->items = xreallocarray(t->items, t->count + 1, sizeof(*t->items));
	t->items[t->count++] = (struct todo_item){.file = xstrdup(file),
	    .line = line, .text = text};
}

void
todo_put(struct buf *out, const struct todo *t)
{
	const char *file = NULL;
	size_t i;

	for (i = 0; i < t->count; i++) {
		const struct todo_item *item = &t->items[i];

		if (!file || strcmp(file, item->file) != 0)
			buf_printf(out, "%s## %s\n\n", i ? "\n" : "",
			    *item->file ? item->file : "The pack");
		file = item->file;
		buf_printf(out, "- [ ] %s", item->text);
		if (item->line > 0)
			buf_printf(out, " (Python line %d)", item->line);
		buf_putc(out, '\n');
	}
	if (t->dropped > 0)
		buf_printf(out, "\n%zu more are not listed.\n", t->dropped);
}

json_t *
todo_json(const struct todo *t)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < t->count; i++)
		json_array_append_new(list, json_pack("{so si so}", "file",
		    js_text(t->items[i].file), "line", t->items[i].line,
		    "text", js_text(t->items[i].text)));
	return list;
}
