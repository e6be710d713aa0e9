/*
 * Checks and mends UTF-8. Called where lines and texts come from outside; the
 * span of ASCII is eight bytes at a time, since most lines are nothing else.
 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* How many bytes from p on are ASCII. */
static size_t
ascii_span(const uint8_t *p, size_t n)
{
	size_t i = 0;
	uint64_t word;

	for (; n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if (word & HIGH_BITS)
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

/*
 * The length of the character at p, which is not ASCII; 0 if it is bad, and
 * then *bad is how many bytes one U+FFFD stands for.
 */
static size_t
sequence(const uint8_t *p, size_t n, size_t *bad)
{
	size_t len, i;
	uint8_t low = 0x80, high = 0xbf;

	*bad = 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < len; i++) {
		if (i == n || p[i] < low || p[i] > high) {
			*bad = i;
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

size_t
utf8_span(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i = 0, len, bad;

	for (;;) {
		i += ascii_span(s + i, n - i);
		if (i == n)
			return n;
		len = sequence(s + i, n - i, &bad);
		if (len == 0)
			return i;
		i += len;
	}
}

void
utf8_scrub(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i = 0, good, bad;

	while (i < n) {
		good = utf8_span(s + i, n - i);
		buf_put(out, s + i, good);
		i += good;
		if (i == n)
			return;
		(void)sequence(s + i, n - i, &bad);
		buf_put(out, "\xef\xbf\xbd", 3);
		i += bad;
	}
}

void
utf8_escape(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i = 0, good;

	while (i < n) {
		good = utf8_span(s + i, n - i);
		buf_put(out, s + i, good);
		i += good;
		if (i < n)
			buf_printf(out, "\\x%02x", s[i++]);
	}
}

void
utf8_from_latin1(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i = 0, good;

	while (i < n) {
		good = ascii_span(s + i, n - i);
		buf_put(out, s + i, good);
		i += good;
		if (i == n)
			return;
		buf_putc(out, (char)(0xc0 | s[i] >> 6));
		buf_putc(out, (char)(0x80 | (s[i] & 0x3f)));
		i++;
	}
}

size_t
utf8_trim(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t back;

	for (back = 1; back <= 3 && back <= n; back++) {
		uint8_t c = s[n - back];

		if (c >= 0xc0) {
			size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

			return len > back ? n - back : n;
		}
		if (c < 0x80)
			break;
	}
	return n;
}
