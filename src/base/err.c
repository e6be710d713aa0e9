/*
 * Error texts. Called by whatever can fail through somebody else's fault; it
 * must never log, because the caller decides who hears of it.
 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A text cut in the middle ends with three dots, so that nobody is misled. */
static void
mark_cut(struct err *e, int wanted)
{
	if (wanted >= ERR_TEXT)
		memcpy(e->text + ERR_TEXT - 4, "...", 4);
}

int
err_vset(struct err *e, const char *fmt, va_list ap)
{
	mark_cut(e, vsnprintf(e->text, sizeof(e->text), fmt, ap));
	return -1;
}

int
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	struct err old = *e;
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	mark_cut(e, (int)len + snprintf(e->text + len, sizeof(e->text) - len,
	    ": %s", old.text));
	return -1;
}

int
err_errno(struct err *e, const char *fmt, ...)
{
	int code = errno;
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	mark_cut(e, (int)len + snprintf(e->text + len, sizeof(e->text) - len,
	    ": %s", strerror(code)));
	errno = code;
	return -1;
}
