/*
 * The catalog: all packs, indexed by name, sensor ref and trigger ref. Core
 * builds one at start and at each reload, a little a step; check builds one of
 * the packs it is asked about. Nothing in it changes once it is finished.
 */
#include "pack/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/dict.h"
#include "base/nearest.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "pack/core_types.h"
#include "pack/pack_reader.h"
#include "pack/trigger_type.h"

struct catalog {
	size_t refs;
	struct pack **packs;
	size_t pack_count;
	struct sensor_meta **sensors;
	size_t sensor_count;
	struct dict *by_pack;
	struct dict *by_ref;
	struct dict *triggers;	/* ref to struct trigger_type */
	struct trigger_type **own;	/* of the host itself */
	size_t own_count;
	struct dict *unread;	/* folder that could not be read, to why */
	char *path_unread;	/* one of packs_path, and why; NULL: none */
	struct diags diags;
};

struct catalog_builder {
	struct catalog *catalog;
	struct pack_options options;
	struct dict *names;	/* of packs to be read, to their folder */
	size_t at;		/* in names */
	struct pack_reader *reader; /* NULL: between two packs */
	const char *dir;	/* of the pack it reads */
};

/* True if the folder holds anything that makes it a pack. */
static bool
is_pack(const char *dir)
{
	static const char *const signs[] = {
		"pack.yaml", "sensors", "triggers", "rules", "actions",
	};
	bool found = false;
	struct stat st;
	char *path;
	size_t i;

	for (i = 0; !found && i < sizeof(signs) / sizeof(signs[0]); i++) {
		path = xasprintf("%s/%s", dir, signs[i]);
		found = stat(path, &st) == 0 || errno == EACCES;
		free(path);
	}
	return found;
}

void
catalog_builder_add(struct catalog_builder *b, const char *dir)
{
	const char *slash = strrchr(dir, '/');
	const char *name = slash ? slash + 1 : dir;
	const char *first = dict_get_str(b->names, name);

	if (strcmp(name, CORE_PACK) == 0)
		diags_add(&b->catalog->diags, DIAG_ERROR, dir, 0, 0,
		    "the pack \"" CORE_PACK "\" is the host's own; give this "
		    "folder another name");
	else if (first)
		diags_add(&b->catalog->diags, DIAG_WARNING, dir, 0, 0,
		    "pack \"%s\" is left out: the one in \"%s\" comes first",
		    name, first);
	else
		dict_set_str(b->names, name, xstrdup(dir));
}

/* Notes why a folder could not be read; takes over why. */
static void
note_unread(struct catalog *c, const char *dir, char *why, bool report)
{
	if (report)
		diags_add(&c->diags, DIAG_ERROR, dir, 0, 0, "%s", why);
	free(dict_set_str(c->unread, dir, why));
}

