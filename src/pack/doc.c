/*
 * One YAML file and what is found in it. Called by the readers of metadata
 * and configuration; must never print.
 */
#include "pack/doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/xalloc.h"

/* What the author should know although it is no error. */
static void
take_notes(struct doc *d)
{
	size_t count, i;
	const struct yml_note *notes = yml_notes(d->yml, &count);

	for (i = 0; i < count; i++)
		diags_add(d->diags, DIAG_WARNING, d->file, notes[i].mark.line,
		    notes[i].mark.column, "%s", notes[i].text);
}

int
doc_open(struct doc *d, const char *path, struct diags *diags)
{
	struct buf text = { 0 };
	struct yml_mark where;
	struct err e;
	int rc;

	memset(d, 0, sizeof(*d));
	d->diags = diags;
	d->file = xstrdup(path);
	rc = file_read(path, YML_TEXT_MAX, &text, &e);
	if (rc < 0)
		diags_add(diags, DIAG_ERROR, path, 0, 0, "%s", e.text);
	if (rc == 0) {
		d->yml = yml_parse(buf_cstr(&text), text.len, &where, &e);
		if (d->yml)
			take_notes(d);
		else
			diags_add(diags, DIAG_ERROR, path, where.line,
			    where.column, "%s", e.text);
	}
	buf_release(&text);
	return d->yml ? 0 : rc == 1 ? 1 : -1;
}

void
doc_close(struct doc *d)
{
	yml_free(&d->yml);
	free(d->file);
	d->file = NULL;
}

json_t *
doc_value(const struct doc *d)
{
	return d->yml ? yml_value(d->yml) : NULL;
}

/* Adds one finding at a mark. */
static void __attribute__((format(printf, 4, 0)))
report(struct doc *d, enum diag_level level, struct yml_mark mark,
    const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap);

	diags_add(d->diags, level, d->file, mark.line, mark.column, "%s",
	    text);
	free(text);
}

void
doc_error(struct doc *d, const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, DIAG_ERROR, yml_mark(d->yml, pointer), fmt, ap);
	va_end(ap);
}

void
doc_key_error(struct doc *d, const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, DIAG_ERROR, yml_key_mark(d->yml, pointer), fmt, ap);
	va_end(ap);
}

void
doc_warn(struct doc *d, const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, DIAG_WARNING, yml_key_mark(d->yml, pointer), fmt, ap);
	va_end(ap);
}

void
doc_key_report(struct doc *d, enum diag_level level, const char *pointer,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(d, level, yml_key_mark(d->yml, pointer), fmt, ap);
	va_end(ap);
}

char *
pointer_member(const char *pointer, const char *name)
{
	struct buf b = { 0 };
	size_t plain;

	buf_reserve(&b, strlen(pointer) + strlen(name) + 2);
	buf_puts(&b, pointer);
	buf_putc(&b, '/');
	for (;;) {
		plain = strcspn(name, "~/");
		buf_put(&b, name, plain);
		name += plain;
		if (!*name)
			return buf_cstr(&b);
		buf_puts(&b, *name++ == '~' ? "~0" : "~1");
	}
}

char *
pointer_item(const char *pointer, size_t i)
{
	return xasprintf("%s/%zu", pointer, i);
}
