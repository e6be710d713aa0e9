#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/view.h"

/*
 * The checksum of a record of at least eight bytes: over its key and all of
 * the record, in which the four bytes at `place` (a multiple of 4) count as
 * zero, for there it is kept. Two CRC-32C that run side by side, one over each
 * other eight bytes, and a mixture of both at the end. Never 0, so that a
 * record that has 0 there has none.
 */
uint32_t checksum(struct span key, struct span record, size_t place);

/* The same of a record in which they are zero: as fast as can be. */
uint32_t checksum_fresh(struct span key, struct span record);

/* The same as checksum() without the processor's help; for the specs. */
uint32_t checksum_plain(struct span key, struct span record, size_t place);
