/*
 * One sensor's YAML file as facts. The table of its keys is here; what is
 * wrong is reported with its place and rejects this sensor alone. Called by
 * pack.c for each file of sensors/.
 */
#include "pack/sensor_meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/xalloc.h"
#include "pack/doc.h"
#include "pack/shape.h"
#include "pack/sources.h"
#include "pack/trigger_type.h"

#define CLASS_NAME_MAX 200
#define INTERVAL_MAX (10 * 365 * 86400.0)

/* shape_check_fn: a class name that fits into the keys of the datastore */
static void
check_class_name(struct doc *d, const char *pointer, json_t *value)
{
	if (json_string_length(value) > CLASS_NAME_MAX)
		doc_error(d, pointer, "\"class_name\" is longer than %d bytes",
		    CLASS_NAME_MAX);
	else if (strpbrk(json_string_value(value), "/:"))
		doc_error(d, pointer, "\"class_name\" holds \"/\" or \":\"");
}

/* shape_check_fn: seconds between two polls */
static void
check_interval(struct doc *d, const char *pointer, json_t *value)
{
	double seconds = json_number_value(value);

	if (!(seconds > 0))
		doc_error(d, pointer, "\"poll_interval\" is %g; it must be "
		    "greater than 0 seconds", seconds);
	else if (seconds > INTERVAL_MAX)
		doc_error(d, pointer, "\"poll_interval\" is %g seconds; ten "
		    "years are the limit", seconds);
}

/* shape_check_fn: `shared` is a word for later */
static void
check_isolation(struct doc *d, const char *pointer, json_t *value)
{
	if (strcmp(json_string_value(value), "shared") == 0)
		doc_error(d, pointer, "\"isolation\" is \"shared\", which is "
		    "not supported; write process or leave it out");
}

/* shape_check_fn: memory and unit; 1 MB is what an empty sensor needs */
static void
check_bytes(struct doc *d, const char *pointer, json_t *value)
{
	json_t *o = json_pack("{s:O}", "bytes", value);
	uint64_t bytes = shape_size(o, "bytes", 0);

	json_decref(o);
	if (bytes < 64 * 1024 || bytes > (uint64_t)64 << 30)
		doc_error(d, pointer, "\"%s\" must be between 64K and "
		    "64G", strrchr(pointer, '/') + 1);
}

/* shape_check_fn: uninterrupted Lua */
static void
check_slice(struct doc *d, const char *pointer, json_t *value)
{
	json_t *o = json_pack("{s:O}", "slice", value);
	int64_t us = shape_duration(o, "slice", 0);

	json_decref(o);
	if (us < 10000 || us > (int64_t)86400 * 1000000)
		doc_error(d, pointer, "\"%s\" must be between 10ms and "
		    "1d", strrchr(pointer, '/') + 1);
}

static const struct shape_member limit_members[] = {
	{ "memory", SHAPE_SIZE, SHAPE_NULL, NULL, check_bytes },
	{ "slice", SHAPE_DURATION, SHAPE_NULL, NULL, check_slice },
	{ "unit", SHAPE_SIZE, SHAPE_NULL, NULL, check_bytes },
	{ NULL, 0, 0, NULL, NULL }
};

static const struct shape limit_shape = {
	"\"limits\"", limit_members, NULL, DIAG_WARNING
};

/* shape_check_fn */
static void
check_limits(struct doc *d, const char *pointer, json_t *value)
{
	shape_check(d, pointer, value, &limit_shape);
}

static const char *const first_polls[] = { "now", "scheduled", NULL };
static const char *const reloads[] = { "handover", "restart", NULL };
static const char *const on_invalids[] = { "dead_letter", "raise", NULL };
static const char *const isolations[] = { "process", "shared", NULL };

static const struct shape_member members[] = {
	{ "class_name", SHAPE_STRING, SHAPE_REQUIRED | SHAPE_FILLED, NULL,
	    check_class_name },
	{ "entry_point", SHAPE_STRING, SHAPE_REQUIRED | SHAPE_FILLED, NULL,
	    NULL },
	{ "description", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "enabled", SHAPE_BOOL, SHAPE_NULL, NULL, NULL },
	{ "poll_interval", SHAPE_NUMBER, SHAPE_NULL, NULL, check_interval },
	{ "trigger_types", SHAPE_LIST, 0, NULL, NULL },
	{ "first_poll", SHAPE_STRING, 0, first_polls, NULL },
	{ "reload", SHAPE_STRING, 0, reloads, NULL },
	{ "on_invalid", SHAPE_STRING, 0, on_invalids, NULL },
	{ "limits", SHAPE_OBJECT, SHAPE_NULL, NULL, check_limits },
	{ "isolation", SHAPE_STRING, 0, isolations, check_isolation },
	/* StackStorm's, computed there and ignored here */
	{ "pack", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "id", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "ref", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "uid", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "artifact_uri", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ "metadata_file", SHAPE_STRING, SHAPE_NULL, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL }
};

