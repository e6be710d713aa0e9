/*
 * `sensorhost check`: validates packs and loads every sensor in a worker,
 * runs nothing. A role of core; called by main. It must report every finding
 * and not just the first, and leave no trace in the data folder.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/lint.h"
#include "core/loop.h"
#include "core/roles.h"
#include "core/sensor/spec.h"
#include "core/settings.h"
#include "core/state/catalog_options.h"
#include "pack/check.h"
#include "store/registry.h"

#define PARALLEL 8u
#define LOAD_US INT64_C(10000000)

static const struct command command = {
	.name = "check",
	.words = "[PACK...]",
	.summary = "Validates packs (names or paths; none: all that are "
	    "found), loads every sensor, runs\nnothing, and reports all that "
	    "is wrong as file:line:column.",
	.details = "exit codes: 0 nothing is wrong (there may be warnings), "
	    "1 there are errors, 2 usage\n",
	.max_words = SIZE_MAX,
};

/* A check under way. */
struct check {
	struct core *core;
	struct settings settings;
	bool json;
	struct opt_list words;
	struct diags findings;
	size_t next;    /* sensor of the catalog */
	unsigned loads; /* under way */
	size_t loaded;
	size_t checked; /* sensors looked at */
};

static void start_loads(struct check *check);

/* A load came to its end: the next one. */
static void
end_load(struct child *c)
{
	struct check *check = c->owner;

	c->owner = NULL;
	child_unref(&c);
	check->loads--;
	start_loads(check);
}

/* child_ops.loaded: that is all that is wanted. */
static void
on_loaded(struct child *c)
{
	struct check *check = c->owner;

	check->loaded++;
	lint_take(&check->findings, c, check->words.count == 0);
	child_kill(c, "checked");
}

/*
 * Adds an error that Lua found. One that begins with the place in one of the
 * pack's files ("sensors/x.lua:12: ..." or "sensors/x.lua:12:3: ...") keeps
 * it.
 */
static void
add_error(struct check *check, const struct sensor_meta *meta,
    const char *text)
{
	size_t len = strcspn(text, ":"), ref = strlen(meta->ref);
	char *path = xstrndup(text, len);
	const struct lua_source *source = lint_source(meta, path);
	int line = 0, column = 0, end = 0;

	free(path);
	if (source && sscanf(text + len, ":%d:%d: %n", &line, &column,
	    &end) < 2) {
		column = 0;
		(void)sscanf(text + len, ":%d: %n", &line, &end);
	}
	if (end > 0) {
		diags_add(&check->findings, DIAG_ERROR, source->file, line,
		    column, "%s", text + len + end);
		return;
	}
	if (strncmp(text, meta->ref, ref) == 0 && text[ref] == ':')
		text += ref + strspn(text + ref, ": ");
	diags_add(&check->findings, DIAG_ERROR, meta->entry->file, 0, 0,
	    "%s: %s", meta->ref, text);
}

/* child_ops.reported: loading it failed. */
static void
on_reported(struct child *c)
{
	const char *text = json_string_value(json_object_get(c->details,
	    "error"));

	add_error(c->owner, c->meta, text ? text : "failed to load");
}

/* child_ops.gone. */
static void
on_gone(struct child *c)
{
	struct check *check = c->owner;
	char *how;

	if (!c->reported && c->state == CHILD_GONE &&
	    (!c->killed_for || strcmp(c->killed_for, "checked") != 0)) {
		how = child_obituary(c);
		diags_add(&check->findings, DIAG_ERROR, c->meta->entry->file,
		    0, 0, c->born_pid ? "%s: its worker %s while loading" :
		    "%s: %s", c->meta->ref, how);
		free(how);
	}
	end_load(c);
}

/* The rest of child_ops cannot come before START. */
static void
ignore(struct child *c)
{
	child_bad(c, "a message out of place");
}

/* child_ops.polled. */
static void
ignore_polled(struct child *c, const json_t *details)
{
	(void)details;
	ignore(c);
}

/* child_ops.setup_unit. */
static bool
ignore_unit(struct child *c, uint32_t id, const void *body, size_t len)
{
	(void)id;
	(void)body;
	(void)len;
	ignore(c);
	return true;
}

