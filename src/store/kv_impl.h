#pragma once

#include "store/kv.h"

/* Keys of the index: the end, big-endian so that it sorts, and the name. */
#define END_BYTES 8

/* False if the bytes are no item, or not the one that was written. */
bool kv_decode(struct span name, struct span value, struct kv_item *out);
