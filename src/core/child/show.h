#pragma once

#include <stddef.h>

#include "core/child/child.h"

/*
 * Notes that a unit of the worker is on disk, and shows on stderr what `run`
 * shows of it.
 */
void show_unit(const struct child *c, const void *ops, size_t len);
