/*
 * Lua text for a sensor that was written in Python. Called by `migrate`.
 * Whatever the Python file holds, the result must be Lua that loads: text of
 * it goes into comments line by line, and only names that are names go
 * anywhere else.
 */
#include "cli/migrate/skeleton.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/names.h"

/* Appends text into a comment line: whatever would end it is blank. */
static void
put_text(struct buf *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf_putc(out, (unsigned char)text[i] < ' ' &&
		    text[i] != '\t' ? ' ' : text[i]);
}

/* Appends a whole comment line, or the rest of one. */
static void
put_comment(struct buf *out, const char *begin, const char *text, size_t len)
{
	buf_puts(out, begin);
	put_text(out, text, len);
	buf_putc(out, '\n');
}

/* Appends lines of the Python file as comments, `margin` before each. */
static void
put_lines(struct buf *out, const struct py_file *f, struct py_lines l,
    const char *margin)
{
	const char *text;
	int indent = 0, len, skip, i;

	for (i = l.from; i <= l.to; i++) {
		text = py_file_line(f, i, &len);
		for (skip = 0; skip < len && strchr(" \t", text[skip]) &&
		    (i == l.from || skip < indent); skip++)
			;
		if (i == l.from)
			indent = skip;
		buf_printf(out, "%s--%s", margin, len > skip ? " " : "");
		put_comment(out, "", text + skip, (size_t)(len - skip));
	}
}

