#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The operations of one unit, in the parts that they came in. Each part holds
 * whole operations (unit_ops.h). All zero is an empty one.
 */
struct unit_part {
	struct unit_part *next;
	size_t len;
	uint8_t ops[];
};

struct unit_parts {
	struct unit_part *first;
	struct unit_part *last;
	size_t len; /* bytes of operations in all */
};

/* Appends a copy of operations. */
void unit_parts_add(struct unit_parts *u, const void *ops, size_t len);

/* Takes the parts out of `from`, which is empty afterwards. */
struct unit_parts unit_parts_take(struct unit_parts *from);
void unit_parts_release(struct unit_parts *u);
