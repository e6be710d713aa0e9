/*
 * Units of work from a worker that means ill: the check never reads outside
 * what it was given, and what it passed can be read whole.
 */
#include "base/must.h"
#include "core/child/unit_ops.h"
#include "store/dead_letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* unit_trigger_fn: half of the numbers are known. */
static bool
known(void *arg, uint32_t number)
{
	(void)arg;
	return number % 2;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dead_letter letter;
	struct msg_cursor at;
	struct unit_op op;
	struct err e;

	if (unit_ops_check(data, size, known, NULL, &e) != 0)
		return 0;
	msg_begin(&at, data, size);
	while (unit_op_next(&at, &op))
		if (op.kind == MSG_OP_DEAD)
			unit_op_letter(&op, &letter);
	must(msg_end(&at));
	return 0;
}
