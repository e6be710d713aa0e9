/*
 * YAML and datastore templates from anywhere: the reader stays inside its
 * bounds and its memory, what it takes is JSON, every value has a place,
 * and an error says something. An input that begins with "{{" is tried as a
 * template too.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "pack/config_cast.h"
#include "pack/config_template.h"
#include "pack/yml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Counts values and checks that none is deeper than allowed. */
static size_t
count_values(const json_t *value, int depth)
{
	const char *key;
	json_t *part;
	size_t count = 1, i;

	must(depth <= YML_DEPTH_MAX + 1);
	json_object_foreach((json_t *)value, key, part)
		count += count_values(part, depth + 1);
	json_array_foreach(value, i, part)
		count += count_values(part, depth + 1);
	return count;
}

/* Places: of the first members down to the bottom, and of nonsense. */
static void
check_marks(const struct yml *y, const char *text)
{
	const json_t *value = yml_value(y);
	char pointer[256] = "";
	struct yml_mark mark;
	size_t i;

	for (i = 0; i + 3 < sizeof(pointer) && json_is_array(value); i += 2) {
		memcpy(pointer + i, "/0", 3);
		value = json_array_get(value, 0);
	}
	mark = yml_mark(y, pointer);
	must(yml_is_empty(y) || (mark.line > 0 && mark.column > 0));
	yml_mark(y, text);
	yml_key_mark(y, text);
}

/* The text as YAML. */
static void
try_yaml(const char *text, size_t size)
{
	struct yml_mark where = { 0, 0 };
	struct err e = { "" };
	struct yml *y = yml_parse(text, size, &where, &e);
	const struct yml_note *notes;
	size_t count, i;
	char *out;

	if (!y) {
		must(e.text[0] && where.line > 0 && where.column > 0);
		return;
	}
	must(count_values(yml_value(y), 1) <= YML_NODES_MAX + 1);
	out = json_dumps(yml_value(y), JSON_ENCODE_ANY);
	must(out);
	free(out);
	notes = yml_notes(y, &count);
	for (i = 0; i < count; i++)
		must(notes[i].mark.line > 0 && notes[i].text[0]);
	check_marks(y, text);
	yml_free(&y);
}

/* The text as a template, and as the text of a typed value. */
static void
try_template(const char *text)
{
	static const char *const types[] = {
		"{\"type\": \"integer\"}", "{\"type\": [\"object\", \"null\"]}",
		"{\"type\": \"boolean\"}", "{}",
	};
	struct err e = { "" };
	struct template t;
	json_t *schema;
	size_t i;

	if (template_parse(&t, text, &e) == 0) {
		for (i = 0; i < t.count; i++)
			must(t.parts[i].text || (t.parts[i].scope &&
			    t.parts[i].name && t.parts[i].name[0]));
		template_release(&t);
	} else {
		must(e.text[0]);
	}
	for (i = 0; i < 4; i++) {
		schema = json_loads(types[i], 0, NULL);
		json_decref(config_cast(schema, text, &e));
		json_decref(schema);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	try_yaml(text, size);
	if (size >= 2 && memcmp(text, "{{", 2) == 0)
		try_template(text);
	free(text);
	return 0;
}
