/*
 * The end of a process that found a bug of its own. Called through must()
 * alone; it must not allocate, for the heap may be what is broken.
 */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
must_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "sensorhost: bug at %s:%d: %s does not hold\n", file,
	    line, what);
	abort();
}
