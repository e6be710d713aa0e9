/*
 * Names and numbers of sensors and triggers. Core registers, all doors look
 * up. Owns the tables `sensor` and `trigger` and a copy of them in memory;
 * new numbers live in memory first and are written with the next commit, so
 * that an aborted turn cannot leave a journal record with a number that
 * nobody knows. Never changes or deletes an entry.
 */
#include "store/registry.h"

#include <stdlib.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "store/fields.h"
#include "store/record.h"
#include "store/store_impl.h"

void
registry_init(struct registry *r)
{
	*r = (struct registry){0};
	r->sensor_numbers = dict_new();
	r->trigger_refs = dict_new();
	r->trigger_kinds = dict_new();
}

void
registry_release(struct registry *r)
{
	for (uint32_t i = 0; i < r->sensor_count; i++)
		free(r->sensors[i]);
	for (uint32_t i = 0; i < r->trigger_count; i++)
		free(r->triggers[i]);
	free(r->sensors);
	free(r->triggers);
	dict_free(&r->sensor_numbers, NULL);
	dict_free(&r->trigger_refs, NULL);
	dict_free(&r->trigger_kinds, NULL);
}

/* Doubles an array of pointers when its count is a power of two. */
static void *
grow(void *array, uint32_t count)
{
	if ((count & (count - 1)) != 0)
		return array;
	return xreallocarray(array, count ? (size_t)count * 2 : 1,
	    sizeof(void *));
}

static uint32_t
sensor_add(struct registry *r, struct span ref)
{
	uint32_t place = r->sensor_count;

	r->sensors = grow(r->sensors, place);
	r->sensors[place] = xstrndup(ref.data, ref.len);
	r->sensor_count++;
	/* A value must not be NULL: the number itself, which is never 0. */
	dict_set_str(r->sensor_numbers, r->sensors[place],
	    (void *)(uintptr_t)(place + 1));
	return place + 1;
}

/* The key by which a trigger is found from type and parameters. */
static void
kind_key(struct buf *b, const char *type, const char *parameters)
{
	buf_put(b, type, strlen(type) + 1);
	buf_puts(b, parameters);
}

/* Copies text behind *at, which moves on; returns the copy. */
static const char *
copy_text(char **at, struct span text)
{
	char *start = *at;

	memcpy(start, text.data, text.len);
	start[text.len] = '\0';
	*at += text.len + 1;
	return start;
}

enum { TEXT_REF, TEXT_TYPE, TEXT_UID, TEXT_PARAMETERS, TEXT_DESCRIPTION,
	TEXT_COUNT };

/* Adds a trigger, all of its texts in one block of memory. */
static struct trigger_entry *
trigger_add(struct registry *r, const struct span texts[TEXT_COUNT],
    int64_t created_us)
{
	struct trigger_entry *entry;
	size_t size = sizeof(*entry);
	struct buf key = {0};
	char *at;

	for (int i = 0; i < TEXT_COUNT; i++)
		size += texts[i].len + 1;
	entry = xmalloc(size);
	at = (char *)(entry + 1);
	r->triggers = grow(r->triggers, r->trigger_count);
	r->triggers[r->trigger_count++] = entry;
	entry->id = r->trigger_count;
	entry->created_us = created_us;
	entry->ref = copy_text(&at, texts[TEXT_REF]);
	entry->type = copy_text(&at, texts[TEXT_TYPE]);
	entry->uid = copy_text(&at, texts[TEXT_UID]);
	entry->parameters = copy_text(&at, texts[TEXT_PARAMETERS]);
	entry->description = copy_text(&at, texts[TEXT_DESCRIPTION]);
	dict_set_str(r->trigger_refs, entry->ref, entry);
	kind_key(&key, entry->type, entry->parameters);
	dict_set(r->trigger_kinds, (char *)key.data, key.len, entry);
	buf_release(&key);
	return entry;
}

/* Whether it can be a name: UTF-8, not empty, without control characters. */
static bool
is_name(struct span text)
{
	const unsigned char *p = text.data;

	for (size_t i = 0; i < text.len; i++)
		if (p[i] < ' ')
			return false;
	return text.len > 0 && js_utf8_valid(text.data, text.len);
}

/* Adds a sensor from the database; false if that is none. */
static bool
sensor_decode(struct registry *r, struct span value)
{
	if (!is_name(value))
		return false;
	sensor_add(r, value);
	return true;
}

/* The same of a trigger. */
static bool
trigger_decode(struct registry *r, struct span value)
{
	struct span texts[TEXT_COUNT];
	int64_t created_us;

	if (value.len < sizeof(created_us))
		return false;
	memcpy(&created_us, value.data, sizeof(created_us));
	value = span_of((const char *)value.data + sizeof(created_us),
	    value.len - sizeof(created_us));
	for (int i = 0; i < TEXT_COUNT; i++)
		if (!field_get(&value, &texts[i]))
			return false;
	if (value.len > 0 || created_us <= 0 || !is_name(texts[TEXT_REF]) ||
	    !is_name(texts[TEXT_TYPE]))
		return false;
	trigger_add(r, texts, created_us);
	return true;
}

