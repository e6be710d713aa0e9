/*
 * The list of findings. Called by everything in pack/ that reads a file;
 * what is done with it (print, log, refuse) is the caller's business.
 */
#include "pack/diag.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/utf8.h"
#include "base/xalloc.h"

void
diags_init(struct diags *d)
{
	memset(d, 0, sizeof(*d));
}

/* Frees what one entry owns. */
static void
diag_release(struct diag *d)
{
	free(d->file);
	free(d->text);
}

void
diags_release(struct diags *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		diag_release(&d->items[i]);
	free(d->items);
	diags_init(d);
}

/* Takes over one entry, or drops it where the list is full. */
static void
diags_take(struct diags *d, struct diag item)
{
	d->errors += item.level == DIAG_ERROR;
	if (d->count == DIAGS_MAX) {
		d->dropped++;
		diag_release(&item);
		return;
	}
	if (d->count == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 8;
		d->items = xreallocarray(d->items, d->cap, sizeof(*d->items));
	}
	d->items[d->count++] = item;
}

/* The text with bytes that are not UTF-8 as \xff; takes text over. */
static char *
escape(char *text)
{
	struct buf plain = {0};

	if (utf8_span(text, strlen(text)) == strlen(text))
		return text;
	utf8_escape(&plain, text, strlen(text));
	free(text);
	return buf_cstr(&plain);
}

void
diags_add(struct diags *d, enum diag_level level, const char *file,
    int line, int column, const char *fmt, ...)
{
	struct diag item = { .level = level, .line = line, .column = column };
	va_list ap;

	va_start(ap, fmt);
	item.text = escape(xvasprintf(fmt, ap));
	va_end(ap);
	item.file = file ? escape(xstrdup(file)) : NULL;
	diags_take(d, item);
}

bool
diags_check_path(struct diags *d, const char *path)
{
	if (utf8_span(path, strlen(path)) == strlen(path))
		return true;
	diags_add(d, DIAG_ERROR, path, 0, 0, "the name is not UTF-8, so it "
	    "is left out; rename it");
	return false;
}

void
diags_append(struct diags *d, const struct diags *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		diags_add(d, from->items[i].level, from->items[i].file,
		    from->items[i].line, from->items[i].column, "%s",
		    from->items[i].text);
}

void
diags_move(struct diags *d, struct diags *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		diags_take(d, from->items[i]);
	d->dropped += from->dropped;
	free(from->items);
	diags_init(from);
}

/* For qsort: by file, place, errors first, text. */
static int
diag_compare(const void *pa, const void *pb)
{
	const struct diag *a = pa, *b = pb;
	static const int ranks[] = {[DIAG_ERROR] = 0, [DIAG_WARNING] = 1,
	    [DIAG_NOTE] = 2};
	int order = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = (a->column > b->column) - (a->column < b->column);
	if (order == 0)
		order = ranks[a->level] - ranks[b->level];
	return order ? order : strcmp(a->text, b->text);
}

void
diags_sort(struct diags *d)
{
	size_t i, kept = 0;

	if (d->count < 2)
		return;
	qsort(d->items, d->count, sizeof(*d->items), diag_compare);
	for (i = 1; i < d->count; i++) {
		if (diag_compare(&d->items[kept], &d->items[i]) != 0) {
			d->items[++kept] = d->items[i];
			continue;
		}
		d->errors -= d->items[i].level == DIAG_ERROR;
		diag_release(&d->items[i]);
	}
	d->count = kept + 1;
}

char *
diag_print(const struct diag *d)
{
	const char *level = d->level == DIAG_WARNING ? "warning: " :
	    d->level == DIAG_NOTE ? "note: " : "";
	const char *file = d->file ? d->file : "sensorhost";

	if (d->line && d->column)
		return xasprintf("%s:%d:%d: %s%s", file, d->line, d->column,
		    level, d->text);
	if (d->line)
		return xasprintf("%s:%d: %s%s", file, d->line, level, d->text);
	return xasprintf("%s: %s%s", file, level, d->text);
}

bool
diags_first_error(const struct diags *d, size_t from, struct err *e)
{
	char *text;

	while (from < d->count && d->items[from].level != DIAG_ERROR)
		from++;
	if (from >= d->count)
		return false;
	text = diag_print(&d->items[from]);
	err_set(e, "%s", text);
	free(text);
	return true;
}

/* One entry as an object; places it does not have are left out. */
static json_t *
diag_json(const struct diag *d)
{
	json_t *o = json_object();

	json_object_set_new(o, "level", json_string(
	    d->level == DIAG_ERROR ? "error" :
	    d->level == DIAG_NOTE ? "note" : "warning"));
	if (d->file)
		json_object_set_new(o, "file", js_text(d->file));
	if (d->line)
		json_object_set_new(o, "line", json_integer(d->line));
	if (d->column)
		json_object_set_new(o, "column", json_integer(d->column));
	json_object_set_new(o, "text", js_text(d->text));
	return o;
}

json_t *
diags_json(const struct diags *d)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < d->count; i++)
		json_array_append_new(list, diag_json(&d->items[i]));
	return list;
}
