#pragma once

#include "store/env.h"
#include "store/journal.h"
#include "store/record.h"

/*
 * What stands before trace and payload in a record. A record of format 1 has
 * neither RECORD_SUMMED in trace nor a checksum.
 */
struct journal_header {
	int64_t time_us;
	uint64_t generation;
	uint32_t sensor;
	uint32_t trigger;
	uint32_t trace;		/* how long it is, and RECORD_SUMMED */
	uint32_t checksum;
};

/* False if the bytes are no record, or not the one that was written. */
bool journal_decode(struct span key, struct span value,
    struct journal_record *out);
