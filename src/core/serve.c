/*
 * `sensorhost serve`: every enabled sensor of every pack. A role of core;
 * called by main. It chooses which sensors run here and says when they do.
 */
#include <event2/event.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/must.h"
#include "core/child/ends.h"
#include "core/loop.h"
#include "core/reload/reconfigure.h"
#include "core/roles.h"
#include "core/sensor/partition.h"
#include "core/sensor/switch.h"
#include "core/settings.h"
#include "core/system/front.h"
#include "core/system/service.h"
#include "http/server.h"
#include "pack/catalog.h"

#define SPREAD_MAX 10.0
#define POLL_INTERVAL 5.0

static const struct command command = {
	.name = "serve",
	.words = "",
	.summary = "Runs all enabled sensors of all packs until SIGTERM or "
	    "SIGINT; SIGHUP reloads them.\nPrints the addresses of its API and "
	    "\"ready\" on stderr once they run.",
	.details = "exit codes: 0 stopped in order, 1 failed, 2 usage\n",
};

/* What the command line says. */
struct serve {
	struct settings settings;
	struct opt_list only;
	struct opt_list except;
	struct opt_list listen;
	bool no_auth;
	bool print;
	bool verbose;
	bool ready;
	struct event *look; /* until all have started */
};

/* True if a glob of the list matches. */
static bool
matches(const struct opt_list *globs, const char *ref)
{
	size_t i;

	for (i = 0; i < globs->count; i++)
		if (fnmatch(globs->items[i], ref, 0) == 0)
			return true;
	return false;
}

/*
 * core.wants: enabled, by the operator's word before the metadata's; while
 * that cannot be read nothing is started and nothing is stopped.
 */
static bool
wants(struct core *core, const struct sensor_meta *meta)
{
	const struct serve *serve = core->role;
	const struct supervisor *s;
	enum switch_known known;

	if ((serve->only.count > 0 && !matches(&serve->only, meta->ref)) ||
	    matches(&serve->except, meta->ref))
		return false;
	if (!partition_owns(core->partition, meta->ref))
		return false;
	known = switch_look(&core->ctx, meta, NULL);
	s = fleet_find(&core->fleet, meta->ref);
	return known == SWITCH_ON || (known == SWITCH_UNKNOWN && s &&
	    !supervisor_settled(s));
}

/* Spreads first polls by hash(ref) over the interval, at most 10 s. */
static double
first_delay(const struct sensor_meta *meta)
{
	double span = meta->poll_interval > 0 ? meta->poll_interval :
	    POLL_INTERVAL;
	uint8_t digest[DIGEST_BYTES];
	struct digest_state d;
	uint32_t hash;

	digest_init(&d);
	digest_str(&d, meta->ref);
	digest_final(&d, digest);
	memcpy(&hash, digest, sizeof(hash));
	return (span < SPREAD_MAX ? span : SPREAD_MAX) * hash / 4294967296.0;
}

/* True once no sensor is in its first start any more. */
static bool
all_started(const struct core *core, size_t *running)
{
	struct supervisor *s;

	*running = 0;
	TAILQ_FOREACH(s, &core->fleet.all, link) {
		if (supervisor_status(s) == STATUS_STARTING)
			return false;
		*running += supervisor_status(s) == STATUS_RUNNING;
	}
	return true;
}

/* event_callback_fn: are all of them up? */
static void
look_cb(evutil_socket_t fd, short events, void *arg)
{
	struct core *core = arg;
	struct serve *serve = core->role;
	size_t running;

	(void)fd;
	(void)events;
	if (serve->ready || core->fleet.stopping ||
	    !all_started(core, &running))
		return;
	serve->ready = core->ready = true;
	service_ready(core->service);
	event_del(serve->look);
	front_print(core, stderr);
	fprintf(stderr, "ready: %zu sensor%s\n", running,
	    running == 1 ? "" : "s");
}

/* Adds and starts every sensor that is wanted here. */
static void
start_all(struct core *core)
{
	const struct timeval often = {.tv_usec = 20000};
	struct serve *serve = core->role;
	size_t i;

	for (i = 0; i < catalog_sensor_count(core->ctx.catalog); i++) {
		struct sensor_meta *meta = catalog_sensor(core->ctx.catalog, i);
		struct supervisor *s;

		if (meta->rejected || !core->wants(core, meta))
			continue;
		s = fleet_add(&core->fleet, meta);
		s->first_delay = first_delay(meta);
		supervisor_start(s);
	}
	ends_check(fleet_active(&core->fleet));
	store_rest(core->ctx.store);
	serve->look = event_new(core->ctx.base, -1, EV_PERSIST, look_cb,
	    core);
	must(serve->look && event_add(serve->look, &often) == 0);
}

