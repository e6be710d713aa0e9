/*
 * `sensorhost new pack` and `sensorhost new sensor`: files to begin with,
 * which run and pass `sensorhost check` as they are. They are made in the
 * first folder of packs that is the author's own, and nothing that is there
 * is written over.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "cli/files.h"
#include "cli/names.h"
#include "cli/place.h"
#include "cli/template.h"
#include "pack/pack_names.h"
#include "pack/pack_reader.h"

static const struct command new_pack = {
	.name = "new pack",
	.words = "NAME",
	.summary = "Makes a pack: a folder with pack.yaml and "
	    "config.schema.yaml.",
	.details =
	    "It goes into the first folder of packs_path, without one into\n"
	    "./packs. `sensorhost new sensor` then puts sensors into it.\n",
	.min_words = 1,
	.max_words = 1,
};

static const struct command new_sensor = {
	.name = "new sensor",
	.words = "PACK.CLASS",
	.summary = "Makes a sensor in a pack: its metadata and a Lua file "
	    "that runs.",
	.details =
	    "A polling sensor has `poll`, which the host calls every\n"
	    "poll_interval; a passive one has `run`, which waits for the\n"
	    "outside world by itself.\n",
	.min_words = 1,
	.max_words = 1,
};

/* What the options of both commands say. */
struct new {
	struct place place;
	const char *packs;
	bool polling;
	bool passive;
};

#define NEW_OPTS(n)                                                        \
	{ OPT_TEXT, "packs", 0, &(n).packs, "DIR",                         \
	    "folder of packs (instead of packs_path)" },                   \
	PLACE_OPTS((n).place)

/* A file to be made: where in the pack, from which template. */
struct piece {
	const char *path;
	const char *name;
};

/* The author's folders of packs, one a call; NULL behind the last. */
static const char *
folder_at(const struct new *n, const struct host_config *h, size_t i)
{
	if (n->packs || i == 0)
		return i == 0 ? place_packs(h, n->packs) : NULL;
	return i < h->packs_path.count ? h->packs_path.items[i] : NULL;
}

/* True if path is a folder. */
static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Makes one file of a pack and says so; without `make`, only tries. */
static int
make_piece(const char *dir, const struct piece *piece, bool make,
    const struct template_word *words, struct err *e)
{
	char *path = xasprintf("%s/%s", dir, piece->path);
	struct buf text = {0};
	int rc = template_expand(&text, piece->name, words, e);

	if (rc == 0 && access(path, F_OK) == 0)
		rc = err_set(e, "\"%s\" is there already, and is left as it "
		    "is", path);
	if (rc == 0 && make)
		rc = file_create(path, &text, e);
	if (rc == 0 && make)
		printf("%s\n", path);
	buf_release(&text);
	free(path);
	return rc;
}

/* Makes the two files of a pack or sensor, both or none; -1 with e. */
static int
make_pieces(const char *dir, const struct piece pieces[2],
    const struct template_word *words, struct err *e)
{
	int i, rc = 0;

	for (i = 0; rc == 0 && i < 4; i++)
		rc = make_piece(dir, &pieces[i % 2], i >= 2, words, e);
	return rc;
}

/* " --packs DIR" for the commands that are proposed; freed by the caller. */
static char *
packs_option(const struct new *n)
{
	return n->packs ? xasprintf(" --packs %s", n->packs) : xstrdup("");
}

/* Makes the pack; the exit code. */
static int
make_pack(const struct new *n, const struct host_config *h, const char *name)
{
	const struct piece pieces[] = {
		{"pack.yaml", "pack.yaml"},
		{"config.schema.yaml", "config.schema.yaml"},
	};
	const struct template_word words[] = {
		{"PACK_NAME", name}, {NULL, NULL}};
	char *dir = xasprintf("%s/%s", folder_at(n, h, 0), name);
	char *option = packs_option(n);
	struct err e;
	int rc;

	rc = name_pack_check(name, &e);
	if (rc == 0 && is_folder(dir))
		rc = err_set(&e, "\"%s\" is there already", dir);
	if (rc == 0)
		rc = folder_make(dir, &e);
	if (rc == 0)
		rc = make_pieces(dir, pieces, words, &e);
	if (rc == 0)
		printf("next: sensorhost new sensor%s %s.CLASS --polling\n",
		    option, name);
	else
		place_fail("%s", e.text);
	free(dir);
	free(option);
	return rc == 0 ? 0 : 1;
}

/* Says that there is no such pack, and which one may be meant. */
static int
no_pack(const struct new *n, const struct host_config *h, const char *name)
{
	char *option = packs_option(n);
	struct pack_names names = {.count = 0};
	const char *near, *folder;
	size_t i;

	for (i = 0; (folder = folder_at(n, h, i)) != NULL; i++)
		pack_names_add(&names, folder);
	near = pack_names_nearest(&names, name);
	place_fail("no pack \"%s\" in %s%s%s%s make it with: sensorhost new "
	    "pack%s %s", name, folder_at(n, h, 0), near ? "; did you mean \"" :
	    "", near ? near : "", near ? "\"? Else" : ";", option, name);
	pack_names_release(&names);
	free(option);
	return 1;
}

