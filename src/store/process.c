/*
 * The running processes. Core's fleet stages them, and clears them away at
 * the next start when it was killed. Owns the facts whose names begin with
 * "process ": a sensor's number and a generation; their values are whole rows.
 */
#include "store/process.h"

#include <stdio.h>

#include "base/must.h"
#include "store/record.h"
#include "store/store_impl.h"

#define PREFIX "process "
#define KEY_SIZE 48

/* The name of a row. */
static struct span
key_make(char text[KEY_SIZE], uint32_t sensor, uint64_t generation)
{
	int n = snprintf(text, KEY_SIZE, PREFIX "%u %llu", (unsigned)sensor,
	    (unsigned long long)generation);

	return span_of(text, (size_t)n);
}

void
process_started(struct store *s, const struct process_row *row)
{
	char text[KEY_SIZE];
	struct span key = key_make(text, row->sensor, row->generation);

	must(row->sensor != 0);
	s->staged += key.len + sizeof(*row);
	record_put(s->txn, TABLE_META, key, span_of(row, sizeof(*row)));
}

void
process_ended(struct store *s, uint32_t sensor, uint64_t generation)
{
	char text[KEY_SIZE];
	struct span key = key_make(text, sensor, generation);

	s->staged += key.len;
	txn_delete(s->txn, TABLE_META, key);
}

enum read_result
process_first(struct view *v, struct process_row *out)
{
	struct span key = span_of(PREFIX, sizeof(PREFIX) - 1), value;
	struct scan *scan = scan_open(v->txn, TABLE_META);
	enum read_result r = scan_to(scan, SCAN_FROM, &key, &value);

	if (r == READ_FOUND && (key.len < sizeof(PREFIX) - 1 ||
	    memcmp(key.data, PREFIX, sizeof(PREFIX) - 1) != 0))
		r = READ_MISSING;
	if (r == READ_FOUND && (!record_open(key, value, &value) ||
	    value.len != sizeof(*out)))
		r = txn_damage(v->txn, TABLE_META, key);
	if (r == READ_FOUND)
		memcpy(out, value.data, sizeof(*out));
	scan_close(scan);
	return r;
}
