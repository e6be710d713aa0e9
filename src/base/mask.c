/*
 * Secrets in what people will read. Called by a worker for all that leaves
 * it for a log, and by core for its own lines about a sensor. It must never
 * show how long a secret is.
 */
#include "base/mask.h"

#define SHOWN 8u /* asterisks; fewer for a shorter secret */

void
mask_secret(struct buf *text, const char *secret, size_t n)
{
	size_t shown = n < SHOWN ? n : SHOWN, from = 0, rest;
	uint8_t *at;

	if (n < MASK_MIN)
		return;
	while (from < text->len && (at = memmem(text->data + from,
	    text->len - from, secret, n))) {
		rest = (size_t)(text->data + text->len - at) - n;
		memset(at, '*', shown);
		memmove(at + shown, at + n, rest);
		text->len -= n - shown;
		from = (size_t)(at - text->data) + shown;
	}
}

void
mask_cut_secret(struct buf *text, const char *secret, size_t n)
{
	size_t k = n < text->len ? n : text->len;

	for (; k >= MASK_MIN; k--)
		if (memcmp(text->data + text->len - k, secret, k) == 0) {
			text->len -= k;
			buf_puts(text, "****");
			return;
		}
}
