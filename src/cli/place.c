/*
 * From a command's options to the host that it means. Called by the commands
 * first of all; warnings about the configuration are core's to give, so only
 * errors are written here.
 */
#include "cli/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"

int
place_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("sensorhost: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

/* Writes the errors among the findings. */
static void
print_errors(const struct diags *d)
{
	for (size_t i = 0; i < d->count; i++) {
		char *text;

		if (d->items[i].level != DIAG_ERROR)
			continue;
		text = diag_print(&d->items[i]);
		place_fail("%s", text);
		free(text);
	}
}

const char *
place_packs(const struct host_config *h, const char *given)
{
	size_t i;

	if (given)
		return given;
	for (i = 0; i < h->packs_path.count; i++)
		if (strcmp(h->packs_path.items[i], paths_packs_dir()) != 0)
			return h->packs_path.items[i];
	return "packs";
}

struct pack *
place_read_pack(const char *dir, const struct pack_options *options,
    struct diags *diags)
{
	struct pack_reader *r = pack_reader_new(dir, options, diags);

	while (pack_reader_step(r))
		;
	return pack_reader_finish(&r);
}

struct host_config *
place_load(const struct place *p)
{
	struct host_config *h;
	struct diags diags;
	struct err e;

	diags_init(&diags);
	h = host_config_load(p->config, paths_packs_dir(), &diags);
	print_errors(&diags);
	diags_release(&diags);
	if (h != NULL && p->data != NULL &&
	    host_config_set(h, "data_dir", p->data, &e) != 0) {
		place_fail("--data: %s", e.text);
		host_config_free(&h);
	}
	return h;
}
