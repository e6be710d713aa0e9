/*
 * `sensorhost backup DEST`: a consistent copy of the data folder's database,
 * beside a running core or without one. The configuration and the key file
 * are not data and are not copied, which it says. What it copied it reads
 * again: a copy of damaged data is no backup.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/place.h"
#include "store/reader.h"

#define FAULTS_TOLD 10

static const struct command backup = {
	.name = "backup",
	.words = "DEST",
	.summary = "Copies a consistent snapshot of the data into a folder.",
	.details =
	    "DEST is created, or is there and empty. The host may run\n"
	    "meanwhile. Damaged pages are not copied, exit 1. The copy is\n"
	    "read again, and a damaged one is said, exit 1. To restore, give\n"
	    "the copy as data folder, or put its data.mdb in the place of the\n"
	    "other while no host runs. The key file is not copied: without\n"
	    "it, encrypted items stay closed.\n",
	.min_words = 1,
	.max_words = 1,
};

/* verify_fn: the first ones are enough. */
static void
tell_fault(void *arg, const char *what)
{
	unsigned *told = arg;

	if (++*told <= FAULTS_TOLD)
		place_fail("%s", what);
}

/*
 * Reads the copy, which may be needed when there is no other: 0, or 1 after
 * saying that it is one of damaged data.
 */
static int
examine(const char *dest)
{
	unsigned told = 0;
	struct verify w = { .fn = tell_fault, .arg = &told };
	struct store_reader *r;
	struct err e;

	if (store_reader_open(&r, dest, &e) != 0)
		return place_fail("%s", e.text);
	store_reader_verify(r, &w);
	store_reader_close(&r);
	return w.faults == 0 ? 0 : place_fail("the copy in \"%s\" is one of "
	    "damaged data: keep an older one", dest);
}

/* Copies; the exit code. */
static int
copy(const char *dir, const char *dest)
{
	struct store_reader *r;
	struct err e;
	uint64_t bytes;
	int rc;

	if (store_reader_open(&r, dir, &e) != 0)
		return place_fail("%s", e.text);
	rc = store_reader_backup(r, dest, &bytes, &e);
	store_reader_close(&r);
	if (rc != 0)
		return place_fail("%s", e.text);
	if (examine(dest) != 0)
		return 1;
	printf("%.1f MB in %s\n", (double)bytes / 1048576, dest);
	return 0;
}

int
cmd_backup(int argc, char **argv)
{
	struct place place = {0};
	struct opt_list words = {0};
	const struct opt opts[] = { PLACE_OPTS(place), { .type = OPT_END } };
	int code = opts_parse(&backup, opts, argc, argv, &words);
	struct host_config *h;

	if (code < 0) {
		h = place_load(&place);
		code = h != NULL ? copy(h->data_dir, words.items[0]) : 1;
		host_config_free(&h);
	}
	free(words.items);
	return code;
}
