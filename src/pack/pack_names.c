/*
 * Names of packs, from their folders. Called when a pack that was named is not
 * there. It must never look into a pack.
 */
#include "pack/pack_names.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/xalloc.h"

void
pack_names_add(struct pack_names *n, const char *folder)
{
	struct dirent **entries;
	int found = scandir(folder, &entries, NULL, alphasort);

	if (found < 0)
		return;
	while (found > 0) {
		const char *name = entries[--found]->d_name;

		if (n->count < PACK_NAMES_MAX && *name != '.')
			n->items[n->count++] = xstrdup(name);
		free(entries[found]);
	}
	free(entries);
}

const char *
pack_names_nearest(const struct pack_names *n, const char *word)
{
	return nearest(word, n->items, n->count);
}

void
pack_names_release(struct pack_names *n)
{
	while (n->count > 0)
		free((char *)n->items[--n->count]);
}
