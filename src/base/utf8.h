#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * UTF-8 that came from outside and may be none. Surrogates, overlong forms
 * and what lies beyond U+10FFFF count as bad.
 */

/* How many of the n bytes at p are good UTF-8, counted from the first. */
size_t utf8_span(const void *p, size_t n);

/* Appends the bytes with U+FFFD for each bad byte, or run of a cut one. */
void utf8_scrub(struct buf *out, const void *p, size_t n);

/* Appends the bytes with each bad one as \xff, in four characters. */
void utf8_escape(struct buf *out, const void *p, size_t n);

/* Appends Latin-1 as UTF-8. */
void utf8_from_latin1(struct buf *out, const void *p, size_t n);

/* n less the bytes of a character at the end that is not all there. */
size_t utf8_trim(const void *p, size_t n);
