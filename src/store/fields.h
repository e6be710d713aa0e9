#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "store/view.h"

/* Values of the store that hold several texts: each with its length before. */
void field_put(struct buf *b, struct span text);

/*
 * Takes the next text off *rest; false, with *text empty, if none is left or
 * the bytes do not add up.
 */
bool field_get(struct span *rest, struct span *text);
