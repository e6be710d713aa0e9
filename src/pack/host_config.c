/*
 * sensorhost.yaml: read against the table of host_option.c, printed back
 * from it. Called once at start, at each reload, and by the command line.
 */
#include "pack/host_config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "base/nearest.h"
#include "base/xalloc.h"
#include "pack/host_option.h"

#define SYSTEM_FILE "/etc/sensorhost/sensorhost.yaml"
#define SYSTEM_DATA "/var/lib/sensorhost"
#define SYSTEM_KEY "/etc/sensorhost/key"
#define NAMES_MAX 128

/* Sets an option to its default. */
static void
set_initial(struct host_config *c, const struct host_option *o)
{
	struct yml_mark where;
	struct err e;
	struct yml *y = yml_parse(o->initial, strlen(o->initial), &where, &e);

	must(y);
	must(host_option_set(c, o, yml_value(y), NULL, &e) == 0);
	yml_free(&y);
}

/* The names that may stand below a group ("" is the top), each once. */
static size_t
names_below(const char *group, const char *names[NAMES_MAX], char **memory)
{
	const struct host_option *o;
	size_t n = strlen(group), count = 0, i;
	struct buf all = { 0 };
	char *name;

	for (o = host_options; o->name; o++) {
		if (n && (strncmp(o->name, group, n) != 0 ||
		    o->name[n] != '.'))
			continue;
		buf_puts(&all, o->name + n + (n > 0));
		all.len -= strlen(o->name + n + (n > 0)) -
		    strcspn(o->name + n + (n > 0), ".");
		buf_putc(&all, '\0');
	}
	*memory = (char *)all.data;
	for (name = *memory; name < *memory + all.len;
	    name += strlen(name) + 1) {
		for (i = 0; i < count; i++)
			if (strcmp(names[i], name) == 0)
				break;
		if (i == count && count < NAMES_MAX)
			names[count++] = name;
	}
	return count;
}

/* Reports a key that no option has. */
static void
unknown_key(struct doc *d, const char *pointer, const char *group,
    const char *name)
{
	const char *names[NAMES_MAX], *near;
	char *memory;
	size_t count = names_below(group, names, &memory);

	near = nearest(name, names, count);
	doc_key_error(d, pointer, "unknown key \"%.80s\"%s%s%s%s%s", name,
	    *group ? " in " : "", group, near ? "; did you mean \"" : "",
	    near ? near : "", near ? "\"?" : "");
	free(memory);
}

/* True if some option's name begins with "group.". */
static bool
is_group(const char *group)
{
	const struct host_option *o;
	size_t n = strlen(group);

	for (o = host_options; o->name; o++)
		if (strncmp(o->name, group, n) == 0 && o->name[n] == '.')
			return true;
	return false;
}

/* Notes where each of `triggers` stands: what is wrong shows later. */
static void
note_places(struct host_config *c, const struct doc *d, const char *pointer)
{
	size_t i, count = json_array_size(c->triggers);
	char *at;

	free(c->trigger_places);
	c->trigger_places = xcalloc(2 * count + 2,
	    sizeof(*c->trigger_places));
	for (i = 0; i < count; i++) {
		at = pointer_item(pointer, i);
		c->trigger_places[2 * i] = yml_mark(d->yml, at).line;
		c->trigger_places[2 * i + 1] = yml_mark(d->yml, at).column;
		free(at);
	}
}

/* Sets one option from the file. */
static void
take_option(struct host_config *c, struct doc *d, const char *pointer,
    const struct host_option *o, json_t *value, const char *folder)
{
	struct err e;

	if (host_option_set(c, o, value, folder, &e) < 0)
		doc_error(d, pointer, "\"%s\" %s", o->name, e.text);
	else if (o->check)
		o->check(d, pointer, value);
	if (strcmp(o->name, "triggers") == 0)
		note_places(c, d, pointer);
}

