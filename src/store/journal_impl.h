#pragma once

#include "store/env.h"
#include "store/journal.h"

/* What stands before trace and payload in a record. */
struct journal_header {
	int64_t time_us;
	uint64_t generation;
	uint32_t sensor;
	uint32_t trigger;
	uint32_t trace_len;
	uint32_t reserved;
};

/* False if the bytes are no record. */
bool journal_decode(struct span key, struct span value,
    struct journal_record *out);
