#pragma once

#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * The sensors' processes that have started and of whose end nothing is known
 * yet: what a start finds here was killed together with core. At most one a
 * generation.
 */
struct process_row {
	uint32_t sensor;	/* registry_sensor() */
	int32_t pid;
	uint64_t generation;
	int64_t started_us;	/* Unix */
};

/* Stages one that started, and one that ended (none such is fine). */
void process_started(struct store *s, const struct process_row *row);
void process_ended(struct store *s, uint32_t sensor, uint64_t generation);

/* The first of them. */
enum read_result process_first(struct view *v, struct process_row *out);
