/*
 * What the store makes of a clock that is wrong, or was. Called by store.c at
 * the begin and at the end of each turn. A clock that makes a leap cannot be
 * told from one that was put right, so nothing is deleted for its age for a
 * while, in which somebody, or a time server, can see to it. It must never stop
 * time.
 */
#include "store/timing.h"

#include <string.h>

#include "base/clock.h"
#include "store/record.h"
#include "store/store_impl.h"

/* A step of the clock that is more than it can be off. */
#define LEAP_US (INT64_C(600) * 1000000)
#define GRACE_US (INT64_C(900) * 1000000)

/* While nothing else is written: once in such a part, which is a minute. */
#define KEEP_PARTS 15

static const char name[] = "clock";
static const char kept_name[] = "aging held";

enum read_result
set_back_load(struct txn *t, struct set_back *b)
{
	struct span key = span_str(name), value;
	enum read_result r = record_get(t, TABLE_META, key, &value);

	*b = (struct set_back){0};
	if (r == READ_FOUND && value.len != sizeof(*b))
		r = txn_damage(t, TABLE_META, key);
	if (r == READ_FOUND)
		memcpy(b, value.data, sizeof(*b));
	return r;
}

void
set_back_save(struct txn *t, const struct set_back *b)
{
	record_put(t, TABLE_META, span_str(name), span_of(b, sizeof(*b)));
}

int64_t
set_back_newest(const struct set_back *b, const struct head *head)
{
	return b->newest_us > head->time_us ? b->newest_us : head->time_us;
}

void
set_back_take(struct store *s)
{
	s->turn_back = (struct set_back){
		.time_us = s->turn.time_us,
		.newest_us = set_back_newest(&s->back, &s->head),
		.seq = s->head.seq,
		.dead_seq = s->head.dead_seq,
		.sweeping = 1,
	};
	s->turn_sweep.len = 0;
	set_back_save(s->txn, &s->turn_back);
}

/* For how long nothing is aged out after a leap; not positive: not at all. */
static int64_t
grace_of(const struct timing *t)
{
	return t->grace_us != 0 ? t->grace_us : GRACE_US;
}

/* How much of that is left. */
static int64_t
left_of(const struct timing *t)
{
	int64_t left = t->held_until_us;

	if (left != 0)
		left -= clock_mono_us();
	return left > 0 ? left : 0;
}

void
timing_look(struct timing *t, int64_t newest_us, int64_t now_us)
{
	int64_t mono = clock_mono_us(), step;
	bool first = t->mono_us == 0, leap;

	if (!first)
		step = (now_us - t->unix_us) - (mono - t->mono_us);
	else
		step = newest_us != 0 ? now_us - newest_us : 0;
	t->unix_us = now_us;
	t->mono_us = mono;
	if (first && t->kept_us != 0 && grace_of(t) > 0)
		t->held_until_us = mono + (t->kept_us < grace_of(t) ?
		    t->kept_us : grace_of(t));
	leap = step > LEAP_US || step < -LEAP_US;
	if (!leap && step >= -TIMING_HOLD_US)
		return;
	t->steps++;
	t->step_us = step;
	t->at_open = first;
	t->newest_us = newest_us;
	if (leap && grace_of(t) > 0)
		t->held_until_us = mono + grace_of(t);
}

bool
timing_holds(const struct timing *t)
{
	return left_of(t) > 0;
}

enum read_result
timing_load(struct txn *t, struct timing *timing)
{
	struct span key = span_str(kept_name), value;
	enum read_result r = record_get(t, TABLE_META, key, &value);

	if (r == READ_FOUND && value.len == sizeof(timing->kept_us))
		memcpy(&timing->kept_us, value.data, value.len);
	if (r == READ_FOUND && timing->kept_us <= 0)
		r = txn_damage(t, TABLE_META, key);
	return r;
}

void
timing_keep(struct timing *t, struct txn *txn)
{
	struct span key = span_str(kept_name);
	int64_t left = left_of(t), passed = t->kept_us - left;
	bool due = passed < 0 || passed >= grace_of(t) / KEEP_PARTS ||
	    left == 0 || txn_dirty(txn);

	t->turn_kept_us = t->kept_us;
	if (passed == 0 || !due)
		return;
	t->turn_kept_us = left;
	if (left != 0)
		record_put(txn, TABLE_META, key, span_of(&left, sizeof(left)));
	else
		txn_delete(txn, TABLE_META, key);
}

void
store_clock(struct store *s, int64_t now_us, struct store_clock *out)
{
	const struct timing *t = &s->timing;
	int64_t left = left_of(t);

	*out = (struct store_clock){
		.steps = t->steps,
		.step_us = t->step_us,
		.at_open = t->at_open,
		.newest_us = t->newest_us,
	};
	if (s->back.newest_us > now_us)
		out->behind_us = s->back.newest_us;
	if (left > 0)
		out->held_until_us = now_us + left;
}
