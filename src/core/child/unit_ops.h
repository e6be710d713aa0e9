#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/view.h"
#include "wire/msg.h"

struct dead_letter;

/* One operation of a unit, as msg.h lays it out; borrowed from its bytes. */
struct unit_op {
	enum msg_op kind;
	bool sealed;         /* SET */
	bool cut;            /* DEAD */
	uint32_t trigger;    /* DISPATCH */
	int64_t ttl_us;      /* SET; the scheduled time of POLLED */
	struct span key;     /* SET, DELETE */
	struct span trace;   /* DISPATCH */
	struct span payload; /* DISPATCH: payload; SET: value; DEAD: the rest */
};

/*
 * Reads the next operation; false at the end. Of bytes that unit_ops_check
 * has not passed it may also be false because they are malformed: at->bad.
 */
bool unit_op_next(struct msg_cursor *at, struct unit_op *op);

/*
 * Checks the operations of a whole unit: layout, sizes, names, JSON, and that
 * every trigger is known. 0, or -1 with what is wrong.
 */
typedef bool unit_trigger_fn(void *arg, uint32_t number);
int unit_ops_check(const void *ops, size_t len, unit_trigger_fn *known,
    void *arg, struct err *e);

/* Fills what a DEAD operation says of a dead letter (not whose it is). */
void unit_op_letter(const struct unit_op *op, struct dead_letter *letter);
