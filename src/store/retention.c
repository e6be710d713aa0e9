/*
 * Retention: deletes what is older or more than the user keeps. Called with
 * every commit that appended something, by core's timer, and when the disk is
 * short. Deletes from the oldest end only, a bounded slice a turn, in the
 * turn's own transaction. What a cursor still wants it deletes only past
 * journal.retain_size, and only if the user said drop.
 */
#include "store/retention.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/must.h"
#include "store/cursor.h"
#include "store/dead_letter_impl.h"
#include "store/journal_impl.h"
#include "store/store_impl.h"

#define DAY_US ((int64_t)86400 * 1000000)

void
retention_default(struct retention *r)
{
	*r = (struct retention){
		.journal_age_us = 7 * DAY_US,
		.journal_size = (uint64_t)10 << 30,
		.dead_letter_age_us = 30 * DAY_US,
		.dead_letter_size = (uint64_t)1 << 30,
	};
}

void
retention_set(struct store *s, const struct retention *r)
{
	s->retention = *r;
	if (!store_in_turn(s)) {
		retention_look(s, &s->journal_state);
		store_rest(s);
	}
}

/* True if a table has passed its size, or its oldest entry its age. */
static bool
is_over(struct store *s, enum table table, uint64_t size_limit)
{
	return size_limit != 0 &&
	    txn_table_bytes(s->txn, table) > size_limit;
}

static bool
is_old(struct store *s, int64_t time_us, int64_t age_limit)
{
	return age_limit != 0 && time_us < s->turn.time_us - age_limit &&
	    !timing_holds(&s->timing);
}

/*
 * An instance's time; of before the clock was set back, no later than that:
 * what a clock that was ahead has written must age with the rest.
 */
static int64_t
journal_time(const struct store *s, const struct journal_record *record)
{
	const struct set_back *back = &s->turn_back;

	return set_back_cap(back, record->time_us, record->seq <= back->seq);
}

/* The same of a dead letter, by its key. */
static int64_t
letter_time(const struct store *s, struct span key,
    const struct dead_letter *letter)
{
	const struct set_back *back = &s->turn_back;
	uint64_t seq = 0;

	memcpy(&seq, key.data, sizeof(seq));
	return set_back_cap(back, letter->time_us, seq <= back->dead_seq);
}

/* May the record go? least is what cursors want. */
static bool
journal_due(struct store *s, const struct journal_record *record,
    uint64_t least)
{
	const struct retention *r = &s->retention;
	bool over = is_over(s, TABLE_JOURNAL, r->journal_size);

	if (!over && !is_old(s, journal_time(s, record), r->journal_age_us))
		return false;
	return record->seq < least || (over && r->journal_drop_held);
}

static bool
in_time(int64_t until_us)
{
	return until_us == 0 || clock_mono_us() < until_us;
}

/* Deletes at most max records; true if more are due. */
static bool
trim_journal(struct store *s, unsigned max, int64_t until_us)
{
	uint64_t least;
	struct scan *scan = scan_open(s->txn, TABLE_JOURNAL);
	struct journal_record record;
	struct span key, value;
	bool due = cursor_least(turn_view(s), &least, NULL) != READ_FAILED;

	for (unsigned n = 0; due && n < max && in_time(until_us); n++) {
		due = scan_to(scan, SCAN_FIRST, &key, &value) == READ_FOUND;
		if (!due)
			break;
		if (!journal_decode(key, value, &record)) {
			txn_damage(s->txn, TABLE_JOURNAL, key);
			break;
		}
		due = journal_due(s, &record, least);
		if (due) {
			scan_delete(scan);
			s->turn.first = record.seq + 1;
		}
	}
	scan_close(scan);
	return due && txn_fault(s->txn) == 0;
}

/* The same for dead letters, which no cursor holds. */
static bool
trim_dead_letters(struct store *s, unsigned max, int64_t until_us)
{
	const struct retention *r = &s->retention;
	struct scan *scan = scan_open(s->txn, TABLE_DEAD);
	struct dead_letter letter;
	struct span key, value;
	bool due = true;

	for (unsigned n = 0; due && n < max && in_time(until_us); n++) {
		due = scan_to(scan, SCAN_FIRST, &key, &value) == READ_FOUND;
		if (!due)
			break;
		if (!dead_letter_decode(key, value, &letter)) {
			txn_damage(s->txn, TABLE_DEAD, key);
			break;
		}
		due = is_over(s, TABLE_DEAD, r->dead_letter_size) ||
		    is_old(s, letter_time(s, key, &letter),
		    r->dead_letter_age_us);
		if (due) {
			dead_letter_unindex(s, &letter);
			scan_to(scan, SCAN_FIRST, NULL, NULL);
			scan_delete(scan);
		}
	}
	scan_close(scan);
	return due && txn_fault(s->txn) == 0;
}

bool
retention_run(struct store *s, unsigned max, int64_t until_us)
{
	bool journal, letters;

	must(store_in_turn(s));
	journal = trim_journal(s, max, until_us);
	letters = trim_dead_letters(s, max, until_us);
	return journal || letters;
}

enum read_result
retention_look(struct store *s, struct retention_state *out)
{
	struct view *v = store_view(s, s->head.time_us);
	uint64_t limit = s->retention.journal_size, first, least, bytes;
	struct span name;

	*out = (struct retention_state){0};
	if (journal_first(v, &first) == READ_FAILED ||
	    cursor_least(v, &least, &name) == READ_FAILED)
		return READ_FAILED;
	bytes = txn_table_bytes(v->txn, TABLE_JOURNAL);
	if (txn_fault(v->txn) != 0)
		return READ_FAILED;
	if (limit != 0)
		out->percent = (unsigned)(bytes * 100 / limit);
	if (first == 0 || least > first)
		return READ_FOUND;
	out->held = true;
	snprintf(out->holder, sizeof(out->holder), "%.*s", (int)name.len,
	    (const char *)name.data);
	return READ_FOUND;
}
