/*
 * How long a sensor that failed waits. Called by the supervisor for each
 * failure; it must never say "for ever".
 */
#include "core/sensor/backoff.h"

#include "base/clock.h"
#include "base/random.h"

#define SECOND INT64_C(1000000)
#define GOOD_MINUTE (60 * SECOND)
#define BACKOFF_MIN SECOND
#define BACKOFF_MAX (60 * SECOND)

/* 1 s doubling to 60 s or poll_interval, with a tenth of jitter. */
static int64_t
delay_us(const struct backoff *b, double poll_interval)
{
	int64_t most = (int64_t)(poll_interval * SECOND), us;
	unsigned i;

	if (most < BACKOFF_MAX)
		most = BACKOFF_MAX;
	us = BACKOFF_MIN;
	for (i = 1; i < b->failures && us < most; i++)
		us *= 2;
	if (us > most)
		us = most;
	return us + (int64_t)random_below((uint32_t)(us / 10000) + 1) *
	    1000;
}

bool
backoff_is_well(const struct backoff *b)
{
	return b->running_since &&
	    clock_mono_us() - b->running_since >= GOOD_MINUTE;
}

int64_t
backoff_us(struct backoff *b, double poll_interval)
{
	int64_t now = clock_unix_us();

	if (backoff_is_well(b))
		b->failures = 0;
	if (b->failures++ == 0)
		b->failing_since = now;
	b->running_since = 0;
	b->delay_us = delay_us(b, poll_interval);
	b->next_start = now + b->delay_us;
	return b->delay_us;
}