/* Puts --listen and --no-auth on top of the configuration. */
static void
override(const struct serve *serve, struct host_config *config)
{
	size_t i;

	if (serve->listen.count > 0)
		host_list_clear(&config->api_listen);
	for (i = 0; i < serve->listen.count; i++)
		host_list_add(&config->api_listen, serve->listen.items[i]);
	if (serve->no_auth)
		config->api_auth = false;
}

/* The log goes where the configuration says; -1 after saying why not. */
static int
open_log(const struct host_config *config)
{
	struct err e;

	if (!config->log_file || log_open(config->log_file, &e) == 0)
		return 0;
	fprintf(stderr, "sensorhost: log.file: %s\n", e.text);
	return -1;
}

/* core.read_config */
static struct host_config *
read_config(struct core *core, struct diags *diags)
{
	const struct serve *serve = core->role;
	struct host_config *config = settings_read(&serve->settings, diags);

	if (config)
		override(serve, config);
	return config;
}

/* Serves to the end; returns the exit code. */
static int
serve_core(struct serve *serve, struct host_config *config)
{
	struct core core = {.wants = wants, .read_config = read_config,
	    .role = serve, .ctx = {.config = config,
	    .verbose = serve->verbose}};
	struct err e;
	int code = 1;

	override(serve, config);
	if (open_log(config) != 0) {
		host_config_free(&config);
		return 1;
	}
	if (loop_open(&core, &e) == 0 && front_open(&core, &e) == 0 &&
	    reconfigure_partition(&core, &e) == 0) {
		loop_read_catalog(&core);
		findings_log(catalog_diags(core.ctx.catalog), "");
		start_all(&core);
		loop_run(&core);
		code = core.broken ? 1 : 0;
	} else {
		fprintf(stderr, "sensorhost: %s\n", e.text);
	}
	if (serve->look)
		event_free(serve->look);
	loop_close(&core);
	return code;
}

/* Prints the configuration with the command line on top; the exit code. */
static int
print_config(const struct serve *serve, struct host_config *config)
{
	char *here = realpath(".", NULL);
	struct buf out = {0};

	override(serve, config);
	/* What is printed may be read as a file in any folder. */
	if (here)
		host_config_anchor(config, here);
	free(here);
	host_config_print(config, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	host_config_free(&config);
	return 0;
}

/* -1, or the exit code after saying which --listen is no address. */
static int
check_addresses(const struct serve *serve)
{
	struct err e;
	bool loopback;
	size_t i;

	for (i = 0; i < serve->listen.count; i++)
		if (http_address_is_loopback(serve->listen.items[i],
		    &loopback, &e) != 0)
			return opts_usage(&command, "--listen %s", e.text);
	return -1;
}

int
role_serve(int argc, char **argv)
{
	struct serve serve = {0};
	const struct opt opts[] = {
		SETTINGS_OPTS(serve.settings),
		{OPT_LIST, "only", 0, &serve.only, "GLOB",
		    "only sensors whose ref matches; repeatable"},
		{OPT_LIST, "except", 0, &serve.except, "GLOB",
		    "no sensor whose ref matches; repeatable"},
		{OPT_LIST, "listen", 0, &serve.listen, "ADDR:PORT",
		    "serve the API there too; repeatable, replaces "
		    "api.listen"},
		{OPT_FLAG, "no-auth", 0, &serve.no_auth, NULL,
		    "api.auth: false; for loopback addresses only"},
		{OPT_FLAG, "print-config", 0, &serve.print, NULL,
		    "print the configuration in force, with help, and end"},
		{OPT_FLAG, "verbose", 'v', &serve.verbose, NULL,
		    "also log each unit of work and what ended it"},
		{.type = OPT_END},
	};
	struct host_config *config;
	struct opt_list words;
	int code = opts_parse(&command, opts, argc, argv, &words);

	if (code < 0)
		code = check_addresses(&serve);
	if (code < 0) {
		config = settings_load(&serve.settings);
		if (serve.verbose)
			log_set_level(LOG_DEBUG);
		code = !config ? 1 : serve.print ?
		    print_config(&serve, config) :
		    serve_core(&serve, config);
	}
	free(words.items);
	free(serve.settings.packs.items);
	free(serve.only.items);
	free(serve.listen.items);
	free(serve.except.items);
	return code;
}
