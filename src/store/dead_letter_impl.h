#pragma once

#include "store/dead_letter.h"

/* False if the bytes are no dead letter, or not the one that was written. */
bool dead_letter_decode(struct span key, struct span value,
    struct dead_letter *out);

/* Takes a letter, still in its table, out of the index. */
void dead_letter_unindex(struct store *s, const struct dead_letter *letter);
