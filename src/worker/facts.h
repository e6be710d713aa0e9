#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/schema.h"
#include "worker/encode.h"
#include "worker/vm.h"

/*
 * What LOAD says of the sensor, ready for use: identity, limits, trigger
 * types with their compiled schemas, triggers by ref.
 */
struct trigger_type {
	char *ref;
	char *place; /* sensors/x.yaml:9, or "" */
	bool parameterised;
	bool foreign; /* of another pack, from LOOKUP */
	struct schema *schema;         /* NULL: anything goes */
	struct encode_schema *encode;
};

struct trigger {
	uint32_t number;
	char *ref;
	const struct trigger_type *type;
	json_t *about; /* as in the spec */
};

struct facts {
	json_t *spec;
	const char *ref; /* borrowed from spec, as the next ones */
	const char *pack;
	const char *class_name;
	const char *entry;
	bool once;
	bool scheduled; /* first_poll: scheduled */
	bool raise_invalid;
	size_t unit_limit;
	double setup_timeout;
	double long_transaction; /* seconds after which one is warned of */
	double reminder; /* seconds till failed polls are said again */
	struct trigger_type **types;
	size_t ntypes;
	struct trigger **triggers;
	size_t ntriggers;
	bool validate_formats;
};

/*
 * Reads the spec; -1 with *e filled. Raises out of memory: protected only.
 * What is read lives as long as the process.
 */
int facts_read(struct facts *f, struct vm *v, const char *spec,
    struct err *e);

/* TRIGGER: adds or replaces one, or takes it out by its id. */
int facts_add(struct facts *f, struct vm *v, json_t *about, struct err *e);
void facts_remove(struct facts *f, struct vm *v, const json_t *about);
bool facts_has(const struct facts *f, const json_t *about);

/*
 * The trigger that the value at idx means, for `call`; asks core about those
 * of other packs. Raises for one that is not there, with what the sensor
 * declares.
 */
const struct trigger *facts_trigger(lua_State *L, const char *call, int idx);
