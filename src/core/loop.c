/*
 * The supervisor process: its start, its loop, its signals, its end. Owns
 * everything that struct core holds, and passes on what its parts tell.
 * Called by the roles (run, serve, check). It must never block but in its
 * loop and in the commit at the end of a turn.
 */
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "core/child/life.h"
#include "core/reload/reload.h"
#include "core/sensor/declared.h"
#include "core/sensor/partition.h"
#include "core/state/catalog_options.h"
#include "core/state/keys.h"
#include "core/state/upkeep.h"
#include "core/system/activation.h"
#include "core/system/printer.h"
#include "core/system/service.h"
#include "core/system/signals.h"
#include "http/server.h"
#include "pack/catalog.h"

#define KEPT_BYTES (4 * 1024 * 1024)

/* event_callback_fn: a signal. */
static void
signal_cb(evutil_socket_t fd, short events, void *arg)
{
	struct core *core = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			pool_child_exited(&core->pool);
		else if (info.ssi_signo == SIGHUP)
			reload_request(core->reload);
		else if (info.ssi_signo == SIGUSR1)
			log_reopen();
		else
			loop_stop(core, "shutdown");
	}
}

/* event_callback_fn: once a second. */
static void
upkeep_cb(evutil_socket_t fd, short events, void *arg)
{
	struct core *core = arg;

	(void)fd;
	(void)events;
	turn_check(&core->ctx.turn);
	upkeep_run(&core->upkeep);
	listening_sweep(&core->pool.listening, fleet_has_asked,
	    &core->fleet);
}

/* turn_broken_fn. */
static void
on_broken(void *arg, const char *why)
{
	struct core *core = arg;

	if (core->broken)
		return;
	log_at(LOG_CRITICAL, NULL, "%s; nothing more is acknowledged", why);
	core->broken = core->done = true;
}

/* store_failed_fn: whoever asked was told; who runs the host is told here. */
static void
on_unread(void *arg, const char *why)
{
	(void)arg;
	log_error("the store cannot be read: %s; `sensorhost journal verify` "
	    "tells what else cannot", why);
}

/* turn_room_fn. */
static void
on_room(void *arg, const char *why)
{
	struct core *core = arg;

	free(core->ctx.short_of_room);
	core->ctx.short_of_room = why ? xstrdup(why) : NULL;
	if (why)
		log_error("%s; sensors wait, nothing is lost", why);
	else
		log_info("there is room again; sensors go on");
}

/* fleet_ops.changed */
static void
on_changed(void *arg, struct supervisor *s)
{
	const struct core *core = arg;

	reload_watch(core->reload, s);
}

/* fleet_ops.settled */
static void
on_settled(void *arg, struct supervisor *s)
{
	struct core *core = arg;

	listening_settled(&core->pool.listening, supervisor_meta(s)->ref);
	if (core->settled)
		core->settled(core, s);
}

/* fleet_ops.refused */
static void
on_refused(void *arg, struct supervisor *s, const char *why)
{
	const struct core *core = arg;

	reload_refused(core->reload, s, why);
}

static const struct fleet_ops fleet_ops = {
	.changed = on_changed,
	.settled = on_settled,
	.refused = on_refused,
};

/* Opens the store and reads the key. */
static int
open_store(struct context *ctx, struct err *e)
{
	const struct host_config *h = ctx->config;
	const struct store_options options = {.dry_run = ctx->dry_run,
	    .blank = ctx->checking};
	struct store_notice notice = {0};
	struct err why;

	if (store_open(&ctx->store, h->data_dir, &options, &notice, e) != 0)
		return -1;
	store_on_failed(ctx->store, on_unread, NULL);
	if (*notice.text)
		log_warning("%s", notice.text);
	if (h->key_file && access(h->key_file, F_OK) != 0)
		ctx->no_key = xasprintf("\"%s\" is not there; make it with "
		    "`sensorhost key generate`, or name another file as "
		    "key_file", h->key_file);
	else if (h->key_file &&
	    seal_key_load(&ctx->key, h->key_file, &why) != 0)
		ctx->no_key = xstrdup(why.text);
	return 0;
}

/* Adds the loop's own events. */
static void
add_events(struct core *core)
{
	const struct timeval second = {.tv_sec = 1};

	core->signal_fd = signals_open();
	core->signals = event_new(core->ctx.base, core->signal_fd,
	    EV_READ | EV_PERSIST, signal_cb, core);
	core->maintenance = event_new(core->ctx.base, -1, EV_PERSIST,
	    upkeep_cb, core);
	must(core->signals && event_add(core->signals, NULL) == 0);
	must(core->maintenance &&
	    event_add(core->maintenance, &second) == 0);
	watchdog_init(&core->watchdog, &core->pool);
}

