#pragma once

#include <stddef.h>
#include <stdint.h>

/* Microseconds of the monotonic clock; for durations and deadlines. */
int64_t clock_mono_us(void);

/* Nanoseconds of the processor that this thread has used. */
int64_t clock_cpu_ns(void);

/* Microseconds since 1970, UTC; for what people read. */
int64_t clock_unix_us(void);

/*
 * Writes the Unix time us as RFC 3339 in UTC with microseconds, such as
 * 2026-01-02T03:04:05.000006Z, and a NUL, into text; returns text. Years
 * outside 0 to 9999 are printed as the nearest time inside.
 */
#define CLOCK_TEXT 32
char *clock_rfc3339(int64_t us, char text[CLOCK_TEXT]);
