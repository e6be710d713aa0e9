/*
 * Did you mean ...? Called by whoever refuses a name that is not known; it
 * must never suggest something far from what was written, and costs nothing
 * that a long word could make expensive.
 */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 64	/* longer words get no suggestion */

/* Letters as they count in a comparison. */
static char
plain(char c)
{
	return c == '-' || c == ' ' ? '_' : (char)tolower((unsigned char)c);
}

/* The least of three. */
static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edit distance with swaps of neighbours; both at most LONGEST long. */
static unsigned
distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][LONGEST + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned differs = plain(a[i - 1]) != plain(b[j - 1]);

			row[j] = least(above[j] + 1, row[j - 1] + 1,
			    above[j - 1] + differs);
			if (i > 1 && j > 1 &&
			    plain(a[i - 1]) == plain(b[j - 2]) &&
			    plain(a[i - 2]) == plain(b[j - 1]) &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

const char *
nearest(const char *word, const char *const *names, size_t count)
{
	size_t len = strlen(word);
	const char *best = NULL;
	unsigned best_distance;

	if (!len || len > LONGEST)
		return NULL;
	best_distance = (unsigned)(len < 3 ? 1 : (len + 2) / 3) + 1;
	for (size_t i = 0; i < count; i++) {
		size_t name_len = names[i] ? strlen(names[i]) : 0;
		unsigned d;

		if (!name_len || name_len > LONGEST)
			continue;
		d = distance(word, len, names[i], name_len);
		if (d < best_distance && d < name_len) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
