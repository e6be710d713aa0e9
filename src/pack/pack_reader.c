/*
 * A pack folder, read whole: its facts, configuration, trigger types and
 * sensors, each part for itself, so that a broken one leaves the others
 * standing. Called by the catalog, a file a step. Reads nothing later.
 */
#include "pack/pack_reader.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "pack/doc.h"
#include "pack/pack_facts.h"
#include "pack/sensor_meta.h"
#include "pack/sources.h"
#include "pack/trigger_type.h"

#define NAME_MAX_BYTES 100

/* For scandir: names that end in .yaml or .yml and are not hidden. */
static int
is_metadata(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot &&
	    (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* Takes one metadata file: "sensors/x.yaml". */
typedef void metadata_fn(struct pack *p, const char *path,
    const struct pack_options *options, struct diags *diags);

enum step { STEP_FACTS, STEP_TRIGGERS, STEP_SENSORS, STEP_CONFIG,
	STEP_DIGESTS, STEP_END };

struct pack_reader {
	struct pack *pack;	/* NULL: it cannot be read */
	const struct pack_options *options;
	struct diags *diags;
	enum step step;
	struct dirent **names;	/* of the folder that is being read */
	int count;		/* of names; -1: not listed yet */
	int at;			/* in names, or in the sensors */
};

/* Lists the metadata files of a folder; reports what is wrong. */
static void
list_folder(struct pack_reader *r, const char *folder)
{
	struct pack *p = r->pack;
	char *dir = xasprintf("%s/%s", p->dir, folder);

	r->at = 0;
	r->count = scandir(dir, &r->names, is_metadata, alphasort);
	if (r->count < 0 && errno != ENOENT) {
		free(p->unread);
		p->unread = xasprintf("%s: the folder cannot be read: %s", dir,
		    strerror(errno));
		diags_add(r->diags, DIAG_ERROR, dir, 0, 0,
		    "the folder cannot be read: %s", strerror(errno));
	}
	if (r->count > PACK_METADATA_MAX)
		diags_add(r->diags, DIAG_ERROR, dir, 0, 0, "%d metadata files "
		    "are too many; the first %d are taken", r->count,
		    PACK_METADATA_MAX);
	if (r->count < 0) {
		r->names = NULL;
		r->count = 0;
	}
	free(dir);
}

/* Forgets the list of the folder. */
static void
end_folder(struct pack_reader *r)
{
	int i;

	for (i = 0; i < r->count; i++)
		free(r->names[i]);
	free(r->names);
	r->names = NULL;
	r->count = -1;
	r->at = 0;
}

/* Takes the next metadata file of a folder; false if there is none. */
static bool
next_file(struct pack_reader *r, const char *folder, metadata_fn *fn)
{
	char *path, *file;

	if (r->count < 0)
		list_folder(r, folder);
	if (r->at == r->count || r->at == PACK_METADATA_MAX) {
		end_folder(r);
		return false;
	}
	path = xasprintf("%s/%s", folder, r->names[r->at++]->d_name);
	file = xasprintf("%s/%s", r->pack->dir, path);
	if (diags_check_path(r->diags, file))
		fn(r->pack, path, r->options, r->diags);
	free(file);
	free(path);
	return true;
}

/* The accepted sensor before the last that has this class name. */
static struct sensor_meta *
same_class(const struct pack *p, const struct sensor_meta *s)
{
	size_t i;

	for (i = 0; s->class_name && i < p->sensor_count; i++)
		if (p->sensors[i] != s && p->sensors[i]->class_name &&
		    strcmp(p->sensors[i]->class_name, s->class_name) == 0)
			return p->sensors[i];
	return NULL;
}

/* metadata_fn: a file of sensors/ */
static void
take_sensor(struct pack *p, const char *path,
    const struct pack_options *options, struct diags *diags)
{
	size_t from = diags->count;
	struct sensor_meta *s = sensor_meta_read(p, path, options, diags);
	const struct sensor_meta *first = same_class(p, s);

	if (first) {
		diags_add(diags, DIAG_ERROR, s->file, 0, 0, "the class "
		    "\"%s\" is declared twice, first in \"%s\"",
		    s->class_name, first->file);
		sensor_meta_reject(s, diags, from);
	}
	p->sensors = xreallocarray(p->sensors, p->sensor_count + 1,
	    sizeof(*p->sensors));
	p->sensors[p->sensor_count++] = s;
}

/* metadata_fn: a file of triggers/ */
static void
take_trigger(struct pack *p, const char *path,
    const struct pack_options *options, struct diags *diags)
{
	struct trigger_source from = {
		.pack = p->name,
		.validate_formats = options->validate_formats,
	};
	char *file = xasprintf("%s/%s", p->dir, path);
	struct trigger_type *t = NULL;
	struct doc d;

	if (doc_open(&d, file, diags) == 0)
		t = trigger_type_read(&d, "", doc_value(&d), &from);
	doc_close(&d);
	free(file);
	if (!t)
		return;
	p->triggers = xreallocarray(p->triggers, p->trigger_count + 1,
	    sizeof(*p->triggers));
	p->triggers[p->trigger_count++] = t;
}

/* Reads the configuration; a wrong one rejects all sensors. */
static void
take_config(struct pack *p, const struct pack_options *options,
    struct diags *diags)
{
	size_t from = diags->count, i;

	config_read(&p->config, p->dir, p->name, options->configs_dir,
	    options->validate_formats, options->lookup, options->lookup_arg,
	    diags);
	for (i = 0; !p->config.ok && i < p->sensor_count; i++)
		sensor_meta_reject(p->sensors[i], diags, from);
}

/* The name of the folder, which must do as a name in refs. */
static int
take_name(struct pack *p, struct diags *diags)
{
	const char *slash = strrchr(p->dir, '/');
	const char *name = slash ? slash + 1 : p->dir;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		name = strrchr(p->real_dir, '/') + 1;
	p->name = xstrdup(name);
	if (*name && strlen(name) <= NAME_MAX_BYTES && !strpbrk(name, ".: ") &&
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0')
		return 0;
	diags_add(diags, DIAG_ERROR, p->dir, 0, 0, "\"%s\" cannot be the name "
	    "of a pack; rename the folder (letters, digits, _ and -, up to "
	    "%d)", name, NAME_MAX_BYTES);
	return -1;
}

/* Opens the folder: where it is and what it is called. */
static int
open_folder(struct pack *p, const char *dir, struct diags *diags)
{
	char real[PATH_MAX];
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	p->dir = xstrndup(dir, n);
	if (!diags_check_path(diags, p->dir))
		return -1;
	if (!realpath(p->dir, real)) {
		diags_add(diags, DIAG_ERROR, p->dir, 0, 0,
		    "the pack cannot be read: %s", strerror(errno));
		return -1;
	}
	p->real_dir = xstrdup(real);
	return take_name(p, diags);
}

struct pack_reader *
pack_reader_new(const char *dir, const struct pack_options *options,
    struct diags *diags)
{
	struct pack_reader *r = xcalloc(1, sizeof(*r));

	r->options = options;
	r->diags = diags;
	r->count = -1;
	r->pack = xcalloc(1, sizeof(*r->pack));
	if (open_folder(r->pack, dir, diags) < 0) {
		pack_free(&r->pack);
		r->step = STEP_END;
	}
	return r;
}

/* Fills in the next sensor's digest; false if there is none. */
static bool
next_digest(struct pack_reader *r)
{
	if ((size_t)r->at == r->pack->sensor_count)
		return false;
	sensor_meta_digest(r->pack->sensors[r->at++], r->options);
	return true;
}

bool
pack_reader_step(struct pack_reader *r)
{
	bool again = false;

	switch (r->step) {
	case STEP_FACTS:
		pack_facts_read(r->pack, r->diags);
		sources_add_libraries(r->pack);
		break;
	case STEP_TRIGGERS:
		again = next_file(r, "triggers", take_trigger);
		break;
	case STEP_SENSORS:
		again = next_file(r, "sensors", take_sensor);
		break;
	case STEP_CONFIG:
		take_config(r->pack, r->options, r->diags);
		break;
	case STEP_DIGESTS:
		again = next_digest(r);
		break;
	case STEP_END:
		return false;
	}
	if (!again)
		r->step++;
	return r->step != STEP_END;
}

struct pack *
pack_reader_finish(struct pack_reader **rp)
{
	struct pack_reader *r = *rp;
	struct pack *p;

	*rp = NULL;
	if (!r)
		return NULL;
	if (r->step != STEP_END)
		pack_free(&r->pack);
	p = r->pack;
	end_folder(r);
	if (p)
		diags_move(r->diags, &p->source_diags);
	free(r);
	return p;
}

void
pack_free(struct pack **pp)
{
	struct pack *p = *pp;
	size_t i;

	*pp = NULL;
	if (!p)
		return;
	for (i = 0; i < p->sensor_count; i++)
		sensor_meta_free(p->sensors[i]);
	for (i = 0; i < p->trigger_count; i++)
		trigger_type_free(p->triggers[i]);
	for (i = 0; i < p->source_count; i++)
		lua_source_free(p->sources[i]);
	free(p->sensors);
	free(p->triggers);
	free(p->sources);
	config_release(&p->config);
	diags_release(&p->source_diags);
	json_decref(p->facts);
	json_decref(p->walked);
	free(p->name);
	free(p->dir);
	free(p->real_dir);
	free(p->unread);
	free(p);
}

struct sensor_meta *
pack_sensor(const struct pack *p, const char *class_name)
{
	size_t i;

	for (i = 0; i < p->sensor_count; i++)
		if (p->sensors[i]->class_name &&
		    strcmp(p->sensors[i]->class_name, class_name) == 0)
			return p->sensors[i];
	return NULL;
}