/* Appends `text` in quotes, as Lua reads it. */
static void
put_quoted(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (strchr("\"\\", *text))
			buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			buf_printf(out, "\\%03d", *text);
		else
			buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

/* Appends dot and name, or `["name"]` where Lua wants that. */
static void
put_member(struct buf *out, const char *dot, const char *name)
{
	if (name_is_lua(name)) {
		buf_printf(out, "%s%s", dot, name);
		return;
	}
	buf_putc(out, '[');
	put_quoted(out, name);
	buf_putc(out, ']');
}

/* Appends the config key of that path as an expression. */
static void
put_config(struct buf *out, const struct py_fact *f)
{
	char *path = xstrdup(f->text), *rest = path, *part;

	if (f->required) {
		buf_puts(out, "self:need(");
		put_quoted(out, f->text);
		buf_putc(out, ')');
	} else {
		buf_puts(out, "self.config");
		while ((part = strsep(&rest, ".")) != NULL)
			put_member(out, ".", part);
		if (f->fallback)
			buf_printf(out, " or %s", f->fallback);
	}
	free(path);
}

/* Appends the arguments of a datastore call by name, and its end. */
static void
put_named(struct buf *out, const struct py_fact *f)
{
	bool set = f->kind == PY_SET_VALUE;

	buf_puts(out, "{ name = ");
	if (f->text)
		put_quoted(out, f->text);
	else
		buf_puts(out, "name");
	buf_printf(out, "%s%s%s })", set ? ", value = value" : "",
	    f->shared ? ", global = true" : "", !f->sealed ? "" : set ?
	    ", encrypt = true" : ", decrypt = true");
}

void
skeleton_put_fact(struct buf *out, const struct py_fact *f)
{
	static const char *const calls[PY_FACT_KINDS] = {
		[PY_DISPATCH] = "dispatch",
		[PY_GET_VALUE] = "get_value",
		[PY_SET_VALUE] = "set_value",
		[PY_DELETE_VALUE] = "delete_value",
		[PY_LIST_VALUES] = "list_values",
	};

	if (f->kind == PY_CONFIG) {
		put_config(out, f);
		return;
	}
	buf_printf(out, "self.sensor_service:%s(", calls[f->kind]);
	if ((f->shared || f->sealed) && f->kind != PY_LIST_VALUES) {
		put_named(out, f);
		return;
	}
	if (f->kind == PY_LIST_VALUES && f->text)
		buf_puts(out, "true, ");
	if (f->text)
		put_quoted(out, f->text);
	else if (f->kind != PY_LIST_VALUES)
		buf_puts(out, f->kind == PY_DISPATCH ? "trigger" : "name");
	buf_printf(out, "%s)", f->kind == PY_DISPATCH ? ", payload" :
	    f->kind == PY_SET_VALUE ? ", value" : "");
}

bool
skeleton_is_empty(const struct py_file *f, const struct py_method *m)
{
	int len, i;
	const char *text = py_file_line(f, m->lines.to, &len);

	for (i = 0; i < len && strchr(" \t", text[i]); i++)
		;
	return m->fact_count == 0 && m->lines.to - m->lines.from <= 2 &&
	    len - i == 4 && memcmp(text + i, "pass", 4) == 0;
}

/* Appends what the facts of a method are in Lua, as comments. */
static void
put_facts(struct buf *out, const struct py_method *m)
{
	struct buf line = {0};
	size_t i;

	if (m->fact_count > 0)
		buf_puts(out, "\t--\n\t-- In Lua:\n");
	for (i = 0; i < m->fact_count; i++) {
		buf_reset(&line, 0);
		skeleton_put_fact(&line, &m->facts[i]);
		buf_printf(out, "\t--   line %d: ", m->facts[i].line);
		put_comment(out, "", (char *)line.data, line.len);
	}
	buf_release(&line);
}

/* The line that keeps a skeleton from running. */
static void
put_reject(struct buf *out)
{
	buf_puts(out, "\t-- Take this out when the sensor is ported.\n"
	    "\tself:reject(\"not ported from Python yet: see MIGRATION.md of "
	    "the pack\")\n");
}

/* One method of the Python class. */
static void
put_method(struct buf *out, const struct skeleton *s,
    const struct skeleton_sensor *sensor, const struct py_method *m)
{
	char *class = name_lua(sensor->class_name);
	bool init = strcmp(m->name, "__init__") == 0;
	char *name = init ? xstrdup("init") : name_lua(m->name);

	buf_puts(out, "\n-- ");
	put_text(out, s->python, strlen(s->python));
	buf_printf(out, ":%d\nfunction %s%c%s(%s)\n", m->lines.from, class,
	    m->is_static ? '.' : ':', name, init ? "" : m->params);
	if (strcmp(m->name, "setup") == 0)
		put_reject(out);
	put_lines(out, s->file, m->lines, "\t");
	put_facts(out, m);
	buf_puts(out, "end\n");
	free(class);
	free(name);
}

/* The method of that name; NULL if the Python class has none. */
static const struct py_method *
find_method(const struct skeleton_sensor *sensor, const char *name)
{
	size_t i;

	for (i = 0; sensor->class && i < sensor->class->method_count; i++)
		if (strcmp(sensor->class->methods[i].name, name) == 0)
			return &sensor->class->methods[i];
	return NULL;
}

/* One member of a payload: `name = event.name, -- string, required`. */
static void
put_property(struct buf *out, const char *name, const json_t *schema)
{
	const json_t *type = json_object_get(schema, "type");
	bool required = json_is_true(json_object_get(schema, "required"));

	buf_puts(out, "\t\t");
	put_member(out, "", name);
	buf_puts(out, " = event");
	put_member(out, ".", name);
	buf_putc(out, ',');
	if (json_is_string(type)) {
		buf_puts(out, " -- ");
		put_text(out, json_string_value(type),
		    json_string_length(type));
	}
	buf_printf(out, "%s\n", !required ? "" : json_is_string(type) ?
	    ", required" : " -- required");
}

/* A method that dispatches one declared trigger type. */
static void
put_trigger(struct buf *out, const struct skeleton_sensor *sensor,
    const json_t *type)
{
	const char *name = json_string_value(json_object_get(type, "name"));
	const json_t *about = json_object_get(type, "description");
	const json_t *members = json_object_get(json_object_get(type,
	    "payload_schema"), "properties");
	bool parameters = json_object_size(json_object_get(type,
	    "parameters_schema")) > 0;
	char *class = name_lua(sensor->class_name), *method, *ref;
	const char *key;
	json_t *schema;

	if (!name || !*name)
		return;
	method = name_lua(name);
	ref = xasprintf("%s.%s", sensor->pack, name);
	put_comment(out, "\n-- ", ref, strlen(ref));
	if (json_string_length(about) > 0)
		put_comment(out, "-- ", json_string_value(about),
		    json_string_length(about));
	buf_printf(out, "function %s:dispatch_%s(%sevent)\n\treturn "
	    "self.sensor_service:dispatch(", class, method,
	    parameters ? "trigger, " : "");
	if (parameters)
		buf_puts(out, "trigger.ref");
	else
		put_quoted(out, ref);
	buf_puts(out, json_object_size(members) ? ", {\n" : ", event");
	json_object_foreach((json_t *)(uintptr_t)members, key, schema)
		put_property(out, key, schema);
	buf_printf(out, "%s)\nend\n", json_object_size(members) ? "\t}" : "");
	free(method);
	free(class);
	free(ref);
}

/* What the class must have and Python did not show. */
static void
put_missing(struct buf *out, const struct skeleton_sensor *sensor)
{
	char *class = name_lua(sensor->class_name);

	if (!find_method(sensor, "setup")) {
		buf_printf(out, "\nfunction %s:setup()\n", class);
		put_reject(out);
		buf_puts(out, "end\n");
	}
	if (sensor->polling && !find_method(sensor, "poll"))
		buf_printf(out, "\nfunction %s:poll()\n\t-- Gather what is "
		    "new, dispatch it, move the cursor.\nend\n", class);
	if (!sensor->polling && !find_method(sensor, "run"))
		buf_printf(out, "\nfunction %s:run()\n\t-- Wait for the "
		    "outside world and dispatch what it says.\n"
		    "\tself:wait()\nend\n", class);
	free(class);
}

/* One sensor. */
static void
put_sensor(struct buf *out, const struct skeleton *s,
    const struct skeleton_sensor *sensor)
{
	const struct py_class *c = sensor->class;
	char *class = name_lua(sensor->class_name);
	json_t *type;
	size_t i;

	buf_printf(out, "\nlocal %s = %s:extend()\n", class,
	    sensor->polling ? "PollingSensor" : "Sensor");
	for (i = 0; c && i < c->rest_count; i++) {
		if (i == 0)
			buf_puts(out, "\n-- Of the Python class:\n");
		put_lines(out, s->file, c->rest[i], "");
	}
	for (i = 0; c && i < c->method_count; i++)
		if (!skeleton_is_empty(s->file, &c->methods[i]) ||
		    strcmp(c->methods[i].name, "poll") == 0 ||
		    strcmp(c->methods[i].name, "run") == 0 ||
		    strcmp(c->methods[i].name, "setup") == 0)
			put_method(out, s, sensor, &c->methods[i]);
	put_missing(out, sensor);
	json_array_foreach(sensor->trigger_types, i, type)
		put_trigger(out, sensor, type);
	free(class);
}

/* True if line 1 of a run is a docstring: the module's own. */
static bool
is_docstring(const struct py_file *f, struct py_lines l)
{
	int len;
	const char *text = py_file_line(f, l.from, &len);

	return len > 0 && (*text == '"' || *text == '\'');
}

/* What the Python file holds outside of the sensors' classes. */
static void
put_rest(struct buf *out, const struct skeleton *s)
{
	const struct py_file *f = s->file;
	bool sensor;
	size_t i, k;

	for (i = 0; f && i < f->rest_count; i++) {
		if (is_docstring(f, f->rest[i]))
			continue;
		buf_putc(out, '\n');
		put_lines(out, f, f->rest[i], "");
	}
	for (i = 0; f && i < f->class_count; i++) {
		for (k = 0, sensor = false; k < s->count; k++)
			sensor |= s->sensors[k].class == &f->classes[i];
		if (sensor)
			continue;
		buf_putc(out, '\n');
		put_lines(out, f, f->classes[i].lines, "");
	}
}

/* The end of the file: the class, or all of them by name. */
static void
put_return(struct buf *out, const struct skeleton *s)
{
	char *class;
	size_t i;

	buf_puts(out, "\nreturn ");
	for (i = 0; i < s->count; i++) {
		class = name_lua(s->sensors[i].class_name);
		if (s->count == 1) {
			buf_puts(out, class);
		} else {
			buf_puts(out, i ? "\t[" : "{\n\t[");
			put_quoted(out, s->sensors[i].class_name);
			buf_printf(out, "] = %s,\n", class);
		}
		free(class);
	}
	buf_puts(out, s->count == 1 ? "\n" : "}\n");
}

void
skeleton_put(struct buf *out, const struct skeleton *s)
{
	bool polling = false, passive = false;
	size_t i;

	for (i = 0; i < s->count; i++) {
		buf_printf(out, "-- %s.", s->sensors[i].pack);
		put_text(out, s->sensors[i].class_name,
		    strlen(s->sensors[i].class_name));
		put_comment(out, *s->sensors[i].description ? ": " : "",
		    s->sensors[i].description,
		    strlen(s->sensors[i].description));
		polling |= s->sensors[i].polling;
		passive |= !s->sensors[i].polling;
	}
	put_comment(out, "--\n-- To be ported from ", s->python,
	    strlen(s->python));
	buf_printf(out, "%s-- MIGRATION.md lists what is left to do by "
	    "hand.\n\n", s->file ?
	    "-- Its Python stands in comments where Lua belongs.\n" : "");
	if (polling)
		buf_puts(out, "local PollingSensor = "
		    "require(\"sensorhost.polling_sensor\")\n");
	if (passive)
		buf_puts(out,
		    "local Sensor = require(\"sensorhost.sensor\")\n");
	put_rest(out, s);
	for (i = 0; i < s->count; i++)
		put_sensor(out, s, &s->sensors[i]);
	put_return(out, s);
}
