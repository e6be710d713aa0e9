#pragma once

/*
 * How readers and writers of JSON cross text: inline, because strings are
 * most of what they do. Internal to the JSON files of base/ and worker/.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Whether a byte of a JSON string stands for itself alone. */
static inline int
js_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The same for eight bytes at once: the high bits of those that do not. */
static inline uint64_t
js_special8(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101ull, high = ones * 0x80;
	uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';

	return ((quote - ones) | (slash - ones) | (v - ones * 0x20) | v) &
	    high;
}

static inline uint64_t
js_load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#ifdef __SSE2__
/* All ones in the bytes of v that are not plain. */
static inline __m128i
js_special16(__m128i v)
{
	/* signed: less than a space is a control or not ASCII */
	return _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
	    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
}
#endif

/* How many bytes from p on are plain. Reads nothing at or past end. */
static inline size_t
js_plain_run(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		int mask = _mm_movemask_epi8(js_special16(
		    _mm_loadu_si128((const __m128i *)p)));

		if (mask)
			return (size_t)(p - from) +
			    (size_t)__builtin_ctz((unsigned)mask);
	}
#else
	while (end - p >= 8 && !js_special8(js_load8(p)))
		p += 8;
#endif
	while (p < end && js_plain(*p))
		p++;
	return (size_t)(p - from);
}

/* The length of the UTF-8 sequence at p, 2 to 4; 0 when it is none. */
static inline size_t
js_utf8_len(const uint8_t *p, const uint8_t *end)
{
	size_t n = (size_t)(end - p);

	if (n >= 2 && p[0] >= 0xc2 && p[0] <= 0xdf)
		return (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (n >= 3 && (p[0] & 0xf0) == 0xe0) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
		    (p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (n >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
		    (p[3] & 0xc0) != 0x80 || (p[0] == 0xf0 && p[1] < 0x90) ||
		    (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}
