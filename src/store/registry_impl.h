#pragma once

#include <stdint.h>

#include "base/dict.h"
#include "store/env.h"
#include "store/registry.h"

/*
 * The registry in memory: all of it, for it is small. What is numbered above
 * the saved ones waits for the next commit.
 */
struct registry {
	struct dict *sensor_numbers;	/* ref -> its place in sensors */
	struct dict *trigger_refs;	/* ref -> struct trigger_entry */
	struct dict *trigger_kinds;	/* type, 0, parameters -> the same */
	char **sensors;			/* number n at n - 1; borrowed keys */
	struct trigger_entry **triggers;
	uint32_t sensor_count, trigger_count;
	uint32_t sensors_saved, triggers_saved;
};

void registry_init(struct registry *r);
void registry_release(struct registry *r);

/*
 * Reads what is numbered above what is known: when a view begins, so that
 * look-ups need not read, and cannot fail.
 */
enum read_result registry_load(struct registry *r, struct txn *t);

/* Writes what is not saved; registry_saved() once that is on disk. */
void registry_stage(struct registry *r, struct txn *t);
void registry_saved(struct registry *r);
