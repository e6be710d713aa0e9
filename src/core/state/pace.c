/*
 * Measures the turns of core's loop. Called by loop.c after each of them. It
 * costs one system call a turn and must never cost more.
 */
#include "core/state/pace.h"

#include "base/clock.h"

void
pace_restart(struct pace *p)
{
	/* The turn that is under way counts from its beginning. */
	*p = (struct pace){.since_us = clock_unix_us(),
	    .mark_ns = p->mark_ns ? p->mark_ns : clock_cpu_ns()};
}

void
pace_turn(struct pace *p, int64_t commit_us)
{
	int64_t now = clock_cpu_ns(), work_us = (now - p->mark_ns) / 1000;

	p->mark_ns = now;
	p->turns++;
	if (work_us > p->longest_work_us)
		p->longest_work_us = work_us;
	if (commit_us > p->longest_commit_us)
		p->longest_commit_us = commit_us;
}
