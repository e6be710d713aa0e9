#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One module name that a Lua text requires, not NUL-ended. */
typedef void requires_fn(void *arg, const char *name, size_t len);

/*
 * Calls fn for each `require` of a literal name in a Lua text. False if the
 * text may load what cannot be read off it: require of something computed
 * or used as a value, load, dofile, package, the global table.
 */
bool requires_scan(const char *text, size_t len, requires_fn *fn, void *arg);
