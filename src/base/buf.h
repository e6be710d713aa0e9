#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A growing run of bytes. An all-zero struct buf is an empty one. Offsets
 * into it stay valid while it grows, pointers do not.
 */
struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

void buf_init(struct buf *b);
void buf_release(struct buf *b);

/* Makes room for n more bytes when there is too little. */
void buf_grow(struct buf *b, size_t n);

/* Makes room for n more bytes and returns where they go; len is unchanged. */
static inline uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	if (n > b->cap - b->len || !b->data)
		buf_grow(b, n);
	return b->data + b->len;
}

/* Grows len by n and returns the start of the new, unset bytes. */
uint8_t *buf_extend(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Removes the first n bytes, which must be there. */
void buf_drain(struct buf *b, size_t n);

/*
 * Forgets the bytes. Memory beyond `keep` bytes is given back, unless most of
 * it was just in use and it is at most BUF_BUSY: who fills a large buffer
 * again and again must not pay for fresh pages each time.
 */
#define BUF_BUSY (1024u * 1024u)
void buf_reset(struct buf *b, size_t keep);

/* Ends the bytes with a NUL that len does not count; returns data. */
char *buf_cstr(struct buf *b);
