#pragma once

#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * What the host remembers of a sensor over restarts, by the sensor's number
 * in the registry. Generations begin at 1 and are never given twice.
 */
enum sensor_switch { SWITCH_NONE, SWITCH_ENABLED, SWITCH_DISABLED };

#define SENSOR_STATE_WHO 64

struct sensor_state {
	uint64_t allotted;	/* newest generation given; 0: none yet */
	uint64_t current;	/* the one whose units are taken; 0: none */
	int64_t last_poll_us;	/* scheduled time of the last poll; 0: none */
	enum sensor_switch by_operator;	/* outranks the metadata */
	int64_t switched_us;
	char switched_by[SENSOR_STATE_WHO];
};

/* All zero unless it is found. */
enum read_result sensor_state_get(struct view *v, uint32_t sensor,
    struct sensor_state *out);

/* Stages the allotment of the next generation; returns it. */
uint64_t sensor_generation_allot(struct store *s, uint32_t sensor);

/* Stage one fact each. The generation must have been allotted, and be none
 * before the current one. */
void sensor_current_set(struct store *s, uint32_t sensor, uint64_t generation);
void sensor_last_poll_set(struct store *s, uint32_t sensor, int64_t time_us);
void sensor_switch_set(struct store *s, uint32_t sensor,
    enum sensor_switch by_operator, const char *who);