static const struct shape_hint hints[] = {
	{ "pool_interval", "poll_interval" },
	{ "interval", "poll_interval" },
	{ "name", "class_name" },
	{ "class", "class_name" },
	{ "triggers", "trigger_types" },
	{ NULL, NULL }
};

static const struct shape sensor_shape = {
	"a sensor", members, hints, DIAG_WARNING
};

/* Puts t behind the sensor's types; an earlier one of the name goes. */
static void
trigger_take(struct sensor_meta *s, struct doc *d, const char *pointer,
    struct trigger_type *t)
{
	size_t i;

	for (i = 0; i < s->trigger_count; i++)
		if (strcmp(s->triggers[i]->name, t->name) == 0)
			break;
	if (i < s->trigger_count) {
		doc_warn(d, pointer, "trigger type \"%s\" is declared twice, "
		    "first at line %d; the last one counts", t->name,
		    s->triggers[i]->line);
		trigger_type_free(s->triggers[i]);
		s->triggers[i] = t;
		return;
	}
	s->triggers = xreallocarray(s->triggers, s->trigger_count + 1,
	    sizeof(*s->triggers));
	s->triggers[s->trigger_count++] = t;
}

/* Reads the trigger types. */
static void
read_triggers(struct sensor_meta *s, struct doc *d,
    const struct pack_options *options)
{
	const json_t *list = json_object_get(s->metadata, "trigger_types");
	struct trigger_source from = {
		.pack = s->pack->name,
		.validate_formats = options->validate_formats,
	};
	struct trigger_type *t;
	json_t *value;
	char *at;
	size_t i;

	json_array_foreach(list, i, value) {
		at = xasprintf("/trigger_types/%zu", i);
		t = trigger_type_read(d, at, value, &from);
		if (t)
			trigger_take(s, d, at, t);
		free(at);
	}
}

/* The name among the sources of the folder that may have been meant. */
static const char *
entry_nearest(const struct sensor_meta *s)
{
	const struct pack *p = s->pack;
	char *folder = sources_folder(s->entry_point);
	size_t skip = *folder ? strlen(folder) + 1 : 0, count = 0, i;
	const char **names = xcalloc(p->source_count + 1, sizeof(*names));
	const char *near;

	for (i = 0; i < p->source_count; i++)
		if (strncmp(p->sources[i]->path, s->entry_point, skip) == 0)
			names[count++] = p->sources[i]->path + skip;
	near = nearest(s->entry_point + skip, names, count);
	free(names);
	free(folder);
	return near;
}

