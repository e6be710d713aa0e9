/*
 * Values of host options: from YAML into the struct, and back into text.
 * What type an option has decides everything here, its name nothing.
 */
#include "pack/host_option.h"

#include <stdlib.h>
#include <string.h>

#include "base/js.h"
#include "base/nearest.h"
#include "base/units.h"
#include "base/xalloc.h"

/* The field of an option. */
static void *
field(const struct host_config *c, const struct host_option *o)
{
	return (char *)(uintptr_t)c + o->offset;
}

void
host_list_add(struct host_list *l, const char *item)
{
	l->items = xreallocarray(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = xstrdup(item);
}

void
host_list_clear(struct host_list *l)
{
	while (l->count > 0)
		free(l->items[--l->count]);
	free(l->items);
	l->items = NULL;
}

/* How many bytes the option's member has. */
static size_t
size_of(enum host_type type)
{
	switch (type) {
	case HOST_BOOL:
	case HOST_WORD:
		return sizeof(bool);
	case HOST_MODE:
		return sizeof(unsigned);
	case HOST_INTEGER:
	case HOST_SIZE:
	case HOST_DURATION:
		return sizeof(int64_t);
	case HOST_TEXTS:
	case HOST_PATHS:
		return sizeof(struct host_list);
	default:
		return sizeof(void *);
	}
}

void
host_option_swap(struct host_config *a, struct host_config *b,
    const struct host_option *o)
{
	char kept[sizeof(struct host_list)];
	size_t n = size_of(o->type);

	memcpy(kept, field(a, o), n);
	memcpy(field(a, o), field(b, o), n);
	memcpy(field(b, o), kept, n);
}

void
host_option_release(struct host_config *c, const struct host_option *o)
{
	void *at = field(c, o);

	switch (o->type) {
	case HOST_TEXT:
	case HOST_PATH:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case HOST_TEXTS:
	case HOST_PATHS:
		host_list_clear(at);
		break;
	case HOST_JSON:
		json_decref(*(json_t **)at);
		*(json_t **)at = NULL;
		break;
	default:
		break;
	}
}

/* Fails with what the value is and what it must be. */
static int
wrong_type(const json_t *value, const char *wanted, struct err *e)
{
	char text[SHAPE_TEXT];

	return err_set(e, "is %s; it must be %s",
	    shape_describe(value, text), wanted);
}

/* Fails unless the number is in the option's range, said in its units. */
static int
check_range(const struct host_option *o, double n, struct err *e)
{
	char low[UNITS_TEXT], high[UNITS_TEXT];

	if (n >= o->min && n <= o->max)
		return 0;
	if (o->type == HOST_SIZE) {
		units_size_print((uint64_t)o->min, low);
		units_size_print((uint64_t)o->max, high);
	} else if (o->type == HOST_DURATION) {
		units_duration_print((int64_t)o->min, low);
		units_duration_print((int64_t)o->max, high);
	} else {
		return err_set(e, "is %.0f; it must be from %.0f to %.0f", n,
		    o->min, o->max);
	}
	return err_set(e, "is out of range; it must be from %s to %s", low,
	    high);
}

/* Fails unless the text is one of the choices. */
static int
check_choice(const struct host_option *o, const char *text, struct err *e)
{
	struct buf list = { 0 };
	const char *near;
	size_t i;

	for (i = 0; o->choices && o->choices[i]; i++) {
		if (strcmp(o->choices[i], text) == 0) {
			buf_release(&list);
			return 0;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", o->choices[i]);
	}
	if (!o->choices)
		return 0;
	near = nearest(text, o->choices, i);
	err_set(e, "is \"%.60s\"; it must be one of %s%s%s%s", text,
	    buf_cstr(&list), near ? " (did you mean \"" : "",
	    near ? near : "", near ? "\"?)" : "");
	buf_release(&list);
	return -1;
}

/* A path as it counts: from the folder where it is relative. */
static char *
path_from(const char *folder, const char *path)
{
	if (path[0] == '/' || !folder)
		return xstrdup(path);
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	return xasprintf("%s/%s", folder, path);
}

/* Sets a size or a duration, given as a number or with a unit. */
static int
set_quantity(void *at, const struct host_option *o, const json_t *value,
    struct err *e)
{
	const char *text = json_string_value(value);
	bool is_size = o->type == HOST_SIZE;
	uint64_t bytes = 0;
	int64_t us = 0;
	int rc;

	if (text)
		rc = is_size ? units_size_parse(text, &bytes, e) :
		    units_duration_parse(text, &us, e);
	else if (is_size && json_is_integer(value) &&
	    json_integer_value(value) >= 0)
		rc = (bytes = (uint64_t)json_integer_value(value), 0);
	else if (!is_size && json_is_number(value))
		rc = units_seconds_us(json_number_value(value), &us);
	else
		rc = -2;
	if (rc == -1 && text)
		return err_prefix(e, "is wrong");
	if (rc < 0)
		return wrong_type(value, is_size ? "a size such as 64M" :
		    "a duration such as 10s", e);
	if (check_range(o, is_size ? (double)bytes : (double)us, e) < 0)
		return -1;
	if (is_size)
		*(uint64_t *)at = bytes;
	else
		*(int64_t *)at = us;
	return 0;
}

/* Sets permissions: "0600", or the number that YAML makes of 0600. */
static int
set_mode(unsigned *at, const struct host_option *o, const json_t *value,
    struct err *e)
{
	const char *text = json_string_value(value);
	unsigned long mode = 07777777;

	if (text && *text && strlen(text) <= 5 &&
	    text[strspn(text, "01234567")] == '\0')
		mode = strtoul(text, NULL, 8);
	else if (json_is_integer(value) && json_integer_value(value) >= 0)
		mode = (unsigned long)json_integer_value(value);
	if (mode > (unsigned long)o->max)
		return wrong_type(value, "permissions such as \"0600\"", e);
	*at = (unsigned)mode;
	return 0;
}

/* Sets a text or a path. */
static int
set_text(char **at, const struct host_option *o, const json_t *value,
    const char *folder, struct err *e)
{
	const char *text = json_string_value(value);

	if (json_is_null(value) && strcmp(o->initial, "null") == 0) {
		*at = NULL;
		return 0;
	}
	if (!text || !*text)
		return wrong_type(value, "a text", e);
	if (check_choice(o, text, e) < 0)
		return -1;
	*at = o->type == HOST_PATH ? path_from(folder, text) : xstrdup(text);
	return 0;
}

/* Sets a list of texts or paths. */
static int
set_texts(struct host_list *at, const struct host_option *o,
    const json_t *value, const char *folder, struct err *e)
{
	const json_t *item;
	const char *text;
	char *path;
	size_t i;

	if (!json_is_array(value))
		return wrong_type(value, "a list", e);
	json_array_foreach(value, i, item) {
		text = json_string_value(item);
		if (!text || !*text)
			return wrong_type(item, "a list of texts", e);
		if (check_choice(o, text, e) < 0)
			return -1;
		path = o->type == HOST_PATHS ? path_from(folder, text) :
		    xstrdup(text);
		host_list_add(at, path);
		free(path);
	}
	return 0;
}

/* Sets an integer. */
static int
set_integer(int64_t *at, const struct host_option *o, const json_t *value,
    struct err *e)
{
	if (!json_is_integer(value))
		return wrong_type(value, "an integer", e);
	*at = json_integer_value(value);
	return check_range(o, (double)*at, e);
}

/* Sets the bool behind two words. */
static int
set_word(bool *at, const struct host_option *o, const json_t *value,
    struct err *e)
{
	const char *text = json_string_value(value);

	if (!text)
		return wrong_type(value, "a text", e);
	if (check_choice(o, text, e) < 0)
		return -1;
	*at = strcmp(text, o->choices[1]) == 0;
	return 0;
}

int
host_option_set(struct host_config *c, const struct host_option *o,
    const json_t *value, const char *folder, struct err *e)
{
	void *at = field(c, o);

	host_option_release(c, o);
	switch (o->type) {
	case HOST_BOOL:
		if (!json_is_boolean(value))
			return wrong_type(value, "true or false", e);
		*(bool *)at = json_is_true(value);
		return 0;
	case HOST_INTEGER:
		return set_integer(at, o, value, e);
	case HOST_SIZE:
	case HOST_DURATION:
		return set_quantity(at, o, value, e);
	case HOST_MODE:
		return set_mode(at, o, value, e);
	case HOST_WORD:
		return set_word(at, o, value, e);
	case HOST_TEXT:
	case HOST_PATH:
		return set_text(at, o, value, folder, e);
	case HOST_TEXTS:
	case HOST_PATHS:
		return set_texts(at, o, value, folder, e);
	case HOST_JSON:
		break;
	}
	if (json_is_array(value) != (o->initial[0] == '[') ||
	    json_is_object(value) != (o->initial[0] == '{'))
		return wrong_type(value, o->initial[0] == '[' ? "a list" :
		    "a mapping", e);
	*(json_t **)at = json_deep_copy(value);
	return 0;
}

void
host_option_anchor(struct host_config *c, const struct host_option *o,
    const char *folder)
{
	void *at = field(c, o);
	struct host_list *list = at;
	char **one = o->type == HOST_PATH ? at : list->items;
	size_t n = o->type == HOST_PATH ? 1 : list->count, i;
	char *path;

	for (i = 0; i < n; i++) {
		if (!one[i])
			continue;
		path = path_from(folder, one[i]);
		free(one[i]);
		one[i] = path;
	}
}

/* A text as YAML takes it back: quoted as in JSON; null for none. */
static void
print_text(struct buf *out, const char *text)
{
	if (text)
		js_put_string_lossy(out, text, strlen(text));
	else
		buf_puts(out, "null");
}

/* A list on one line. */
static void
print_texts(struct buf *out, const struct host_list *list)
{
	size_t i;

	buf_putc(out, '[');
	for (i = 0; i < list->count; i++) {
		if (i)
			buf_puts(out, ", ");
		print_text(out, list->items[i]);
	}
	buf_putc(out, ']');
}

void
host_option_print(const struct host_config *c, const struct host_option *o,
    struct buf *out)
{
	const void *at = field(c, o);
	char text[UNITS_TEXT];

	switch (o->type) {
	case HOST_BOOL:
		buf_puts(out, *(const bool *)at ? "true" : "false");
		break;
	case HOST_WORD:
		buf_puts(out, o->choices[*(const bool *)at]);
		break;
	case HOST_INTEGER:
		js_put_int64(out, *(const int64_t *)at);
		break;
	case HOST_SIZE:
		buf_puts(out, units_size_print(*(const uint64_t *)at, text));
		break;
	case HOST_DURATION:
		buf_puts(out, units_duration_print(*(const int64_t *)at,
		    text));
		break;
	case HOST_MODE:
		buf_printf(out, "\"%04o\"", *(const unsigned *)at);
		break;
	case HOST_TEXT:
	case HOST_PATH:
		print_text(out, *(char *const *)at);
		break;
	case HOST_TEXTS:
	case HOST_PATHS:
		print_texts(out, at);
		break;
	case HOST_JSON:
		js_put_json(out, *(json_t *const *)at, true);
		break;
	}
}
