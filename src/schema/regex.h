#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Patterns of JSON Schema: searched anywhere in a string, ECMA-262 as far as
 * schemas use it. \d and \w are ASCII, \s is ECMA's white space, $ is the
 * very end, \uXXXX and \p{Letter} are known. Beyond ECMA what PCRE2 knows is
 * taken too (named groups, (?i), \A and \Z), since packs use it. A match
 * that takes too long counts as none.
 */
struct regex;

/* NULL with e filled for a pattern that does not compile. */
struct regex *regex_new(const char *pattern, size_t len, struct err *e);
void regex_free(struct regex **r);

bool regex_matches(const struct regex *r, const char *s, size_t len);
const char *regex_text(const struct regex *r);
