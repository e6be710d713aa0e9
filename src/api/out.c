/*
 * JSON objects into answers. Called by every resource. What it is given may
 * be any bytes; what it writes is always JSON.
 */
#include "api/out.h"

#include <string.h>

#include "base/clock.h"
#include "base/js.h"

/* True if a name is in a list that commas part. */
static bool
is_in(const char *list, const char *name)
{
	size_t n = strlen(name), len;

	for (; *list; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (len == n && memcmp(list, name, n) == 0)
			return true;
	}
	return false;
}

void
out_open(struct out *o, struct buf *b)
{
	o->b = b;
	o->more = false;
	buf_putc(b, '{');
}

void
out_close(struct out *o)
{
	buf_putc(o->b, '}');
}

bool
out_name(struct out *o, const char *name)
{
	if ((o->include && !is_in(o->include, name)) ||
	    (o->exclude && is_in(o->exclude, name)))
		return false;
	buf_puts(o->b, o->more ? ", " : "");
	o->more = true;
	js_put_string_lossy(o->b, name, strlen(name));
	buf_puts(o->b, ": ");
	return true;
}

void
out_text(struct out *o, const char *name, const char *text)
{
	if (!out_name(o, name))
		return;
	if (text)
		js_put_string_lossy(o->b, text, strlen(text));
	else
		buf_puts(o->b, "null");
}

void
out_bool(struct out *o, const char *name, bool value)
{
	if (out_name(o, name))
		buf_puts(o->b, value ? "true" : "false");
}

void
out_integer(struct out *o, const char *name, uint64_t value)
{
	if (out_name(o, name))
		js_put_uint64(o->b, value);
}

void
out_double(struct out *o, const char *name, double value)
{
	if (out_name(o, name))
		js_put_double(o->b, value);
}

void
out_time(struct out *o, const char *name, int64_t us)
{
	char text[CLOCK_TEXT];

	out_text(o, name, us ? clock_rfc3339(us, text) : NULL);
}
