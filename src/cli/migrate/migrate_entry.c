/*
 * One Python entry point of the copy: read, replaced by a Lua skeleton, and
 * what is left to do with it written down. Called by `migrate` for each.
 */
#include "cli/migrate/migrate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "cli/files.h"
#include "cli/hints.h"
#include "cli/migrate/py_file.h"
#include "cli/migrate/skeleton.h"
#include "cli/names.h"

#define PYTHON_MAX (1024 * 1024)

/* An entry point under way. */
struct entry {
	struct migration *m;
	const char *lua;     /* "sensors/x.lua", inside the pack */
	char *python;        /* "sensors/x.py" */
	char *folder;        /* on disk, where it lies, in the copy */
	struct py_file file;
	bool read;           /* the Python file was there */
};

/* The last part of a base class's name; "" if there is none. */
static const char *
base_name(const struct py_class *c)
{
	const char *dot = strrchr(c->base, '.');

	return dot ? dot + 1 : c->base;
}

/* Whether the class has a method of that name. */
static bool
has_method(const struct py_class *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->method_count; i++)
		if (strcmp(c->methods[i].name, name) == 0)
			return true;
	return false;
}

/* Whether the sensor polls: its base says, else its methods, else YAML. */
static bool
is_polling(const struct py_class *c, const struct sensor_meta *meta)
{
	if (c && strcmp(base_name(c), "PollingSensor") == 0)
		return true;
	if (c && (strcmp(base_name(c), "Sensor") == 0 ||
	    has_method(c, "run")))
		return false;
	return (c && has_method(c, "poll")) || meta->poll_interval > 0;
}

/* Whether the pack itself has the module: "lib/x.py" or beside the entry. */
static bool
own_module(struct entry *x, const char *module)
{
	static const char *const forms[] = {".py", "/__init__.py", ".lua"};
	char *name = xstrdup(module + strspn(module, ".")), *s, *path;
	char *lib = xasprintf("%s/lib", x->m->copy);
	const char *folders[] = {x->folder, lib, x->m->copy};
	bool found = module[0] == '.';
	size_t i;

	for (s = name; (s = strchr(s, '.')) != NULL; )
		*s = '/';
	for (i = 0; *name && !found && i < 9; i++) {
		path = xasprintf("%s/%s%s", folders[i / 3], name,
		    forms[i % 3]);
		found = access(path, R_OK) == 0;
		free(path);
	}
	free(lib);
	free(name);
	return found;
}

/* What the file imports. */
static void
list_imports(struct entry *x)
{
	struct buf text = {0};
	size_t i;

	for (i = 0; i < x->file.import_count; i++) {
		const struct py_import *import = &x->file.imports[i];

		buf_reset(&text, 0);
		if (own_module(x, import->module))
			buf_printf(&text, "%s: a module of the pack; port it "
			    "to lib/ and require it", import->module);
		else if (*import->module == '\0' ||
		    !hint_put(&text, import->module))
			continue;
		todo_add(&x->m->todo, x->lua, import->line, "%s",
		    buf_cstr(&text));
	}
	buf_release(&text);
}

/* Whether the sensor declares the trigger type of that ref. */
static const struct trigger_type *
find_type(const struct sensor_meta *meta, const char *ref)
{
	size_t i;

	for (i = 0; i < meta->trigger_count; i++)
		if (strcmp(meta->triggers[i]->ref, ref) == 0)
			return meta->triggers[i];
	return NULL;
}

/* What is to be said of a dispatch. */
static void
list_dispatch(struct entry *x, const struct sensor_meta *meta,
    const struct py_fact *f)
{
	const struct trigger_type *type = f->text ? find_type(meta, f->text) :
	    NULL;

	if (!f->text)
		todo_add(&x->m->todo, x->lua, f->line, "the trigger that is "
		    "dispatched is computed: see that %s declares it",
		    meta->metadata_file);
	else if (!type && strncmp(f->text, x->m->name,
	    strlen(x->m->name)) == 0)
		todo_add(&x->m->todo, x->lua, f->line, "declare the trigger "
		    "type %s in %s: it is dispatched", f->text,
		    meta->metadata_file);
	else if (!type)
		todo_add(&x->m->todo, x->lua, f->line, "%s, which is "
		    "dispatched, is no trigger of this sensor: is the pack "
		    "right?", f->text);
	else if (type->parameters)
		todo_add(&x->m->todo, x->lua, f->line, "%s has parameters: "
		    "dispatch the ref given to add_trigger", f->text);
}

/* What is to be said of the facts of one method. */
static void
list_facts(struct entry *x, const struct sensor_meta *meta,
    const struct py_method *method)
{
	size_t i, len;

	for (i = 0; i < method->fact_count; i++) {
		const struct py_fact *f = &method->facts[i];
		char *key;

		if (f->kind == PY_DISPATCH)
			list_dispatch(x, meta, f);
		if (f->kind == PY_GET_VALUE)
			todo_add(&x->m->todo, x->lua, 0, "values of the "
			    "datastore come back as they were set, not as "
			    "text: store numbers and tables as they are, read "
			    "with get_value or get_number");
		if (f->kind != PY_CONFIG)
			continue;
		len = strcspn(f->text, ".");
		key = xstrndup(f->text, len);
		if (!json_object_get(meta->pack->config.places, key))
			todo_add(&x->m->todo, x->lua, f->line, "declare the "
			    "key %s in config.schema.yaml: it is read", key);
		free(key);
	}
}

