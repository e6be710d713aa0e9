/*
 * A window of time with a count of what was said in it. Used by output.c and
 * log_lines.c. It must never decide what becomes of what is beyond.
 */
#include "core/child/window.h"

#include "base/clock.h"

bool
window_is_over(const struct window *w)
{
	return clock_mono_us() - w->since >= WINDOW_SECONDS * INT64_C(1000000);
}

uint64_t
window_begin(struct window *w)
{
	uint64_t suppressed = w->suppressed;

	*w = (struct window){.since = clock_mono_us()};
	return suppressed;
}

bool
window_admits(struct window *w, unsigned most_lines)
{
	if (w->lines < most_lines) {
		w->lines++;
		return true;
	}
	w->suppressed++;
	return false;
}
