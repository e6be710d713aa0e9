/*
 * `sensorhost migrate PACK`: a copy of a StackStorm pack in which each Python
 * entry point of a sensor is a Lua skeleton, and a list of what is left to do
 * by hand. The pack itself is only read; the copy appears whole or not at
 * all.
 */
#include "cli/commands.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/js.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "cli/files.h"
#include "cli/migrate/migrate.h"
#include "cli/names.h"
#include "cli/place.h"
#include "pack/doc.h"
#include "pack/pack_reader.h"

static const struct command migrate = {
	.name = "migrate",
	.words = "PACK",
	.summary = "Makes a copy of a StackStorm pack with Lua skeletons for "
	    "its Python sensors.",
	.details =
	    "PACK is the folder of the pack, or its name on packs_path. The\n"
	    "copy goes into the first folder of packs_path, without one into\n"
	    "./packs, and bears the name that pack.yaml gives as ref. What is\n"
	    "left to do by hand is printed, and is in MIGRATION.md there.\n"
	    "Rules, actions and all else are copied as they are.\n",
	.min_words = 1,
	.max_words = 1,
};

struct options {
	struct place place;
	const char *packs;
	bool json;
};

void
migration_release(struct migration *m)
{
	free(m->copy);
	free(m->name);
	todo_release(&m->todo);
	json_decref(m->sensors);
}

/* True if path is a folder. */
static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The real folder that a word means, freed by the caller; NULL with e. */
static char *
find_source(const struct host_config *h, const char *word, struct err *e)
{
	char *path, *real = is_folder(word) ? realpath(word, NULL) : NULL;
	size_t i;

	for (i = 0; !real && !strchr(word, '/') && i < h->packs_path.count;
	    i++) {
		path = xasprintf("%s/%s", h->packs_path.items[i], word);
		if (is_folder(path))
			real = realpath(path, NULL);
		free(path);
	}
	if (!real)
		err_set(e, "no pack \"%.200s\": give the folder of a "
		    "StackStorm pack", word);
	return real;
}

/* The ref that pack.yaml gives; "" if it gives none. Freed by the caller. */
static char *
read_ref(const char *source)
{
	char *path = xasprintf("%s/pack.yaml", source);
	const char *ref = NULL;
	struct diags diags;
	struct doc d;
	char *copy;

	diags_init(&diags);
	if (doc_open(&d, path, &diags) == 0)
		ref = json_string_value(json_object_get(doc_value(&d),
		    "ref"));
	copy = xstrdup(ref ? ref : "");
	doc_close(&d);
	diags_release(&diags);
	free(path);
	return copy;
}

/* What the copy is called, freed by the caller; NULL with e. */
static char *
find_name(const char *source, struct err *e)
{
	const char *slash = strrchr(source, '/');
	char *ref = read_ref(source);

	if (name_pack_check(ref, e) == 0)
		return ref;
	free(ref);
	if (strncmp(slash + 1, "stackstorm-", 11) == 0)
		slash += 11;
	if (name_pack_check(slash + 1, e) == 0)
		return xstrdup(slash + 1);
	err_prefix(e, "the pack needs a name (ref in pack.yaml)");
	return NULL;
}

/* tree_left_out_fn */
static void
list_left_out(void *arg, const char *path)
{
	struct migration *m = arg;

	todo_add(&m->todo, "", 0, "%s is a link or no file, and was not "
	    "copied", path);
}

/* Makes a skeleton for each entry point of the pack that is not there. */
static int
migrate_sensors(struct migration *m, struct pack *p, struct err *e)
{
	struct sensor_meta **group = xcalloc(p->sensor_count + 1,
	    sizeof(struct sensor_meta *));
	size_t i, k, count;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->sensor_count; i++) {
		struct sensor_meta *first = p->sensors[i];

		for (k = 0, count = 0; k < p->sensor_count; k++) {
			struct sensor_meta *s = p->sensors[k];

			if (!first->entry_point || first->entry || !s->ref ||
			    !s->entry_point || strcmp(s->entry_point,
			    first->entry_point) != 0)
				continue;
			if (count == 0 && k != i)
				break; /* it was first at an earlier turn */
			group[count++] = s;
		}
		if (count > 0)
			rc = migrate_entry(m, group, count, e);
	}
	free(group);
	return rc;
}

/* The findings that are left, as `check` would report them. */
static void
list_findings(struct migration *m, const struct diags *diags)
{
	size_t len = strlen(m->copy) + 1, i;

	for (i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		const char *file = d->file && strlen(d->file) > len ?
		    d->file + len : "";

		todo_add(&m->todo, file, 0, "%s%s%.0d%s%s",
		    d->level == DIAG_ERROR ? "" : "(a warning) ",
		    d->line ? "line " : "", d->line, d->line ? ": " : "",
		    d->text);
	}
}

/* Things of the pack as a whole that the host has no use for. */
static void
list_pack(struct migration *m)
{
	static const struct {
		const char *path;
		const char *text;
	} rows[] = {
		{"requirements.txt", "requirements.txt names Python packages, "
		    "which sensors cannot use"},
		{"aliases", "aliases/ is for chat: nothing here reads it"},
		{"policies", "policies/ is not read here"},
	};
	char *path;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		path = xasprintf("%s/%s", m->copy, rows[i].path);
		if (access(path, F_OK) == 0)
			todo_add(&m->todo, "", 0, "%s", rows[i].text);
		free(path);
	}
}