/* What is to be done with one sensor's class. */
static void
list_class(struct entry *x, const struct sensor_meta *meta,
    const struct py_class *c)
{
	const char *base = base_name(c);
	size_t i;

	if (*base && strcmp(base, "Sensor") != 0 &&
	    strcmp(base, "PollingSensor") != 0 && strcmp(base, "object") != 0)
		todo_add(&x->m->todo, x->lua, c->lines.from, "%s descends "
		    "from %s: port what it has from there", c->name, c->base);
	for (i = 0; i < c->method_count; i++) {
		if (skeleton_is_empty(&x->file, &c->methods[i]))
			continue;
		todo_add(&x->m->todo, x->lua, c->methods[i].lines.from,
		    "port %s.%s", c->name, c->methods[i].name);
		list_facts(x, meta, &c->methods[i]);
	}
}

/* Writes down what is left to do with the file as a whole. */
static void
list_file(struct entry *x, const struct skeleton *s,
    struct sensor_meta *const *metas)
{
	size_t i;

	if (!x->read)
		todo_add(&x->m->todo, x->lua, 0, "%s is not there: write the "
		    "sensor from its metadata", x->python);
	if (x->read && x->file.bad_line > 0)
		todo_add(&x->m->todo, x->lua, x->file.bad_line, "the Python "
		    "file was read only so far: %s", x->file.why);
	for (i = 0; i < s->count; i++) {
		if (s->sensors[i].class)
			list_class(x, metas[i], s->sensors[i].class);
		else if (x->read)
			todo_add(&x->m->todo, x->lua, 0, "there is no class %s "
			    "in %s", metas[i]->class_name, x->python);
	}
	list_imports(x);
	for (i = 0; i < s->count; i++)
		todo_add(&x->m->todo, x->lua, 0, "take out self:reject in "
		    "setup, then try it: sensorhost run %s%s",
		    metas[i]->ref, s->sensors[i].polling ? " --once" : "");
}

/* Writes the skeleton and removes the Python file; -1 with e. */
static int
write_skeleton(struct entry *x, const struct skeleton *s, struct err *e)
{
	char *path = xasprintf("%s/%s", x->m->copy, x->lua);
	char *python = xasprintf("%s/%s", x->m->copy, x->python);
	struct buf text = {0};
	int rc;

	skeleton_put(&text, s);
	rc = file_create(path, &text, e);
	if (rc == 0)
		unlink(python);
	buf_release(&text);
	free(path);
	free(python);
	return rc;
}

/* Reads the Python file if it is there; -1 with e. */
static int
read_python(struct entry *x, struct err *e)
{
	char *path = xasprintf("%s/%s", x->m->copy, x->python);
	struct buf text = {0};
	int rc = file_read(path, PYTHON_MAX, &text, e);

	x->read = rc == 0;
	if (x->read)
		py_file_read(&x->file, &text);
	buf_release(&text);
	free(path);
	return rc < 0 ? -1 : 0;
}

/* Fills what the skeleton needs to know of one sensor. */
static void
describe(struct skeleton_sensor *s, const struct entry *x,
    const struct sensor_meta *meta)
{
	const struct py_class *c = x->read ?
	    py_file_class(&x->file, meta->class_name) : NULL;

	*s = (struct skeleton_sensor){.pack = x->m->name,
	    .class_name = meta->class_name,
	    .description = meta->description,
	    .metadata_file = meta->metadata_file,
	    .polling = is_polling(c, meta),
	    .trigger_types = json_object_get(meta->metadata,
	    "trigger_types"), .class = c};
}

int
migrate_entry(struct migration *m, struct sensor_meta *const *metas,
    size_t count, struct err *e)
{
	struct entry x = {.m = m, .lua = metas[0]->entry_point};
	struct skeleton_sensor *sensors = xcalloc(count, sizeof(*sensors));
	struct skeleton s = {.sensors = sensors, .count = count};
	size_t len = strlen(x.lua), i;
	int rc;

	must(len > 4);
	x.python = xasprintf("%.*s.py", (int)len - 4, x.lua);
	x.folder = xasprintf("%s/%s", m->copy, x.lua);
	*strrchr(x.folder, '/') = '\0';
	rc = read_python(&x, e);
	s.python = x.python;
	s.file = x.read ? &x.file : NULL;
	for (i = 0; i < count; i++)
		describe(&sensors[i], &x, metas[i]);
	if (rc == 0)
		rc = write_skeleton(&x, &s, e);
	if (rc == 0)
		list_file(&x, &s, metas);
	for (i = 0; rc == 0 && i < count; i++)
		json_array_append_new(m->sensors, json_string(metas[i]->ref));
	py_file_release(&x.file);
	free(sensors);
	free(x.python);
	free(x.folder);
	return rc;
}
