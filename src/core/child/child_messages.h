#pragma once

#include "core/child/child.h"
#include "wire/frame.h"

/*
 * What a worker may say, by a table of message types. A message that is
 * malformed, unknown or out of place ends the worker (child_bad).
 */
void child_handle(struct child *c, const struct frame *f);
