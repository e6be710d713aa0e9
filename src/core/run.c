/*
 * `sensorhost run`: one sensor in the foreground, its instances on stdout,
 * logs and dead letters on stderr. A role of core; called by main.
 */
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "core/loop.h"
#include "core/roles.h"
#include "core/sensor/declared.h"
#include "core/settings.h"
#include "core/state/trigger.h"
#include "core/system/front.h"
#include "core/system/printer.h"
#include "core/system/service.h"
#include "pack/catalog.h"

/* How long a stop may go on printing what is durable already. */
#define LAST_LINES_US 2000000

static const struct command command = {
	.name = "run",
	.words = "pack.Sensor",
	.summary = "Runs one sensor in the foreground, also a disabled one: "
	    "each of its trigger\ninstances is a JSON line on stdout once it "
	    "is on disk; logs and dead letters\ngo to stderr. SIGHUP reloads "
	    "it, SIGTERM and SIGINT stop it in order.",
	.details = "The journal gets the instances of this sensor alone; "
	    "internal triggers (core.*)\nonly where the configuration names "
	    "them in emit_internal.\n\nexit codes: 0 done, 1 failed (the "
	    "sensor was rejected, or with --once it raised\nan error or a poll "
	    "failed), 2 usage\n",
	.min_words = 1,
	.max_words = 1,
};

/* What the command line says. */
struct run {
	struct settings settings;
	bool once;
	bool dry_run;
	bool verbose;
	uint64_t count;
	int64_t duration_us;
	struct opt_list parameters;
	const char *ref;
	struct event *timer;
	int code;
};

/* core.settled: the sensor has come to an end by itself. */
static void
on_settled(struct core *core, struct supervisor *s)
{
	struct run *run = core->role;

	if (supervisor_status(s) == STATUS_REJECTED || s->once_failed)
		run->code = 1;
	loop_stop(core, "the sensor has ended");
}

/* printer_closed_fn: stdout is closed, or all lines wanted are out. */
static void
on_printed(void *arg)
{
	loop_stop(arg, "nothing more is to be printed");
}

/* event_callback_fn: --for is over. */
static void
timer_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	loop_stop(arg, "the time of --for is over");
}

/* Adds what --trigger-parameters says; -1, or the exit code. */
static int
add_parameters(const struct run *run, struct supervisor *s)
{
	size_t i;

	for (i = 0; i < run->parameters.count; i++) {
		const char *text = run->parameters.items[i];
		json_error_t why;
		json_t *p = json_loads(text, JSON_REJECT_DUPLICATES, &why);
		const struct trigger_type *type;
		struct err e;

		if (!json_is_object(p)) {
			json_decref(p);
			return opts_usage(&command, "--trigger-parameters "
			    "'%s': a JSON object is wanted%s%s", text,
			    p ? "" : ": ", p ? "" : why.text);
		}
		type = trigger_type_for(supervisor_meta(s), p, &e);
		if (!type) {
			json_decref(p);
			fprintf(stderr, "sensorhost: --trigger-parameters "
			    "'%s': %s\n", text, e.text);
			return 1;
		}
		declared_add(s->fleet->declared, type->ref, p);
		json_decref(p);
	}
	return -1;
}

/*
 * A sensor all of whose types take parameters does nothing before somebody
 * gives some: says so.
 */
static void
say_idle(const struct supervisor *s)
{
	const struct sensor_meta *meta = supervisor_meta(s);
	json_t *given = json_array();
	size_t i;

	declared_put(s->fleet->declared, meta, given);
	for (i = 0; i < meta->trigger_count; i++)
		if (!meta->triggers[i]->parameters)
			break;
	if (i > 0 && i == meta->trigger_count && json_array_size(given) == 0)
		log_info("%s has no trigger to watch for: %s takes parameters "
		    "(%s:%d), give some with --trigger-parameters '{...}'",
		    meta->ref, meta->triggers[0]->ref,
		    meta->triggers[0]->file, meta->triggers[0]->line);
	json_decref(given);
}

