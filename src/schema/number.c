/*
 * Numbers of JSON compared as numbers: 1 and 1.0 are one, integers of 64
 * bits keep all their bits. Called by the evaluators and the compiler.
 */
#include <math.h>
#include <float.h>

#include "schema/program.h"

#define EXACT_BELOW 0x1p100

struct number
number_of_double(double d)
{
	struct number n = {.d = d};

	if (d > -0x1p62 && d < 0x1p62) {
		n.i = (int64_t)d;
		n.exact = d == (double)(int64_t)d;
	} else if (d > -EXACT_BELOW && d < EXACT_BELOW) {
		n.i = (__int128)d;
		n.exact = true;
	}
	return n;
}

/*
 * Of fractions, binary ones stand for decimal ones: 0.3 is a multiple of
 * 0.1 although the doubles' quotient misses 3 by a rounding.
 */
bool
number_is_multiple(const struct number *a, const struct number *of)
{
	double quotient;

	if (a->exact && of->exact)
		return a->i % of->i == 0;
	quotient = a->d / of->d;
	if (!isfinite(quotient))
		return fmod(a->d, of->d) == 0;
	return fabs(quotient - nearbyint(quotient)) <=
	    fabs(quotient) * 4 * DBL_EPSILON;
}
