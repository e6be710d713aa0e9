#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "store/checksum.h"
#include "store/env.h"

/*
 * Records of format 2 carry a checksum. Where a record has a head of its own
 * (journal, datastore, dead letters) it is in there, and a flag says so. In
 * all other tables a stamp stands before the record. No record of format 1
 * begins like one: they begin with UTF-8, a time, a sequence, or a sensor's
 * number and a pid.
 */

/* In the heads that are of the record's own: there is a checksum. */
#define RECORD_SUMMED (UINT32_C(1) << 31)

/* Puts the checksum of a record, in which it is zero still, to its place. */
static inline void
record_sum(struct span key, void *record, size_t len, size_t place)
{
	uint32_t sum = checksum_fresh(key, span_of(record, len));

	memcpy((char *)record + place, &sum, sizeof(sum));
}

/* Whether the checksum at that place of a record fits. */
bool record_fits(struct span key, struct span record, size_t place);

/* Writes body under key with a stamp before it. */
void record_put(struct txn *t, enum table table, struct span key,
    struct span body);

/*
 * What stands behind the stamp, or all of a record that has none; false: its
 * checksum does not fit.
 */
bool record_open(struct span key, struct span value, struct span *body);

/* The same of the record under key. */
enum read_result record_get(struct txn *t, enum table table, struct span key,
    struct span *body);
