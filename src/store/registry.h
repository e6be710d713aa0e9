#pragma once

#include <stdint.h>

#include "store/store.h"
#include "store/view.h"

/*
 * The registry gives numbers to sensors and triggers, so that a journal
 * record stays small. Numbers begin at 1, are never given twice and stay
 * known for as long as old records may name them. What is registered is
 * written with the next commit by the store itself, before or within the
 * turn that first uses the number: it is never staged again by the caller.
 * All of it is in memory since the store or the view was opened, which fails
 * where it cannot be read: a look-up never does.
 */

/* The sensor's number, given now if it has none. Any time, also in no turn. */
uint32_t registry_sensor(struct store *s, const char *ref);

/* The number, or 0. */
uint32_t registry_sensor_find(struct view *v, const char *ref);

/* The ref of a number, or NULL; borrowed as long as the store or reader. */
const char *registry_sensor_ref(struct view *v, uint32_t sensor);

/*
 * A trigger: the shadow trigger of a type has the type's ref and parameters
 * "{}"; a parameterised one has a ref of its own, `<pack>.<uuid>`, which it
 * keeps for equal type and parameters over restarts.
 */
struct trigger_entry {
	uint32_t id;		/* filled in by the registry */
	int64_t created_us;	/* filled in by the registry */
	const char *ref;
	const char *type;	/* the ref of its type */
	const char *uid;
	const char *parameters;	/* canonical JSON: sorted keys, no blanks */
	const char *description;	/* may be NULL */
};

/*
 * The number of the trigger with that ref, given now if it has none; what is
 * registered under a ref does not change. Any time. created_us is now_us.
 */
uint32_t registry_trigger(struct store *s, const struct trigger_entry *entry,
    int64_t now_us);

/* By number, by ref, by type and parameters: NULL if there is none. */
const struct trigger_entry *registry_trigger_get(struct view *v,
    uint32_t trigger);
const struct trigger_entry *registry_trigger_find(struct view *v,
    const char *ref);
const struct trigger_entry *registry_trigger_match(struct view *v,
    const char *type, const char *parameters);
