#pragma once

#include <stdbool.h>

#include "base/buf.h"

/*
 * What stands in the place of a Python module: appends a sentence such as
 * `requests: require("sensorhost.http")`, which says when this host has no
 * such module yet. False, and nothing appended, for what needs no
 * replacement (typing, __future__, StackStorm's own base classes).
 */
bool hint_put(struct buf *out, const char *module);