/* Sets the options that stand in a mapping of the file. */
static void
take_group(struct host_config *c, struct doc *d, const char *pointer,
    const char *group, json_t *value, const char *folder)
{
	const struct host_option *o;
	char *at, *full, text[SHAPE_TEXT];
	const char *name;
	json_t *part;

	if (!json_is_object(value)) {
		doc_error(d, pointer, "%s%s%s must be a mapping, this is %s",
		    *group ? "\"" : "", *group ? group : "the configuration",
		    *group ? "\"" : "", shape_describe(value, text));
		return;
	}
	json_object_foreach(value, name, part) {
		at = pointer_member(pointer, name);
		full = *group ? xasprintf("%s.%s", group, name) :
		    xstrdup(name);
		o = strchr(name, '.') ? NULL : host_option_find(full);
		if (o)
			take_option(c, d, at, o, part, folder);
		else if (!strchr(name, '.') && is_group(full))
			take_group(c, d, at, full, part, folder);
		else
			unknown_key(d, at, group, name);
		free(full);
		free(at);
	}
}

/* The folder of a file, absolute where it can be. */
static char *
folder_of(const char *file)
{
	char *real = realpath(file, NULL), *slash;

	if (!real)
		return NULL;
	slash = strrchr(real, '/');
	*(slash == real ? slash + 1 : slash) = '\0';
	return real;
}

/* Reads the file into c, which holds the defaults. */
static void
take_file(struct host_config *c, const char *file, bool must_be,
    struct diags *diags)
{
	struct doc d;
	char *folder = folder_of(file);
	int rc = doc_open(&d, file, diags);

	if (rc == 1 && must_be)
		diags_add(diags, DIAG_ERROR, file, 0, 0,
		    "there is no such file");
	if (rc == 0) {
		c->file = xstrdup(file);
		if (!yml_is_empty(d.yml))
			take_group(c, &d, "", "", doc_value(&d), folder);
		c->emit_internal_given = json_object_get(doc_value(&d),
		    "emit_internal") != NULL;
	}
	doc_close(&d);
	free(folder);
}

/* Where the data lie unless it is said. */
static char *
default_data_dir(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup(SYSTEM_DATA);
	if (state && state[0] == '/')
		return xasprintf("%s/sensorhost", state);
	if (home && home[0] == '/')
		return xasprintf("%s/.local/state/sensorhost", home);
	return xstrdup("./sensorhost-data");
}

/* Where the key lies unless it is said. */
static char *
default_key_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup(SYSTEM_KEY);
	if (config && config[0] == '/')
		return xasprintf("%s/sensorhost/key", config);
	if (home && home[0] == '/')
		return xasprintf("%s/.config/sensorhost/key", home);
	return NULL;
}

/* The folder configs beside the file, or here without one, if it is there. */
static char *
default_configs_dir(const struct host_config *c)
{
	char *folder = c->file ? folder_of(c->file) : NULL, *dir;
	struct stat st;

	dir = xasprintf("%s%sconfigs", folder ? folder : "",
	    folder ? "/" : "");
	free(folder);
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return dir;
	free(dir);
	return NULL;
}

/* ./packs if it is there, then the installed packs, once if they are one. */
static void
default_packs_path(struct host_config *c, const char *installed)
{
	struct stat here, there;
	bool local = stat("packs", &here) == 0 && S_ISDIR(here.st_mode);

	if (local)
		host_list_add(&c->packs_path, "packs");
	if (!installed || stat(installed, &there) < 0)
		return;
	if (!local || here.st_dev != there.st_dev ||
	    here.st_ino != there.st_ino)
		host_list_add(&c->packs_path, installed);
}

struct host_config *
host_config_load(const char *file, const char *installed_packs,
    struct diags *diags)
{
	struct host_config *c = xcalloc(1, sizeof(*c));
	size_t errors = diags->errors;
	const struct host_option *o;

	for (o = host_options; o->name; o++)
		set_initial(c, o);
	take_file(c, file ? file : SYSTEM_FILE, file != NULL, diags);
	if (diags->errors > errors) {
		host_config_free(&c);
		return NULL;
	}
	if (!c->data_dir)
		c->data_dir = default_data_dir();
	if (!c->key_file)
		c->key_file = default_key_file();
	if (!c->configs_dir)
		c->configs_dir = default_configs_dir(c);
	if (c->packs_path.count == 0)
		default_packs_path(c, installed_packs);
	return c;
}

