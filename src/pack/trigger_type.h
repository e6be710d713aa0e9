#pragma once

#include <stdbool.h>

#include "pack/doc.h"
#include "pack/pack.h"

/* Trigger types out of YAML; inside pack/ only. */

/* Where a trigger type is read from. */
struct trigger_source {
	const char *pack;	/* name of the pack */
	bool validate_formats;
};

/*
 * The trigger type declared at pointer; NULL if it is wrong, which has been
 * reported.
 */
struct trigger_type *trigger_type_read(struct doc *d, const char *pointer,
    json_t *value, const struct trigger_source *from);
void trigger_type_free(struct trigger_type *t);

/* True if both promise the same of payload and parameters. */
bool trigger_type_equal(const struct trigger_type *a,
    const struct trigger_type *b);
