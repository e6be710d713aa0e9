/*
 * From a command line to the host's configuration. Called by the roles of
 * core before anything is opened.
 */
#include "core/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/log.h"
#include "base/paths.h"

/* Writes every finding to stderr. */
static void
print_findings(const struct diags *d)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		char *text = diag_print(&d->items[i]);

		fprintf(stderr, "sensorhost: %s\n", text);
		free(text);
	}
}

/* A path that cannot stand in a message, an answer or a log: said, -1. */
static int
check_path(const char *what, const char *path, struct diags *diags)
{
	if (!path || js_utf8_valid(path, strlen(path)))
		return 0;
	diags_add(diags, DIAG_ERROR, what, 0, 0, "\"%s\" is not UTF-8; rename "
	    "it, or reach it by a symbolic link with another name", path);
	return -1;
}

/* The paths of the command line. */
static int
check_words(const struct settings *s, struct diags *diags)
{
	int rc = check_path("--config", s->config, diags);
	size_t i;

	for (i = 0; i < s->packs.count; i++)
		rc |= check_path("--packs", s->packs.items[i], diags);
	return rc | check_path("--data", s->data, diags);
}

/* Those that came from the environment and the installation. */
static int
check_defaults(const struct host_config *h, struct diags *diags)
{
	int rc = check_path("data_dir", h->data_dir, diags) |
	    check_path("key_file", h->key_file, diags);
	size_t i;

	for (i = 0; i < h->packs_path.count; i++)
		rc |= check_path("packs_path", h->packs_path.items[i], diags);
	return rc;
}

/* Puts the command line's options on top; -1 with what is wrong in diags. */
static int
override(struct host_config *h, const struct settings *s, struct diags *diags)
{
	struct err e;
	size_t i;

	if (s->data && host_config_set(h, "data_dir", s->data, &e) != 0) {
		diags_add(diags, DIAG_ERROR, "--data", 0, 0, "%s", e.text);
		return -1;
	}
	if (s->packs.count > 0)
		host_list_clear(&h->packs_path);
	for (i = 0; i < s->packs.count; i++)
		host_list_add(&h->packs_path, s->packs.items[i]);
	return 0;
}

struct host_config *
settings_read(const struct settings *s, struct diags *diags)
{
	struct host_config *h;

	if (check_words(s, diags) != 0)
		return NULL;
	h = host_config_load(s->config, paths_packs_dir(), diags);
	if (h && (override(h, s, diags) != 0 || check_defaults(h, diags) != 0))
		host_config_free(&h);
	if (h && s->own_triggers && !h->emit_internal_given)
		host_list_clear(&h->emit_internal);
	return h;
}

struct host_config *
settings_load(const struct settings *s)
{
	struct host_config *h;
	struct diags diags;

	diags_init(&diags);
	h = settings_read(s, &diags);
	print_findings(&diags);
	diags_release(&diags);
	if (h) {
		log_set_level((enum log_level)log_level_parse(h->log_level));
		log_set_json(h->log_json);
	}
	return h;
}
