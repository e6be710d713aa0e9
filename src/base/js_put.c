/*
 * Writers of JSON: strings, and whole values of jansson's. Called by whoever
 * answers in JSON and, a string at a time, by the encoder of Lua values; a
 * string that needs no escape is checked and copied in the same step.
 */
#include "base/js.h"

#include "base/js_text.h"
#include "base/must.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>

bool
js_utf8_valid(const void *p, size_t n)
{
	const uint8_t *at = p, *end = at + n;

	while (at < end) {
		size_t len = 1;

		if (end - at >= 8 &&
		    !(js_load8(at) & 0x8080808080808080ull))
			len = 8;
		else if (*at >= 0x80 && !(len = js_utf8_len(at, end)))
			return false;
		at += len;
	}
	return true;
}

size_t
js_utf8_count(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (s[i] & 0xc0) != 0x80;
	return count;
}

#ifdef __SSE2__
/* Copies sixteen bytes; not zero when one of them is not plain. */
static inline int
copy16(uint8_t *to, const uint8_t *s)
{
	__m128i v = _mm_loadu_si128((const __m128i *)s);

	_mm_storeu_si128((__m128i *)to, v);
	return _mm_movemask_epi8(js_special16(v));
}
#else
static inline uint64_t
copy16(uint8_t *to, const uint8_t *s)
{
	memcpy(to, s, 16);
	return js_special8(js_load8(s)) | js_special8(js_load8(s + 8));
}
#endif

/* Copies n bytes if all of them are plain; else what is at to is junk. */
static inline bool
copy_plain(uint8_t *to, const uint8_t *s, size_t n)
{
	uint64_t special = 0, v;

	if (n >= 16) {
		for (size_t i = 0; i < n - 16; i += 16)
			special |= (uint64_t)copy16(to + i, s + i);
		special |= (uint64_t)copy16(to + n - 16, s + n - 16);
		return !special;
	}
	if (n >= 8) {
		v = js_load8(s);
		memcpy(to, &v, 8);
		special = js_special8(v);
		v = js_load8(s + n - 8);
		memcpy(to + n - 8, &v, 8);
		return !(special | js_special8(v));
	}
	if (n >= 4) {
		uint32_t head, tail;

		memcpy(&head, s, 4);
		memcpy(&tail, s + n - 4, 4);
		memcpy(to, &head, 4);
		memcpy(to + n - 4, &tail, 4);
		return !js_special8((uint64_t)tail << 32 | head);
	}
	for (size_t i = 0; i < n; i++) {
		if (!js_plain(s[i]))
			return false;
		to[i] = s[i];
	}
	return true;
}

/* Appends the escape of a control character, quote or backslash. */
static void
put_escape(struct buf *b, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	const char *letter = c ? strchr(letters, c) : NULL;

	if (letter) {
		buf_put(b, (char[]){'\\', letter[1]}, 2);
		return;
	}
	buf_put(b, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* Appends s escaped, without quotes; -1 at a byte that is not UTF-8. */
static int
put_escaped(struct buf *b, const uint8_t *s, const uint8_t *end, bool lossy)
{
	while (s < end) {
		size_t n = js_plain_run(s, end);

		buf_put(b, s, n);
		s += n;
		if (s == end)
			break;
		if (*s < 0x80) {
			put_escape(b, *s++);
		} else if ((n = js_utf8_len(s, end))) {
			buf_put(b, s, n);
			s += n;
		} else if (lossy) {
			buf_puts(b, "\xef\xbf\xbd");
			s++;
		} else {
			return -1;
		}
	}
	return 0;
}

int
js_put_string(struct buf *b, const char *s, size_t n)
{
	uint8_t *to = buf_reserve(b, n + 2);
	size_t start = b->len;

	to[0] = '"';
	if (copy_plain(to + 1, (const uint8_t *)s, n)) {
		to[n + 1] = '"';
		b->len += n + 2;
		return 0;
	}
	b->len++;
	if (put_escaped(b, (const uint8_t *)s, (const uint8_t *)s + n, false)) {
		b->len = start;
		return -1;
	}
	buf_putc(b, '"');
	return 0;
}

void
js_put_string_lossy(struct buf *b, const char *s, size_t n)
{
	buf_putc(b, '"');
	put_escaped(b, (const uint8_t *)s, (const uint8_t *)s + n, true);
	buf_putc(b, '"');
}

json_t *
js_text(const char *text)
{
	struct buf plain = {0};
	json_t *value;

	utf8_escape(&plain, text, strlen(text));
	value = json_string(buf_cstr(&plain));
	must(value);
	buf_release(&plain);
	return value;
}

/* Orders member names by their bytes, for qsort. */
static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
put_sorted_members(struct buf *b, const json_t *object)
{
	size_t count = json_object_size(object), i = 0;
	const char **names = xreallocarray(NULL, count, sizeof(*names));
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
		names[i++] = name;
	qsort(names, count, sizeof(*names), compare_names);
	for (i = 0; i < count; i++) {
		if (i)
			buf_putc(b, ',');
		must(!js_put_string(b, names[i], strlen(names[i])));
		buf_putc(b, ':');
		js_put_json(b, json_object_get(object, names[i]), true);
	}
	free(names);
}

static void
put_members(struct buf *b, const json_t *object)
{
	const char *name;
	json_t *value;
	bool first = true;

	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		if (!first)
			buf_putc(b, ',');
		first = false;
		must(!js_put_string(b, name, strlen(name)));
		buf_putc(b, ':');
		js_put_json(b, value, false);
	}
}

static void
put_items(struct buf *b, const json_t *array, bool sorted)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			buf_putc(b, ',');
		js_put_json(b, json_array_get(array, i), sorted);
	}
}

void
js_put_json(struct buf *b, const json_t *value, bool sorted)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		buf_putc(b, '{');
		if (sorted)
			put_sorted_members(b, value);
		else
			put_members(b, value);
		buf_putc(b, '}');
		break;
	case JSON_ARRAY:
		buf_putc(b, '[');
		put_items(b, value, sorted);
		buf_putc(b, ']');
		break;
	case JSON_STRING:
		must(!js_put_string(b, json_string_value(value),
		    json_string_length(value)));
		break;
	case JSON_INTEGER:
		js_put_int64(b, json_integer_value(value));
		break;
	case JSON_REAL:
		js_put_double(b, json_real_value(value));
		break;
	case JSON_TRUE:
		buf_puts(b, "true");
		break;
	case JSON_FALSE:
		buf_puts(b, "false");
		break;
	case JSON_NULL:
		buf_puts(b, "null");
		break;
	}
}
