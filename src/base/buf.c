/*
 * Growing byte buffers, for frames, units and text. Called by everybody; it
 * must never shrink on its own, for callers hold offsets.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"

void
buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void
buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void
buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;

	must(n <= SIZE_MAX / 2 - b->len);
	while (cap < b->len + n)
		cap *= 2;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

uint8_t *
buf_extend(struct buf *b, size_t n)
{
	uint8_t *p = buf_reserve(b, n);

	b->len += n;
	return p;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n)
		memcpy(buf_extend(b, n), p, n);
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	*buf_extend(b, 1) = (uint8_t)c;
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	must(n >= 0);
	vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt,
	    again);
	va_end(again);
	b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_drain(struct buf *b, size_t n)
{
	must(n <= b->len);
	b->len -= n;
	if (b->len && n)
		memmove(b->data, b->data + n, b->len);
}

void
buf_reset(struct buf *b, size_t keep)
{
	bool busy = b->cap <= BUF_BUSY && b->len >= b->cap / 4;

	b->len = 0;
	if (b->cap > keep && !busy)
		buf_release(b);
}

char *
buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return (char *)b->data;
}
