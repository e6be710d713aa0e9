/*
 * What is remembered of a sensor: generations, the last poll, an operator's
 * switch. Core's fleet stages it. Owns the table `state`, one record of fixed
 * size a sensor, which every setter reads, changes in one place and writes.
 */
#include "store/sensor_state.h"

#include <stdio.h>

#include "base/must.h"
#include "store/record.h"
#include "store/store_impl.h"

/* sound_fn */
static bool
is_state(struct span key, struct span value)
{
	return record_open(key, value, &value) &&
	    value.len == sizeof(struct sensor_state);
}

enum read_result
sensor_state_get(struct view *v, uint32_t sensor, struct sensor_state *out)
{
	struct span key = span_of(&sensor, sizeof(sensor)), value;
	enum read_result r = record_get(v->txn, TABLE_STATE, key, &value);

	*out = (struct sensor_state){0};
	if (r == READ_MISSING)
		return txn_missing(v->txn, TABLE_STATE, key, is_state);
	if (r == READ_FOUND && value.len != sizeof(*out))
		r = txn_damage(v->txn, TABLE_STATE, key);
	if (r == READ_FOUND)
		memcpy(out, value.data, sizeof(*out));
	return r;
}

static void
state_put(struct store *s, uint32_t sensor, const struct sensor_state *state)
{
	must(sensor != 0);
	s->staged += sizeof(*state);
	record_put(s->txn, TABLE_STATE, span_of(&sensor, sizeof(sensor)),
	    span_of(state, sizeof(*state)));
}

uint64_t
sensor_generation_allot(struct store *s, uint32_t sensor)
{
	struct sensor_state state;

	sensor_state_get(turn_view(s), sensor, &state);
	state.allotted++;
	state_put(s, sensor, &state);
	return state.allotted;
}

void
sensor_current_set(struct store *s, uint32_t sensor, uint64_t generation)
{
	struct sensor_state state;

	sensor_state_get(turn_view(s), sensor, &state);
	/* In a turn that has failed reads fail; the commit says so. */
	must((generation <= state.allotted && generation >= state.current) ||
	    txn_fault(s->txn) != 0);
	state.current = generation;
	state_put(s, sensor, &state);
}

void
sensor_last_poll_set(struct store *s, uint32_t sensor, int64_t time_us)
{
	struct sensor_state state;

	sensor_state_get(turn_view(s), sensor, &state);
	state.last_poll_us = time_us;
	state_put(s, sensor, &state);
}

void
sensor_switch_set(struct store *s, uint32_t sensor,
    enum sensor_switch by_operator, const char *who)
{
	struct sensor_state state;

	sensor_state_get(turn_view(s), sensor, &state);
	state.by_operator = by_operator;
	state.switched_us = s->turn.time_us;
	snprintf(state.switched_by, sizeof(state.switched_by), "%s", who);
	state_put(s, sensor, &state);
}
