#pragma once

#include <stddef.h>

/*
 * The name among `names` that someone who wrote `word` most likely meant, by
 * edit distance (a swap of neighbours counts one, case and `-` against `_`
 * count nothing); NULL when none is near: at most a third of the letters may
 * differ. NULL entries are skipped.
 */
const char *nearest(const char *word, const char *const *names,
    size_t count);
