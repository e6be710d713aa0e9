/*
 * `sensorhost key generate`: the one command about keys that works on files
 * and needs no running host. Never prints a key, only its id.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/files.h"
#include "cli/place.h"
#include "store/reader.h"

static const struct command generate = {
	.name = "key generate",
	.words = "[FILE]",
	.summary = "Makes the key that encrypted datastore items are sealed "
	    "with.",
	.details =
	    "FILE defaults to key_file of the host's configuration, which\n"
	    "defaults to /etc/sensorhost/key (of root). It is\n"
	    "made readable by you alone, and a file that is there is left as\n"
	    "it is. Keep a copy elsewhere: nothing opens without it.\n",
	.max_words = 1,
};

/* Makes the folder that the file goes into; -1 and e. */
static int
make_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int rc;

	if (!slash || slash == path)
		return 0;
	folder = xstrndup(path, (size_t)(slash - path));
	rc = folder_make(folder, e);
	free(folder);
	return rc;
}

/* Makes the file; the exit code. */
static int
make(const char *path, bool configured)
{
	struct seal_key *k;
	struct err e;
	char *real;

	if ((configured && make_folder(path, &e) != 0) ||
	    seal_key_create(path, &e) != 0 ||
	    seal_key_load(&k, path, &e) != 0)
		return place_fail("%s", e.text);
	real = realpath(path, NULL);
	printf("key %s in %s\n", seal_key_id(k), real ? real : path);
	if (!configured)
		printf("name it in sensorhost.yaml, and restart the host:\n"
		    "key_file: %s\n", real ? real : path);
	free(real);
	seal_key_free(&k);
	return 0;
}

/* Decides which file is meant. */
static int
generate_at(const struct host_config *h, const struct opt_list *words)
{
	const char *path = words->count > 0 ? words->items[0] : h->key_file;

	if (path == NULL)
		return opts_usage(&generate, "no key_file is configured: say "
		    "which FILE to make");
	return make(path, h->key_file != NULL && strcmp(path,
	    h->key_file) == 0);
}

int
cmd_key_generate(int argc, char **argv)
{
	struct place place = {0};
	struct opt_list words = {0};
	const struct opt opts[] = { PLACE_OPTS(place), { .type = OPT_END } };
	int code = opts_parse(&generate, opts, argc, argv, &words);
	struct host_config *h;

	if (code < 0) {
		h = place_load(&place);
		code = h != NULL ? generate_at(h, &words) : 1;
		host_config_free(&h);
	}
	free(words.items);
	return code;
}
