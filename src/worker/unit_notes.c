/*
 * What a unit remembers beside its operations, and how it is told of. Called
 * by the datastore's bindings and by the log of `run -v`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "worker/unit.h"

void
unit_set_plain(struct unit *u, const char *key, size_t keylen,
    const void *text, size_t len)
{
	if (!u->plain)
		u->plain = dict_new();
	free(dict_set(u->plain, key, keylen, xstrndup(text, len)));
}

const char *
unit_plain(const struct unit *u, const char *key, size_t keylen)
{
	return u->plain ? dict_get(u->plain, key, keylen) : NULL;
}

/* Appends "2 values" to text. */
static void
say_count(char text[80], unsigned n, const char *one, const char *many)
{
	size_t len = strlen(text);

	if (n > 0)
		snprintf(text + len, 80 - len, "%s%u %s", len ? ", " : "", n,
		    n == 1 ? one : many);
}

const char *
unit_describe(const struct unit_counts *n, char text[80])
{
	text[0] = '\0';
	say_count(text, n->dispatches, "dispatch", "dispatches");
	say_count(text, n->values, "value", "values");
	say_count(text, n->dead, "dead letter", "dead letters");
	return text[0] ? text : strcpy(text, "nothing");
}