void
host_config_free(struct host_config **cp)
{
	struct host_config *c = *cp;
	const struct host_option *o;

	*cp = NULL;
	if (!c)
		return;
	for (o = host_options; o->name; o++)
		host_option_release(c, o);
	free(c->trigger_places);
	free(c->file);
	free(c);
}

/* A word of the command line as the value of an option; NULL with e. */
static json_t *
word_value(const struct host_option *o, const char *text, struct err *e)
{
	struct yml_mark where;
	struct yml *y;
	json_t *value;

	if (o->type == HOST_TEXTS || o->type == HOST_PATHS)
		return json_pack("[s]", text);
	if (o->type != HOST_BOOL && o->type != HOST_INTEGER &&
	    o->type != HOST_JSON)
		return json_string(text);
	y = yml_parse(text, strlen(text), &where, e);
	value = y ? json_incref(yml_value(y)) : NULL;
	yml_free(&y);
	return value;
}

int
host_config_set(struct host_config *c, const char *option, const char *text,
    struct err *e)
{
	const struct host_option *o = host_option_find(option);
	const char *names[NAMES_MAX], *near;
	size_t count = 0;
	json_t *value;
	int rc;

	if (!o) {
		for (o = host_options; o->name && count < NAMES_MAX; o++)
			names[count++] = o->name;
		near = nearest(option, names, count);
		return err_set(e, "no option \"%.80s\"%s%s%s", option,
		    near ? "; did you mean \"" : "", near ? near : "",
		    near ? "\"?" : "");
	}
	value = word_value(o, text, e);
	rc = value ? host_option_set(c, o, value, NULL, e) : -1;
	json_decref(value);
	return rc < 0 ? err_prefix(e, "\"%s\"", option) : 0;
}

/* Opens the groups of a name that are not open yet; returns the depth. */
static int
print_groups(struct buf *out, const char *name, const char *before)
{
	size_t from = 0, n;
	int depth = 0;

	while (name[from + (n = strcspn(name + from, "."))] == '.') {
		n++;
		if (strncmp(name, before, from + n) != 0)
			buf_printf(out, "%*s%.*s:\n", depth * 2, "",
			    (int)(n - 1), name + from);
		from += n;
		depth++;
	}
	return depth;
}

void
host_config_anchor(struct host_config *c, const char *folder)
{
	const struct host_option *o;

	for (o = host_options; o->name; o++)
		if (o->type == HOST_PATH || o->type == HOST_PATHS)
			host_option_anchor(c, o, folder);
}

void
host_config_print(const struct host_config *c, struct buf *out)
{
	const struct host_option *o;
	const char *before = "", *dot;
	int depth;

	for (o = host_options; o->name; o++) {
		depth = print_groups(out, o->name, before);
		dot = strrchr(o->name, '.');
		buf_printf(out, "%*s# %s%s\n", depth * 2, "", o->help,
		    o->reloadable ? "" : " (needs a restart)");
		buf_printf(out, "%*s%s: ", depth * 2, "",
		    dot ? dot + 1 : o->name);
		host_option_print(c, o, out);
		buf_putc(out, '\n');
		before = o->name;
	}
}

void
host_config_swap(struct host_config *a, struct host_config *b,
    const char *option)
{
	const struct host_option *o = host_option_find(option);

	must(o);
	host_option_swap(a, b, o);
}

void
host_config_compare(const struct host_config *old,
    const struct host_config *new, host_config_changed_fn *changed, void *arg)
{
	const struct host_option *o;
	struct buf a = { 0 }, b = { 0 };

	for (o = host_options; o->name; o++) {
		a.len = b.len = 0;
		host_option_print(old, o, &a);
		host_option_print(new, o, &b);
		if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
			changed(arg, o->name, o->reloadable);
	}
	buf_release(&a);
	buf_release(&b);
}