/* The folder of the pack, freed by the caller; NULL if there is none. */
static char *
find_pack(const struct new *n, const struct host_config *h, const char *name)
{
	const char *folder;
	char *dir;
	size_t i;

	for (i = 0; (folder = folder_at(n, h, i)) != NULL; i++) {
		dir = xasprintf("%s/%s", folder, name);
		if (is_folder(dir))
			return dir;
		free(dir);
	}
	return NULL;
}

/* The name of the trigger type: the file's without "_sensor", + "_event". */
static char *
trigger_name(const char *file)
{
	size_t len = strlen(file);

	if (len > 7 && strcmp(file + len - 7, "_sensor") == 0)
		len -= 7;
	return xasprintf("%.*s_event", (int)len, file);
}

/* -1 with e if the pack has a sensor of that class already. */
static int
check_new(const char *dir, const char *class, struct err *e)
{
	const struct pack_options options = {0};
	const struct sensor_meta *s;
	struct diags diags;
	struct pack *p;
	int rc = 0;

	diags_init(&diags);
	p = place_read_pack(dir, &options, &diags);
	if (p && (s = pack_sensor(p, class)) != NULL)
		rc = err_set(e, "the sensor \"%s\" is there already, in "
		    "\"%s\"", s->ref, s->file);
	pack_free(&p);
	diags_release(&diags);
	return rc;
}

/* Makes the two files of a sensor; the exit code. */
static int
make_sensor(const struct new *n, const char *dir, const char *pack,
    const char *class)
{
	char *file = name_snake(class), *trigger = trigger_name(file);
	char *yaml = xasprintf("sensors/%s.yaml", file);
	char *lua = xasprintf("sensors/%s.lua", file);
	const struct piece pieces[] = {
		{yaml, n->polling ? "polling.yaml" : "passive.yaml"},
		{lua, n->polling ? "polling.lua" : "passive.lua"},
	};
	const struct template_word words[] = {{"PACK_NAME", pack},
	    {"CLASS_NAME", class}, {"FILE_NAME", file},
	    {"TRIGGER_NAME", trigger}, {NULL, NULL}};
	char *sensors = xasprintf("%s/sensors", dir);
	char *option = packs_option(n);
	struct err e;
	int rc;

	rc = check_new(dir, class, &e);
	if (rc == 0)
		rc = folder_make(sensors, &e);
	if (rc == 0)
		rc = make_pieces(dir, pieces, words, &e);
	if (rc == 0)
		printf("next: sensorhost check%s %s\n"
		    "      sensorhost run%s %s.%s\n", option, pack, option,
		    pack, class);
	else
		place_fail("%s", e.text);
	free(yaml);
	free(lua);
	free(sensors);
	free(option);
	free(trigger);
	free(file);
	return rc == 0 ? 0 : 1;
}

/* Takes the ref apart and makes the sensor; the exit code. */
static int
make_ref(const struct new *n, const struct host_config *h, const char *ref)
{
	const char *dot = strchr(ref, '.');
	char *pack, *dir;
	struct err e;
	int code;

	if (!dot || dot == ref)
		return opts_usage(&new_sensor, "\"%s\" is no sensor: "
		    "PACK.CLASS is wanted, such as weather.StationSensor",
		    ref);
	if (name_class_check(dot + 1, &e) != 0)
		return place_fail("%s", e.text);
	pack = xstrndup(ref, (size_t)(dot - ref));
	dir = strchr(pack, '/') ? NULL : find_pack(n, h, pack);
	code = dir ? make_sensor(n, dir, pack, dot + 1) :
	    no_pack(n, h, pack);
	free(dir);
	free(pack);
	return code;
}

int
cmd_new_pack(int argc, char **argv)
{
	struct new n = {0};
	struct opt_list words = {0};
	const struct opt opts[] = { NEW_OPTS(n), { .type = OPT_END } };
	int code = opts_parse(&new_pack, opts, argc, argv, &words);
	struct host_config *h;

	if (code < 0) {
		h = place_load(&n.place);
		code = h ? make_pack(&n, h, words.items[0]) : 1;
		host_config_free(&h);
	}
	free(words.items);
	return code;
}

int
cmd_new_sensor(int argc, char **argv)
{
	struct new n = {0};
	struct opt_list words = {0};
	const struct opt opts[] = {
		{ OPT_FLAG, "polling", 0, &n.polling, NULL,
		    "it is asked every so often" },
		{ OPT_FLAG, "passive", 0, &n.passive, NULL,
		    "it waits by itself" },
		NEW_OPTS(n),
		{ .type = OPT_END },
	};
	int code = opts_parse(&new_sensor, opts, argc, argv, &words);
	struct host_config *h;

	if (code < 0 && n.polling == n.passive)
		code = opts_usage(&new_sensor, "say which kind it is: "
		    "--polling or --passive");
	if (code < 0) {
		h = place_load(&n.place);
		code = h ? make_ref(&n, h, words.items[0]) : 1;
		host_config_free(&h);
	}
	free(words.items);
	return code;
}