/* Reports an entry point that cannot be loaded. */
static void
entry_missing(struct sensor_meta *s, struct doc *d, const struct err *e)
{
	const char *near = entry_nearest(s);

	doc_error(d, "/entry_point", "entry point: %s%s%s%s", e->text,
	    near ? "; did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
}

/* Finds and reads the Lua file that the sensor is. */
static void
read_entry(struct sensor_meta *s, struct doc *d)
{
	const char *name = shape_string(s->metadata, "entry_point", "");
	size_t len = strlen(name);
	char *folder;
	struct err e;

	if (len > 3 && strcmp(name + len - 3, ".py") == 0) {
		doc_error(d, "/entry_point", "entry point \"%s\" is Python, "
		    "sensors here are Lua; rewrite it, from the skeleton that "
		    "`sensorhost migrate %s` makes", name, s->pack->dir);
		return;
	}
	if (len < 5 || strcmp(name + len - 4, ".lua") != 0) {
		doc_error(d, "/entry_point", "entry point \"%s\" is no Lua "
		    "file; its name must end in .lua", name);
		return;
	}
	folder = sources_folder(s->metadata_file);
	s->entry_point = sources_resolve(folder, name);
	free(folder);
	if (!s->entry_point) {
		doc_error(d, "/entry_point", "entry point \"%s\" leads outside "
		    "the pack; it must be relative to this file and stay "
		    "inside", name);
		return;
	}
	folder = sources_folder(s->entry_point);
	sources_add_folder(s->pack, folder);
	free(folder);
	s->entry = sources_add(s->pack, s->entry_point, &e);
	if (!s->entry)
		entry_missing(s, d, &e);
}

/* The index of a text among choices that were checked. */
static int
choice(const json_t *metadata, const char *name, const char *const *choices)
{
	const char *text = shape_string(metadata, name, choices[0]);
	int i;

	for (i = 0; strcmp(choices[i], text) != 0; i++)
		;
	return i;
}

/* The facts of metadata whose shape is right. */
static void
read_facts(struct sensor_meta *s, struct doc *d)
{
	const json_t *m = s->metadata;
	const json_t *limits = json_object_get(m, "limits");

	s->enabled = shape_bool(m, "enabled", true);
	s->poll_interval = shape_number(m, "poll_interval", 0);
	s->poll_interval_line = yml_key_mark(d->yml, "/poll_interval").line;
	s->first_poll = (enum first_poll)choice(m, "first_poll", first_polls);
	s->reload = (enum reload_mode)choice(m, "reload", reloads);
	s->on_invalid = (enum on_invalid)choice(m, "on_invalid", on_invalids);
	s->limit_memory = shape_size(limits, "memory", 0);
	s->limit_slice_us = shape_duration(limits, "slice", 0);
	s->limit_unit = shape_size(limits, "unit", 0);
}

/* The name, also of a sensor whose other keys are wrong. */
static void
read_name(struct sensor_meta *s)
{
	const char *name = shape_string(s->metadata, "class_name", "");

	free(s->description);
	s->description = xstrdup(shape_string(s->metadata, "description",
	    ""));
	if (*name == '\0')
		return;
	s->class_name = xstrdup(name);
	s->ref = xasprintf("%s.%s", s->pack->name, name);
}

/* Reads what an open file says. */
static void
read_doc(struct sensor_meta *s, struct doc *d,
    const struct pack_options *options)
{
	const char *pack;

	if (yml_is_empty(d->yml)) {
		doc_error(d, "", "the file is empty; a sensor needs "
		    "class_name and entry_point");
		return;
	}
	s->metadata = json_incref(doc_value(d));
	read_name(s);
	if (shape_check(d, "", s->metadata, &sensor_shape))
		read_facts(s, d);
	read_triggers(s, d, options);
	if (json_string_length(json_object_get(s->metadata, "entry_point")))
		read_entry(s, d);
	pack = shape_string(s->metadata, "pack", s->pack->name);
	if (strcmp(pack, s->pack->name) != 0)
		doc_warn(d, "/pack", "\"pack\" is \"%.80s\", but the folder is "
		    "\"%s\", and that is what counts", pack, s->pack->name);
}

struct sensor_meta *
sensor_meta_read(struct pack *p, const char *metadata_file,
    const struct pack_options *options, struct diags *diags)
{
	struct sensor_meta *s = xcalloc(1, sizeof(*s));
	size_t from = diags->count;
	struct doc d;
	int rc;

	s->pack = p;
	s->metadata_file = xstrdup(metadata_file);
	s->file = xasprintf("%s/%s", p->dir, metadata_file);
	s->description = xstrdup("");
	rc = doc_open(&d, s->file, diags);
	if (rc == 0)
		read_doc(s, &d, options);
	else if (rc == 1)
		diags_add(diags, DIAG_ERROR, s->file, 0, 0,
		    "the file is gone");
	doc_close(&d);
	sensor_meta_reject(s, diags, from);
	return s;
}

void
sensor_meta_reject(struct sensor_meta *s, const struct diags *diags,
    size_t from)
{
	if (!s->rejected)
		s->rejected = diags_first_error(diags, from, &s->why);
}

void
sensor_meta_free(struct sensor_meta *s)
{
	size_t i;

	for (i = 0; i < s->trigger_count; i++)
		trigger_type_free(s->triggers[i]);
	free(s->triggers);
	free(s->ref);
	free(s->class_name);
	free(s->description);
	free(s->file);
	free(s->metadata_file);
	free(s->entry_point);
	json_decref(s->metadata);
	free(s);
}

/* sources_fn: feeds a source's own digest */
static void
feed_source(void *arg, const struct lua_source *source)
{
	digest_part(arg, source->digest, DIGEST_BYTES);
}

/* Feeds a JSON value, members in order of their names. */
static void
feed_json(struct digest_state *digest, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY |
	    JSON_SORT_KEYS | JSON_COMPACT) : NULL;

	digest_str(digest, text ? text : "");
	free(text);
}

void
sensor_meta_digest(struct sensor_meta *s, const struct pack_options *options)
{
	struct digest_state digest;

	if (s->rejected)
		return;
	digest_init(&digest);
	digest_str(&digest, s->ref);
	digest_str(&digest, s->metadata_file);
	digest_str(&digest, options->validate_formats ? "formats" : "");
	feed_json(&digest, s->metadata);
	feed_json(&digest, s->pack->config.value);
	feed_json(&digest, s->pack->config.secret_paths);
	digest_str(&digest, s->entry_point);
	sources_of_sensor(s, feed_source, &digest);
	digest_final(&digest, s->digest);
}
