#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Sizes and durations as people write them: "64M", "10s", "1.5h".
 * A size is a number with K, M or G (1024 to the power), or bare bytes; a
 * duration a number with ms, s, m, h or d, or bare seconds. Fractions are
 * allowed where the result is a whole byte or microsecond, else rounded.
 * No sign, no spaces, nothing beyond 2^53. -1 with e says what is allowed.
 */
int units_size_parse(const char *text, uint64_t *bytes, struct err *e);
int units_duration_parse(const char *text, int64_t *us, struct err *e);

/* What follows a number that counts: "st" of 1st, "nd", "rd", "th". */
const char *units_ordinal(unsigned n);

/* Seconds as a number, such as 2.5, to microseconds; -1 if not 0 to 2^53. */
int units_seconds_us(double seconds, int64_t *us);

/* The shortest text that parses back to the same: "64M", "90s"; returns it. */
#define UNITS_TEXT 32
char *units_size_print(uint64_t bytes, char text[UNITS_TEXT]);
char *units_duration_print(int64_t us, char text[UNITS_TEXT]);
