#pragma once

#include <stddef.h>

#include "base/buf.h"

/*
 * Replaces every occurrence of a secret in the text by asterisks, in place.
 * Secrets of fewer than MASK_MIN bytes are not looked for: they would mask
 * every other word.
 */
#define MASK_MIN 4u
void mask_secret(struct buf *text, const char *secret, size_t n);

/* The text was cut: masks the beginning of the secret at its end. */
void mask_cut_secret(struct buf *text, const char *secret, size_t n);