/* Adds every number of a table from the next on; there are no gaps. */
static enum read_result
load_table(struct registry *r, struct txn *t, enum table table)
{
	uint32_t number = (table == TABLE_SENSOR ? r->sensor_count :
	    r->trigger_count) + 1;
	struct scan *scan = scan_open(t, table);
	struct span key = span_of(&number, sizeof(number)), value;
	enum read_result found = scan_to(scan, SCAN_FROM, &key, &value);

	for (; found == READ_FOUND; number++) {
		if (!span_equal(key, span_of(&number, sizeof(number))) ||
		    !record_open(key, value, &value) ||
		    !(table == TABLE_SENSOR ? sensor_decode(r, value) :
		    trigger_decode(r, value)))
			found = txn_damage(t, table, key);
		else
			found = scan_to(scan, SCAN_NEXT, &key, &value);
	}
	scan_close(scan);
	return found;
}

enum read_result
registry_load(struct registry *r, struct txn *t)
{
	enum read_result sensors = load_table(r, t, TABLE_SENSOR);
	enum read_result triggers = load_table(r, t, TABLE_TRIGGER);

	registry_saved(r);
	return sensors == READ_FAILED || triggers == READ_FAILED ?
	    READ_FAILED : READ_FOUND;
}

static void
trigger_stage(struct txn *t, const struct trigger_entry *entry)
{
	struct buf b = {0};

	buf_put(&b, &entry->created_us, sizeof(entry->created_us));
	field_put(&b, span_str(entry->ref));
	field_put(&b, span_str(entry->type));
	field_put(&b, span_str(entry->uid));
	field_put(&b, span_str(entry->parameters));
	field_put(&b, span_str(entry->description));
	record_put(t, TABLE_TRIGGER, span_of(&entry->id, sizeof(entry->id)),
	    span_of(b.data, b.len));
	buf_release(&b);
}

void
registry_stage(struct registry *r, struct txn *t)
{
	for (uint32_t n = r->sensors_saved + 1; n <= r->sensor_count; n++)
		record_put(t, TABLE_SENSOR, span_of(&n, sizeof(n)),
		    span_str(r->sensors[n - 1]));
	for (uint32_t n = r->triggers_saved; n < r->trigger_count; n++)
		trigger_stage(t, r->triggers[n]);
}

void
registry_saved(struct registry *r)
{
	r->sensors_saved = r->sensor_count;
	r->triggers_saved = r->trigger_count;
}

uint32_t
registry_sensor(struct store *s, const char *ref)
{
	void *number = dict_get_str(s->registry.sensor_numbers, ref);

	if (number != NULL)
		return (uint32_t)(uintptr_t)number;
	return sensor_add(&s->registry, span_str(ref));
}

uint32_t
registry_sensor_find(struct view *v, const char *ref)
{
	return (uint32_t)(uintptr_t)dict_get_str(v->registry->sensor_numbers,
	    ref);
}

const char *
registry_sensor_ref(struct view *v, uint32_t sensor)
{
	const struct registry *r = v->registry;

	if (sensor == 0 || sensor > r->sensor_count)
		return NULL;
	return r->sensors[sensor - 1];
}

uint32_t
registry_trigger(struct store *s, const struct trigger_entry *entry,
    int64_t now_us)
{
	struct trigger_entry *there = dict_get_str(s->registry.trigger_refs,
	    entry->ref);
	const char *description = entry->description;
	struct span texts[TEXT_COUNT] = {
		[TEXT_REF] = span_str(entry->ref),
		[TEXT_TYPE] = span_str(entry->type),
		[TEXT_UID] = span_str(entry->uid),
		[TEXT_PARAMETERS] = span_str(entry->parameters),
		[TEXT_DESCRIPTION] = span_str(description ? description : ""),
	};

	if (there != NULL)
		return there->id;
	return trigger_add(&s->registry, texts, now_us)->id;
}

const struct trigger_entry *
registry_trigger_get(struct view *v, uint32_t trigger)
{
	const struct registry *r = v->registry;

	if (trigger == 0 || trigger > r->trigger_count)
		return NULL;
	return r->triggers[trigger - 1];
}

const struct trigger_entry *
registry_trigger_find(struct view *v, const char *ref)
{
	return dict_get_str(v->registry->trigger_refs, ref);
}

const struct trigger_entry *
registry_trigger_match(struct view *v, const char *type,
    const char *parameters)
{
	struct buf key = {0};
	void *entry;

	kind_key(&key, type, parameters);
	entry = dict_get(v->registry->trigger_kinds, (char *)key.data,
	    key.len);
	buf_release(&key);
	return entry;
}
