/*
 * Unpredictable bytes, for ids and jitter. Called by core; keys are made by
 * libsodium where they are used.
 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/must.h"

void
random_bytes(void *p, size_t n)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0) {
			must(errno == EINTR);
			continue;
		}
		at += got;
		n -= (size_t)got;
	}
}

uint32_t
random_below(uint32_t below)
{
	uint32_t least, value;

	must(below > 0);
	/* Values under 2^32 mod below would make the small ones likelier. */
	least = -below % below;
	do {
		random_bytes(&value, sizeof(value));
	} while (value < least);
	return value % below;
}
