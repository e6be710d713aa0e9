/*
 * Findings, put together. Called when a configuration or a catalog has been
 * read. It must never lose one of the host's own when the packs are many.
 */
#include "core/state/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

void
findings_restart(struct findings *f)
{
	diags_release(&f->own);
	diags_init(&f->own);
}

void
findings_note(struct findings *f, const char *file, const int *place,
    const char *fmt, ...)
{
	struct diags *own = &f->own;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diags_add(own, DIAG_ERROR, file, place ? place[0] : 0,
	    place ? place[1] : 0, "%s", text);
	free(text);
	if (own->count == 0)
		return;
	text = diag_print(&own->items[own->count - 1]);
	log_error("%s", text);
	free(text);
}

void
findings_gather(struct findings *f, const struct diags *of_packs)
{
	diags_release(&f->all);
	diags_init(&f->all);
	diags_append(&f->all, &f->own);
	diags_append(&f->all, of_packs);
}

void
findings_release(struct findings *f)
{
	diags_release(&f->own);
	diags_release(&f->all);
}

void
findings_log(const struct diags *d, const char *prefix)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		char *text = diag_print(&d->items[i]);

		log_at(d->items[i].level == DIAG_ERROR ? LOG_ERROR :
		    d->items[i].level == DIAG_WARNING ? LOG_WARNING :
		    LOG_INFO, NULL, "%s%s", prefix, text);
		free(text);
	}
}