/* Notes the packs that one folder of packs_path holds. */
static void
find_packs(struct catalog_builder *b, const char *folder)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort), i;
	char *dir;

	if (count < 0) {
		char *why = xasprintf("packs cannot be read from here: %s",
		    strerror(errno));

		if (!b->catalog->path_unread)
			b->catalog->path_unread = xasprintf("%s: %s", folder,
			    why);
		note_unread(b->catalog, folder, why, true);
	}
	for (i = 0; i < count; i++) {
		dir = xasprintf("%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && is_pack(dir))
			catalog_builder_add(b, dir);
		free(dir);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

struct catalog_builder *
catalog_builder_new(const struct catalog_options *options)
{
	struct catalog_builder *b = xcalloc(1, sizeof(*b));
	size_t i;

	b->options = options->pack;
	b->names = dict_new();
	b->catalog = xcalloc(1, sizeof(*b->catalog));
	b->catalog->refs = 1;
	b->catalog->by_pack = dict_new();
	b->catalog->by_ref = dict_new();
	b->catalog->triggers = dict_new();
	b->catalog->unread = dict_new();
	for (i = 0; i < options->packs_path_count; i++)
		find_packs(b, options->packs_path[i]);
	return b;
}

/* Takes over the pack that was just read from dir, or notes why not. */
static void
take_pack(struct catalog *c, const char *dir, struct pack *p)
{
	if (p) {
		c->packs = xreallocarray(c->packs, c->pack_count + 1,
		    sizeof(*c->packs));
		c->packs[c->pack_count++] = p;
	}
	if (!p || p->unread)
		note_unread(c, dir, xstrdup(p ? p->unread :
		    "the pack cannot be read"), false);
}

bool
catalog_builder_step(struct catalog_builder *b)
{
	const char *name;
	size_t len;
	void *dir;

	if (!b->reader) {
		if (!dict_next(b->names, &b->at, &name, &len, &dir))
			return false;
		b->dir = dir;
		b->reader = pack_reader_new(dir, &b->options,
		    &b->catalog->diags);
	}
	if (!pack_reader_step(b->reader))
		take_pack(b->catalog, b->dir, pack_reader_finish(&b->reader));
	return true;
}

/* For qsort: packs by name. */
static int
pack_compare(const void *a, const void *b)
{
	return strcmp((*(struct pack *const *)a)->name,
	    (*(struct pack *const *)b)->name);
}

/* Registers a trigger type; a second, different one wins with a warning. */
static void
index_trigger(struct catalog *c, struct trigger_type *t)
{
	const struct trigger_type *before = dict_set_str(c->triggers, t->ref,
	    t);

	if (before && !trigger_type_equal(before, t))
		diags_add(&c->diags, DIAG_WARNING, t->file, t->line, 0,
		    "trigger type \"%s\" differs from its declaration at "
		    "%s:%d; the last one counts for other sensors", t->ref,
		    before->file, before->line);
}

/* Enters a sensor under its ref; a rejected one never hides another. */
static void
index_sensor(struct catalog *c, struct sensor_meta *s)
{
	size_t i;

	c->sensors[c->sensor_count++] = s;
	if (s->ref && !dict_get_str(c->by_ref, s->ref))
		dict_set_str(c->by_ref, s->ref, s);
	for (i = 0; !s->rejected && i < s->trigger_count; i++)
		index_trigger(c, s->triggers[i]);
}

/* Enters a pack and all in it. */
static void
index_pack(struct catalog *c, struct pack *p)
{
	size_t i;

	dict_set_str(c->by_pack, p->name, p);
	for (i = 0; i < p->trigger_count; i++)
		index_trigger(c, p->triggers[i]);
	c->sensors = xreallocarray(c->sensors,
	    c->sensor_count + p->sensor_count + 1, sizeof(*c->sensors));
	for (i = 0; i < p->sensor_count; i++)
		index_sensor(c, p->sensors[i]);
}

struct catalog *
catalog_builder_finish(struct catalog_builder **bp)
{
	struct catalog *c = (*bp)->catalog;
	size_t i;

	pack_reader_finish(&(*bp)->reader);
	(*bp)->catalog = NULL;
	catalog_builder_free(bp);
	if (c->pack_count)
		qsort(c->packs, c->pack_count, sizeof(*c->packs),
		    pack_compare);
	c->own = core_types_new(&c->own_count);
	for (i = 0; i < c->own_count; i++)
		index_trigger(c, c->own[i]);
	for (i = 0; i < c->pack_count; i++)
		index_pack(c, c->packs[i]);
	diags_sort(&c->diags);
	return c;
}

void
catalog_builder_free(struct catalog_builder **bp)
{
	struct catalog_builder *b = *bp;

	*bp = NULL;
	if (!b)
		return;
	pack_reader_finish(&b->reader);
	catalog_unref(&b->catalog);
	dict_free(&b->names, free);
	free(b);
}

struct catalog *
catalog_read(const struct catalog_options *options)
{
	struct catalog_builder *b = catalog_builder_new(options);

	while (catalog_builder_step(b))
		;
	return catalog_builder_finish(&b);
}

struct catalog *
catalog_ref(struct catalog *c)
{
	c->refs++;
	return c;
}

void
catalog_unref(struct catalog **cp)
{
	struct catalog *c = *cp;
	size_t i;

	*cp = NULL;
	if (!c)
		return;
	must(c->refs > 0);
	if (--c->refs > 0)
		return;
	for (i = 0; i < c->pack_count; i++)
		pack_free(&c->packs[i]);
	free(c->packs);
	free(c->sensors);
	dict_free(&c->by_pack, NULL);
	dict_free(&c->by_ref, NULL);
	dict_free(&c->triggers, NULL);
	dict_free(&c->unread, free);
	free(c->path_unread);
	core_types_free(&c->own, c->own_count);
	diags_release(&c->diags);
	free(c);
}

const struct diags *
catalog_diags(const struct catalog *c)
{
	return &c->diags;
}

size_t
catalog_pack_count(const struct catalog *c)
{
	return c->pack_count;
}

struct pack *
catalog_pack(const struct catalog *c, size_t i)
{
	must(i < c->pack_count);
	return c->packs[i];
}

struct pack *
catalog_pack_by_name(const struct catalog *c, const char *name)
{
	return dict_get_str(c->by_pack, name);
}

size_t
catalog_sensor_count(const struct catalog *c)
{
	return c->sensor_count;
}

struct sensor_meta *
catalog_sensor(const struct catalog *c, size_t i)
{
	must(i < c->sensor_count);
	return c->sensors[i];
}

struct sensor_meta *
catalog_sensor_by_ref(const struct catalog *c, const char *ref)
{
	return dict_get_str(c->by_ref, ref);
}

/* The first broken file of the ref's pack that gives no class name. */
static const struct sensor_meta *
nameless(const struct catalog *c, const char *ref)
{
	size_t i, n;

	for (i = 0; i < c->sensor_count; i++) {
		n = strlen(c->sensors[i]->pack->name);
		if (!c->sensors[i]->ref && ref[n] == '.' &&
		    strncmp(ref, c->sensors[i]->pack->name, n) == 0)
			return c->sensors[i];
	}
	return NULL;
}

/* Fills e with why there is no such sensor. */
static void
explain_missing(const struct catalog *c, const char *ref, struct err *e)
{
	const struct sensor_meta *broken = nameless(c, ref);
	const char **refs, *near;
	size_t i, count = 0;

	refs = xcalloc(c->sensor_count + 1, sizeof(*refs));
	for (i = 0; i < c->sensor_count; i++)
		if (c->sensors[i]->ref)
			refs[count++] = c->sensors[i]->ref;
	near = nearest(ref, refs, count);
	if (near)
		err_set(e, "no sensor \"%.200s\"; did you mean \"%s\"?", ref,
		    near);
	else if (broken)
		err_set(e, "no sensor \"%.200s\"; a file of its pack cannot "
		    "be read: %s", ref, broken->why.text);
	else if (count == 0)
		err_set(e, "no sensor \"%.200s\"; there is no sensor in the "
		    "%zu pack%s found (see --packs)", ref, c->pack_count,
		    c->pack_count == 1 ? "" : "s");
	else
		err_set(e, "no sensor \"%.200s\" in the %zu pack%s found; a "
		    "sensor is called PACK.CLASS, such as %s", ref,
		    c->pack_count, c->pack_count == 1 ? "" : "s", refs[0]);
	free(refs);
}

struct sensor_meta *
catalog_sensor_want(const struct catalog *c, const char *ref, struct err *e)
{
	struct sensor_meta *s = catalog_sensor_by_ref(c, ref);

	if (!s)
		explain_missing(c, ref, e);
	else if (s->rejected)
		err_set(e, "%s", s->why.text);
	return s && !s->rejected ? s : NULL;
}

const char *
catalog_unread(const struct catalog *c, const struct pack *p)
{
	const char *slash = strrchr(p->dir, '/');
	const char *why = dict_get_str(c->unread, p->dir);

	if (!why && slash)
		why = dict_get(c->unread, p->dir, (size_t)(slash - p->dir));
	/* It may lie in a folder that could not be looked into. */
	if (!why && !catalog_pack_by_name(c, p->name))
		why = c->path_unread;
	return why;
}

const struct trigger_type *
catalog_trigger_type(const struct catalog *c, const char *ref)
{
	return dict_get_str(c->triggers, ref);
}

const struct trigger_type *
catalog_trigger_types(const struct catalog *c, size_t *at)
{
	void *value;
	const char *key;
	size_t len;

	return dict_next(c->triggers, at, &key, &len, &value) ? value : NULL;
}