/* Writes what is wrong with the sensor's own pack; not what comes last. */
static void
print_findings(const struct core *core, const char *ref,
    const char *last)
{
	const struct diags *d = catalog_diags(core->ctx.catalog);
	const struct sensor_meta *meta = catalog_sensor_by_ref(
	    core->ctx.catalog, ref);
	size_t i;

	for (i = 0; i < d->count; i++) {
		const struct diag *item = &d->items[i];
		char *text;

		if (meta && item->file && strncmp(item->file, meta->pack->dir,
		    strlen(meta->pack->dir)) != 0)
			continue;
		text = diag_print(item);
		if (!last || strcmp(text, last) != 0)
			fprintf(stderr, "sensorhost: %s\n", text);
		free(text);
	}
}

/* Finds the sensor and gets everything ready; -1, or the exit code. */
static int
prepare(struct core *core, struct run *run)
{
	struct sensor_meta *meta;
	struct supervisor *s;
	struct err e;
	int code;

	loop_read_catalog(core);
	meta = catalog_sensor_want(core->ctx.catalog, run->ref, &e);
	print_findings(core, run->ref, meta ? NULL : e.text);
	if (!meta) {
		fprintf(stderr, "sensorhost: %s\n", e.text);
		return 1;
	}
	s = fleet_add(&core->fleet, meta);
	code = add_parameters(run, s);
	if (code >= 0)
		return code;
	say_idle(s);
	core->printer = printer_new(core->ctx.base, core->ctx.store, s->number,
	    run->count, on_printed, core);
	if (run->duration_us > 0) {
		const struct timeval tv = {
		    .tv_sec = run->duration_us / 1000000,
		    .tv_usec = run->duration_us % 1000000};

		run->timer = event_new(core->ctx.base, -1, 0, timer_cb, core);
		must(run->timer && event_add(run->timer, &tv) == 0);
	}
	supervisor_start(s);
	core->ready = true;
	service_ready(core->service);
	return -1;
}

/* core.read_config */
static struct host_config *
read_config(struct core *core, struct diags *diags)
{
	const struct run *run = core->role;

	return settings_read(&run->settings, diags);
}

/* Runs to the end; returns the exit code. */
static int
run_core(struct run *run, struct host_config *config)
{
	struct core core = {.settled = on_settled,
	    .read_config = read_config, .role = run,
	    .ctx = {.config = config, .once = run->once,
	    .dry_run = run->dry_run, .verbose = run->verbose,
	    .shows = true}};
	struct err e;
	int code;

	if (loop_open(&core, &e) != 0 ||
	    (!run->dry_run && front_open(&core, &e) != 0)) {
		fprintf(stderr, "sensorhost: %s\n", e.text);
		loop_close(&core);
		return 1;
	}
	code = prepare(&core, run);
	if (code < 0) {
		loop_run(&core);
		if (!core.broken)
			printer_finish(core.printer, LAST_LINES_US);
		code = core.broken || printer_failed(core.printer) ? 1 :
		    run->code;
	}
	if (run->timer)
		event_free(run->timer);
	loop_close(&core);
	return code;
}

int
role_run(int argc, char **argv)
{
	struct run run = {.settings = {.own_triggers = true},
	    .count = UINT64_MAX};
	const struct opt opts[] = {
		SETTINGS_OPTS(run.settings),
		{OPT_FLAG, "once", 0, &run.once, NULL,
		    "one poll, or until run returns; an error exits 1"},
		{OPT_NUMBER, "count", 'n', &run.count, "N",
		    "stop after N trigger instances"},
		{OPT_DURATION, "for", 0, &run.duration_us, "DURATION",
		    "stop after a time, such as 10s"},
		{OPT_FLAG, "dry-run", 0, &run.dry_run, NULL,
		    "write nothing; show datastore changes on stderr"},
		{OPT_LIST, "trigger-parameters", 0, &run.parameters, "JSON",
		    "a parameterised trigger, as a rule makes; repeatable"},
		{OPT_FLAG, "verbose", 'v', &run.verbose, NULL,
		    "also log each unit of work and what ended it"},
		{.type = OPT_END},
	};
	struct host_config *config;
	struct opt_list words;
	int code = opts_parse(&command, opts, argc, argv, &words);

	if (code < 0 && run.count == 0)
		code = opts_usage(&command, "--count 0: at least 1 is wanted");
	if (code < 0) {
		run.ref = words.items[0];
		config = settings_load(&run.settings);
		if (run.verbose)
			log_set_level(LOG_DEBUG);
		code = config ? run_core(&run, config) : 1;
	}
	free(words.items);
	free(run.settings.packs.items);
	free(run.parameters.items);
	return code;
}