/* child_ops.cleanup_unit. */
static bool
ignore_cleanup(struct child *c)
{
	ignore(c);
	return true;
}

static const struct child_ops ops = {
	.loaded = on_loaded,
	.running = ignore,
	.polled = ignore_polled,
	.quiet = ignore,
	.setup_unit = ignore_unit,
	.cleanup_unit = ignore_cleanup,
	.reported = on_reported,
	.gone = on_gone,
};

/* Starts loads up to PARALLEL; stops core after the last one. */
static void
start_loads(struct check *check)
{
	struct core *core = check->core;

	while (check->loads < PARALLEL &&
	    check->next < catalog_sensor_count(core->ctx.catalog)) {
		struct sensor_meta *meta = catalog_sensor(core->ctx.catalog,
		    check->next++);
		struct spec_start start = {0};
		struct child *c;

		check->checked++;
		if (meta->rejected)
			continue;
		start.number = registry_sensor(core->ctx.store, meta->ref);
		c = pool_spawn(&core->pool, core->ctx.catalog, meta,
		    start.number, 1, spec_make(&core->ctx,
		    core->fleet.declared, meta, &start), &ops, check);
		child_set_deadline(c, LOAD_US, "took more than 10 s");
		check->loads++;
	}
	if (check->loads == 0)
		loop_stop(core, "checked");
}

/* Prints the findings; returns the exit code. */
static int
print_result(struct check *check)
{
	size_t i, errors, warnings = 0;
	json_t *out;

	diags_sort(&check->findings);
	errors = check->findings.errors;
	for (i = 0; i < check->findings.count; i++)
		warnings += check->findings.items[i].level == DIAG_WARNING;
	if (check->json) {
		out = json_pack("{so sI sI sI sI}", "findings",
		    diags_json(&check->findings), "errors",
		    (json_int_t)errors, "warnings", (json_int_t)warnings,
		    "sensors", (json_int_t)check->checked, "loaded",
		    (json_int_t)check->loaded);
		json_dumpf(out, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(out);
		return errors ? 1 : 0;
	}
	for (i = 0; i < check->findings.count; i++) {
		char *text = diag_print(&check->findings.items[i]);

		printf("%s\n", text);
		free(text);
	}
	printf("%zu sensor%s checked, %zu loaded: %zu error%s, %zu "
	    "warning%s\n", check->checked, check->checked == 1 ? "" : "s",
	    check->loaded, errors, errors == 1 ? "" : "s", warnings,
	    warnings == 1 ? "" : "s");
	return errors ? 1 : 0;
}

/* Reads and loads everything; returns the exit code. */
static int
check_core(struct check *check, struct host_config *config)
{
	struct core core = {.ctx = {.config = config, .dry_run = true,
	    .checking = true}};
	struct catalog_options options;
	struct err e;
	int code = 1;

	check->core = &core;
	if (loop_open(&core, &e) != 0) {
		fprintf(stderr, "sensorhost: %s\n", e.text);
		loop_close(&core);
		return 1;
	}
	catalog_options_fill(&options, &core.ctx);
	options.pack.lookup = NULL;
	core.ctx.catalog = check_read((char *const *)check->words.items,
	    check->words.count, &options, &e);
	if (core.ctx.catalog) {
		diags_append(&check->findings, catalog_diags(core.ctx.catalog));
		start_loads(check);
		loop_run(&core);
		code = print_result(check);
	} else {
		fprintf(stderr, "sensorhost: %s\n", e.text);
	}
	loop_close(&core);
	return code;
}

int
role_check(int argc, char **argv)
{
	struct check check = {0};
	const struct opt opts[] = {
		SETTINGS_OPTS(check.settings),
		{OPT_FLAG, "json", 0, &check.json, NULL,
		    "print the findings as JSON"},
		{.type = OPT_END},
	};
	struct host_config *config;
	int code = opts_parse(&command, opts, argc, argv, &check.words);

	if (code < 0) {
		config = settings_load(&check.settings);
		code = config ? check_core(&check, config) : 1;
	}
	diags_release(&check.findings);
	free(check.words.items);
	free(check.settings.packs.items);
	return code;
}