/* Reads the copy as a pack: once to migrate it, once for what is left. */
static int
migrate_pack(struct migration *m, struct err *e)
{
	const struct pack_options options = {.configs_dir = m->configs_dir};
	struct diags diags;
	struct pack *p;
	int rc, i;

	rc = migrate_all_metadata(m, e);
	if (rc == 0)
		migrate_config(m);
	for (i = 0; rc == 0 && i < 2; i++) {
		diags_init(&diags);
		p = place_read_pack(m->copy, &options, &diags);
		if (!p)
			rc = err_set(e, "the copy of the pack cannot be read");
		else if (i == 0)
			rc = migrate_sensors(m, p, e);
		else
			list_findings(m, &diags);
		pack_free(&p);
		diags_release(&diags);
	}
	if (rc == 0)
		list_pack(m);
	return rc;
}

/* Writes MIGRATION.md into the copy. */
static int
write_list(const struct migration *m, struct err *e)
{
	char *path = xasprintf("%s/MIGRATION.md", m->copy);
	struct buf text = {0};
	int rc;

	buf_printf(&text, "# %s: what is left to do by hand\n\nMade by "
	    "`sensorhost migrate`. The calls that sensors have are in\n"
	    "lua/README.md of sensorhost, how packs are made in its "
	    "packs/README.md.\n\n", m->name);
	todo_put(&text, &m->todo);
	unlink(path);
	rc = file_create(path, &text, e);
	buf_release(&text);
	free(path);
	return rc;
}

/* Says what was done. */
static void
print_result(const struct migration *m, const char *dest, bool as_json)
{
	struct buf text = {0};
	json_t *out;

	if (as_json) {
		out = json_pack("{so so sO so}", "pack", js_text(m->name),
		    "folder", js_text(dest), "sensors", m->sensors,
		    "todo", todo_json(&m->todo));
		json_dumpf(out, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(out);
		return;
	}
	todo_put(&text, &m->todo);
	printf("%s: %zu sensor%s to port\n\n%s\nThis list is in "
	    "%s/MIGRATION.md.\n", dest, json_array_size(m->sensors),
	    json_array_size(m->sensors) == 1 ? "" : "s", buf_cstr(&text),
	    dest);
	buf_release(&text);
}

/* Makes the copy in a hidden folder, then gives it its name; -1 with e. */
static int
make_copy(struct migration *m, const char *source, const char *packs,
    const char *dest, struct err *e)
{
	char *hidden = xasprintf("%s/.migrate.XXXXXX", packs);
	int rc = folder_make(packs, e);

	if (rc == 0 && !mkdtemp(hidden)) {
		rc = err_errno(e, "cannot make a folder in \"%s\"", packs);
	} else if (rc == 0) {
		m->copy = xasprintf("%s/%s", hidden, m->name);
		rc = folder_make(m->copy, e);
		if (rc == 0)
			rc = tree_copy(source, m->copy, list_left_out, m, e);
		if (rc == 0)
			rc = migrate_pack(m, e);
		if (rc == 0)
			rc = write_list(m, e);
		if (rc == 0 && rename(m->copy, dest) != 0)
			rc = err_errno(e, "cannot make \"%s\"", dest);
		tree_remove(hidden);
	}
	free(hidden);
	return rc;
}

/* The whole of it; the exit code. */
static int
migrate_word(const struct options *o, const struct host_config *h,
    const char *word)
{
	struct migration m = {.configs_dir = h->configs_dir,
	    .sensors = json_array()};
	const char *packs = place_packs(h, o->packs);
	char *dest = NULL, *source;
	struct err e;
	int rc = -1;

	source = find_source(h, word, &e);
	m.name = source ? find_name(source, &e) : NULL;
	if (m.name) {
		dest = xasprintf("%s/%s", packs, m.name);
		rc = access(dest, F_OK) != 0 ? make_copy(&m, source, packs,
		    dest, &e) : err_set(&e, "\"%s\" is there already; say "
		    "with --packs DIR where the copy goes", dest);
	}
	if (rc == 0)
		print_result(&m, dest, o->json);
	else
		place_fail("%s", e.text);
	migration_release(&m);
	free(source);
	free(dest);
	return rc == 0 ? 0 : 1;
}

int
cmd_migrate(int argc, char **argv)
{
	struct options o = {0};
	struct opt_list words = {0};
	const struct opt opts[] = {
		{ OPT_TEXT, "packs", 0, &o.packs, "DIR",
		    "folder of packs that the copy goes into" },
		{ OPT_FLAG, "json", 0, &o.json, NULL,
		    "print the result as JSON" },
		PLACE_OPTS(o.place),
		{ .type = OPT_END },
	};
	int code = opts_parse(&migrate, opts, argc, argv, &words);
	struct host_config *h;

	if (code < 0) {
		h = place_load(&o.place);
		code = h ? migrate_word(&o, h, words.items[0]) : 1;
		host_config_free(&h);
	}
	free(words.items);
	return code;
}
