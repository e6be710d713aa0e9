/*
 * The clocks and the one way in which the program writes a time. Called
 * by everybody; it must never consult a time zone.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/must.h"

#define MICRO 1000000LL
#define YEAR_0 (-62167219200LL * MICRO)
#define YEAR_9999_END (253402300800LL * MICRO - 1)

/* Reads one clock in microseconds. */
static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	must(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * MICRO + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_cpu_ns(void)
{
	struct timespec ts;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	return (int64_t)ts.tv_sec * (1000 * MICRO) + ts.tv_nsec;
}

int64_t
clock_unix_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

char *
clock_rfc3339(int64_t us, char text[CLOCK_TEXT])
{
	time_t seconds;
	struct tm tm;
	int fraction;

	if (us < YEAR_0)
		us = YEAR_0;
	if (us > YEAR_9999_END)
		us = YEAR_9999_END;
	fraction = (int)(((us % MICRO) + MICRO) % MICRO);
	seconds = (time_t)((us - fraction) / MICRO);
	must(gmtime_r(&seconds, &tm));
	snprintf(text, CLOCK_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
	    ((unsigned)tm.tm_year + 1900u) % 10000u,
	    ((unsigned)tm.tm_mon + 1u) % 100u, (unsigned)tm.tm_mday % 100u,
	    (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
	    (unsigned)tm.tm_sec % 100u, (unsigned)fraction % 1000000u);
	return text;
}
