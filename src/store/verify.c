/*
 * The examination of a whole store. Called by `journal verify`, and by export
 * at the end of a table. Reads only, trusts nothing, and goes on behind what
 * it found as far as that is possible.
 */
#include "store/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/cursor.h"
#include "store/dead_letter_impl.h"
#include "store/journal_impl.h"
#include "store/kv_impl.h"
#include "store/record.h"
#include "store/sensor_state.h"
#include "store/store_impl.h"

#define SLICE 10000
#define FAULTS_MAX 1000	/* then the journal is looked at no further */
#define TEXT 1024

/* Tells of a fault. */
static void __attribute__((format(printf, 2, 3)))
tell(struct verify *w, const char *fmt, ...)
{
	char text[TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->faults++;
	w->fn(w->arg, text);
}

/* Tells of a gap in the journal before a sequence, and passes it. */
static void
pass_gap(struct verify *w, uint64_t found)
{
	if (found > w->next)
		tell(w, "the instances with sequence %llu to %llu are "
		    "missing", (unsigned long long)w->next,
		    (unsigned long long)found - 1);
	w->next = found;
}

/* One record that was read. */
static void
look_at_record(struct verify *w, struct view *v,
    const struct journal_record *record)
{
	w->instances++;
	if (registry_trigger_get(v, record->trigger) == NULL)
		tell(w, "the instance with sequence %llu is of trigger number "
		    "%u, which nobody knows", (unsigned long long)record->seq,
		    (unsigned)record->trigger);
	if (record->sensor != 0 &&
	    registry_sensor_ref(v, record->sensor) == NULL)
		tell(w, "the instance with sequence %llu is of sensor number "
		    "%u, which nobody knows", (unsigned long long)record->seq,
		    (unsigned)record->sensor);
}

bool
verify_journal(struct verify *w, struct view *v)
{
	enum read_result r = READ_FOUND;
	struct journal_record record;
	struct journal_walk walk;
	struct journal_ends ends;

	if (journal_noted(v, &ends) == READ_FAILED) {
		tell(w, "%s", view_error(v));
		return false;
	}
	/* What retention took meanwhile is not missing. */
	if (w->next < ends.first)
		w->next = ends.first;
	journal_walk_init(&walk, v, w->instances + w->faults > 0 ? w->next : 0);
	for (int n = 0; n < SLICE; n++) {
		r = journal_walk_next(&walk, &record);
		if (r == READ_MISSING || record.seq == 0)
			break;
		if (record.seq < w->next || record.seq > ends.last) {
			tell(w, "the instance with sequence %llu is one too "
			    "many", (unsigned long long)record.seq);
			continue;
		}
		if (w->next == 0)
			w->next = record.seq;
		pass_gap(w, record.seq);
		w->next++;
		if (r == READ_FAILED)
			tell(w, "%s", view_error(v));
		else
			look_at_record(w, v, &record);
	}
	journal_walk_release(&walk);
	if (r == READ_MISSING && w->next != 0)
		pass_gap(w, ends.last + 1);
	if (r == READ_FAILED && record.seq == 0) {
		tell(w, "the instance with sequence %llu cannot be read: %s",
		    (unsigned long long)w->next, view_error(v));
		w->next++;
	}
	if (r == READ_MISSING || w->next > ends.last)
		return false;
	if (w->faults < FAULTS_MAX)
		return true;
	tell(w, "that is enough: the journal was not looked at from sequence "
	    "%llu on", (unsigned long long)w->next);
	return false;
}

typedef void entry_fn(struct verify *w, struct view *v, struct span key,
    struct span value);

/* Calls fn for each entry of a table, and tells where that fails. */
static void
each(struct verify *w, struct view *v, enum table table, entry_fn *fn)
{
	struct scan *scan = scan_open(v->txn, table);
	struct span key, value;
	enum read_result r = scan_to(scan, SCAN_FIRST, &key, &value);

	for (; r == READ_FOUND; r = scan_to(scan, SCAN_NEXT, &key, &value))
		fn(w, v, key, value);
	if (r == READ_FAILED)
		tell(w, "%s", view_error(v));
	scan_close(scan);
}

/* Tells that an entry is damaged. */
static void
tell_damage(struct verify *w, struct view *v, enum table table,
    struct span key)
{
	txn_damage(v->txn, table, key);
	tell(w, "%s", view_error(v));
}

/* entry_fn: an item, and its entry in the index of expiries. */
static void
look_at_item(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	struct ttl_key ttl;
	struct kv_item item;
	struct span nothing;

	w->items++;
	if (key.len > KV_NAME_MAX || !kv_decode(key, value, &item))
		tell_damage(w, v, TABLE_KV, key);
	else if (item.expires_us != 0 && txn_get(v->txn, TABLE_TTL,
	    ttl_key_make(&ttl, item.expires_us, key), &nothing) != READ_FOUND)
		tell(w, "the item \"%.*s\" is not in the index of expiries",
		    (int)key.len, (const char *)key.data);
}

/*
 * entry_fn: an expiry, and the item that is meant; once it is over the item
 * may be gone, or another.
 */
static void
look_at_expiry(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	struct kv_item item;
	int64_t expires_us;
	struct span name;

	(void)value;
	w->expiries++;
	if (!ttl_key_read(key, &expires_us, &name) ||
	    (expires_us > v->newest_us &&
	    (txn_get(v->txn, TABLE_KV, name, &value) != READ_FOUND ||
	    !kv_decode(name, value, &item) || item.expires_us != expires_us)))
		tell_damage(w, v, TABLE_TTL, key);
}

/* entry_fn: a dead letter, and its entry in the index. */
static void
look_at_letter(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	struct dead_letter letter, found;

	w->dead_letters++;
	if (!dead_letter_decode(key, value, &letter))
		tell_damage(w, v, TABLE_DEAD, key);
	else if (dead_letter_get(v, letter.sensor, letter.id, &found) !=
	    READ_FOUND || found.payload.data != letter.payload.data)
		tell(w, "the dead letter \"%.*s\" is not in its index",
		    (int)letter.id.len, (const char *)letter.id.data);
}

/* entry_fn: an entry of the index, and the letter that is meant. */
static void
look_at_index(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	struct dead_letter letter;
	struct span number = value;

	if (!record_open(key, value, &number) ||
	    number.len != sizeof(uint64_t) ||
	    txn_get(v->txn, TABLE_DEAD, number, &value) != READ_FOUND ||
	    !dead_letter_decode(number, value, &letter) ||
	    letter.sensor.len + 1 + letter.id.len != key.len ||
	    memcmp(key.data, letter.sensor.data, letter.sensor.len) != 0)
		tell_damage(w, v, TABLE_DEAD_INDEX, key);
}

/* entry_fn: what is remembered of a sensor. */
static void
look_at_state(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	struct sensor_state state;
	uint32_t sensor;

	(void)value;
	memcpy(&sensor, key.data, sizeof(sensor));
	if (sensor_state_get(v, sensor, &state) != READ_FOUND)
		tell(w, "%s", view_error(v));
	else if (registry_sensor_ref(v, sensor) == NULL ||
	    state.current > state.allotted)
		tell_damage(w, v, TABLE_STATE, key);
}

/* entry_fn: a cursor. */
static void
look_at_cursor(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	struct journal_ends ends;
	struct cursor cursor;

	(void)value;
	w->consumers++;
	if (cursor_get(v, key, &cursor) != READ_FOUND ||
	    journal_noted(v, &ends) != READ_FOUND)
		tell(w, "%s", view_error(v));
	else if (cursor.next > ends.last + 1)
		tell(w, "the cursor of consumer \"%.*s\" wants sequence %llu, "
		    "which comes after the next", (int)key.len,
		    (const char *)key.data, (unsigned long long)cursor.next);
}

/* entry_fn: what lies among the facts with a stamp. */
static void
look_at_fact(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	if (!record_open(key, value, &value))
		tell_damage(w, v, TABLE_META, key);
}

/* entry_fn: the number is all there is to count; a view has read them. */
static void
count_sensor(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	(void)v, (void)key, (void)value;
	w->sensors++;
}

/* entry_fn: the same. */
static void
count_trigger(struct verify *w, struct view *v, struct span key,
    struct span value)
{
	(void)v, (void)key, (void)value;
	w->triggers++;
}

void
verify_tables(struct verify *w, struct view *v)
{
	static const struct {
		enum table table;
		entry_fn *fn;
	} tables[] = {
		{ TABLE_KV, look_at_item }, { TABLE_TTL, look_at_expiry },
		{ TABLE_DEAD, look_at_letter },
		{ TABLE_DEAD_INDEX, look_at_index },
		{ TABLE_STATE, look_at_state },
		{ TABLE_CURSOR, look_at_cursor },
		{ TABLE_SENSOR, count_sensor },
		{ TABLE_TRIGGER, count_trigger },
		{ TABLE_META, look_at_fact },
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		each(w, v, tables[i].table, tables[i].fn);
}

/* Goes over a table; the scan itself counts, and looks at the order. */
static enum read_result
whole(struct view *v, enum table table)
{
	struct scan *scan = scan_open(v->txn, table);
	enum read_result r = scan_to(scan, SCAN_FIRST, NULL, NULL);

	while (r == READ_FOUND)
		r = scan_to(scan, SCAN_NEXT, NULL, NULL);
	scan_close(scan);
	return r;
}

enum read_result
verify_items_whole(struct view *v)
{
	return whole(v, TABLE_KV);
}

enum read_result
verify_letters_whole(struct view *v)
{
	return whole(v, TABLE_DEAD);
}