int
loop_open(struct core *core, struct err *e)
{
	struct event_config *config = event_config_new();

	core->signal_fd = -1;
	upkeep_init(&core->upkeep, &core->ctx);
	fleet_init(&core->fleet, &core->ctx, &core->pool, &core->findings,
	    &fleet_ops, core);
	/* Units come and go by the megabyte: their pages are kept. */
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	core->started_us = clock_unix_us();
	core->began_us = clock_mono_us();
	must(config);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	core->ctx.base = event_base_new_with_config(config);
	event_config_free(config);
	must(core->ctx.base);
	core->service = service_new(core);
	activation_init();
	/* The spawner comes first: it must inherit neither store nor key. */
	if (pool_init(&core->pool, &core->ctx, e) != 0 ||
	    open_store(&core->ctx, e) != 0)
		return -1;
	upkeep_configure(&core->upkeep);
	turn_init(&core->ctx.turn, core->ctx.base, core->ctx.store,
	    on_broken, on_room, core);
	core->reload = reload_new(core);
	add_events(core);
	keys_init(&core->ctx);
	internal_init(&core->internal, &core->ctx);
	declared_configure(core->fleet.declared);
	life_recover(&core->ctx);
	upkeep_run(&core->upkeep);
	turn_end(&core->ctx.turn);
	upkeep_tell(&core->upkeep);
	return core->broken ? err_set(e, "the store cannot be written") : 0;
}

void
loop_close(struct core *core)
{
	if (core->http)
		http_server_stop(core->http);
	listening_release(&core->pool.listening);
	fleet_release(&core->fleet);
	if (core->ctx.turn.retry) {
		turn_release(&core->ctx.turn);
		watchdog_release(&core->watchdog);
		event_free(core->signals);
		event_free(core->maintenance);
	}
	reload_free(&core->reload);
	service_free(&core->service);
	activation_release();
	/* Now that all who held a request have answered it. */
	http_server_free(&core->http);
	free(core->ctx.short_of_room);
	printer_free(&core->printer);
	pool_release(&core->pool);
	if (core->signal_fd >= 0)
		close(core->signal_fd);
	catalog_unref(&core->ctx.catalog);
	partition_free(&core->partition);
	findings_release(&core->findings);
	seal_key_free(&core->ctx.key);
	free(core->ctx.no_key);
	store_close(&core->ctx.store);
	host_config_free(&core->ctx.config);
	event_base_free(core->ctx.base);
}

void
loop_read_catalog(struct core *core)
{
	struct catalog_options options;

	catalog_options_fill(&options, &core->ctx);
	catalog_unref(&core->ctx.catalog);
	core->ctx.catalog = catalog_read(&options);
	declared_check(core->fleet.declared);
	findings_gather(&core->findings, catalog_diags(core->ctx.catalog));
	store_rest(core->ctx.store);
}

void
loop_stop(struct core *core, const char *reason)
{
	if (core->fleet.stopping)
		return;
	service_stopping(core->service);
	reload_cancel(core->reload);
	fleet_stop(&core->fleet, reason);
}

/* The end of one turn: commit, answer, print, clean up. */
static void
end_turn(struct core *core)
{
	turn_end(&core->ctx.turn);
	if (core->ctx.fresh && core->printer && !core->broken) {
		printer_wake(core->printer);
		store_rest(core->ctx.store);
	}
	core->ctx.fresh = false;
	pool_sweep(&core->pool);
	log_flush();
	/* What waits for room then was acknowledged to nobody. */
	if (core->fleet.stopping && fleet_active(&core->fleet) == 0 &&
	    !pool_is_busy(&core->pool) &&
	    (TAILQ_EMPTY(&core->ctx.turn.waiting) || core->ctx.turn.blocked))
		core->done = true;
}

/* True if the next turn must not wait for an event. */
static bool
is_pending(const struct core *core)
{
	return turn_pending(&core->ctx.turn) ||
	    (core->http && http_server_pending(core->http));
}

/*
 * A pass runs what was ready when it began: no callback makes its own event
 * active again, so it ends however busy the workers are. Then come clients,
 * for a share of the turn.
 */
void
loop_run(struct core *core)
{
	pace_restart(&core->pace);
	while (!core->done) {
		event_base_loop(core->ctx.base, EVLOOP_ONCE |
		    (is_pending(core) ? EVLOOP_NONBLOCK : 0));
		if (core->http)
			http_server_turn(core->http);
		end_turn(core);
		pace_turn(&core->pace, core->ctx.turn.commit_us);
	}
}
