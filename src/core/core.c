/*
 * The supervisor process: its start, its loop, its signals, its end. Owns
 * everything that struct core holds. Called by the roles (run, check). It
 * must never block but in its loop and in the commit at the end of a turn.
 */
#include "core/core.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dict.h"
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
#define MESSAGE_SLACK (1024u * 1024u)

/* Gives an exit to whose process it was. */
static void
reap(struct core *core, pid_t pid, int status)
{
	struct child *c;

	if (nursery_reap(&core->nursery, pid, status))
		return;
	TAILQ_FOREACH(c, &core->children, link)
		if (c->pid == pid) {
			child_on_exit(c, status);
			return;
		}
	core->early[core->nearly++ % EARLY_EXITS] =
	    (struct early_exit){pid, status};
}

/* Reaps all that ended. */
static void
reap_all(struct core *core)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reap(core, pid, status);
}

void
core_child_born(struct core *core, struct child *c)
{
	unsigned i;

	for (i = 0; i < EARLY_EXITS; i++)
		if (core->early[i].pid == c->pid) {
			core->early[i].pid = 0;
			child_on_exit(c, core->early[i].status);
			return;
		}
}

/* event_callback_fn: a signal. */
static void
signal_cb(evutil_socket_t fd, short events, void *arg)
{
	struct core *core = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap_all(core);
		else if (info.ssi_signo == SIGHUP)
			reload_request(core->reload);
		else if (info.ssi_signo == SIGUSR1)
			log_reopen();
		else
			core_stop(core, "shutdown");
	}
}

/* event_callback_fn: once a second. */
static void
upkeep_cb(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	upkeep(arg);
	listening_sweep(arg);
}

/* turn_broken_fn. */
static void
on_broken(void *arg, const char *why)
{
	struct core *core = arg;

	log_at(LOG_CRITICAL, NULL, "%s; nothing more is acknowledged", why);
	core->broken = core->done = true;
}

/* turn_room_fn. */
static void
on_room(void *arg, const char *why)
{
	struct core *core = arg;

	free(core->short_of_room);
	core->short_of_room = why ? xstrdup(why) : NULL;
	if (why)
		log_error("%s; sensors wait, nothing is lost", why);
	else
		log_info("there is room again; sensors go on");
}

/* Opens the store and sets it up. */
static int
open_store(struct core *core, struct err *e)
{
	const struct host_config *h = core->config;
	const struct store_options options = {.dry_run = core->dry_run,
	    .blank = core->checking};
	struct store_notice notice = {0};
	struct err why;

	if (store_open(&core->store, h->data_dir, &options, &notice, e) != 0)
		return -1;
	if (*notice.text)
		log_warning("%s", notice.text);
	upkeep_configure(core);
	if (h->key_file && access(h->key_file, F_OK) != 0)
		core->no_key = xasprintf("\"%s\" is not there; make it with "
		    "`sensorhost key generate`, or name another file as "
		    "key_file", h->key_file);
	else if (h->key_file &&
	    seal_key_load(&core->key, h->key_file, &why) != 0)
		core->no_key = xstrdup(why.text);
	return 0;
}

/* Adds the loop's own events. */
static void
add_events(struct core *core)
{
	const struct timeval second = {.tv_sec = 1};

	core->signal_fd = signals_open();
	core->signals = event_new(core->base, core->signal_fd,
	    EV_READ | EV_PERSIST, signal_cb, core);
	core->maintenance = event_new(core->base, -1, EV_PERSIST,
	    upkeep_cb, core);
	must(core->signals && event_add(core->signals, NULL) == 0);
	must(core->maintenance &&
	    event_add(core->maintenance, &second) == 0);
	watchdog_init(&core->watchdog, core);
}

int
core_init(struct core *core, struct err *e)
{
	struct event_config *config = event_config_new();

	TAILQ_INIT(&core->supervisors);
	TAILQ_INIT(&core->children);
	TAILQ_INIT(&core->listening);
	SLIST_INIT(&core->graves);
	core->signal_fd = -1;
	/* Units come and go by the megabyte: their pages are kept. */
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	core->by_ref = dict_new();
	core->started_us = clock_unix_us();
	must(config);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	core->base = event_base_new_with_config(config);
	event_config_free(config);
	must(core->base);
	core->service = service_new(core);
	activation_init();
	/* The spawner comes first: it must inherit neither store nor key. */
	if (nursery_init(&core->nursery, core->base, e) != 0 ||
	    open_store(core, e) != 0)
		return -1;
	turn_init(&core->turn, core->base, core->store, on_broken, on_room,
	    core);
	core->reload = reload_new(core);
	add_events(core);
	keys_init(core);
	internal_init(core);
	core->declared = declared_new(core);
	declared_configure(core->declared);
	life_recover(core);
	upkeep(core);
	turn_end(&core->turn);
	return core->broken ? err_set(e, "the store cannot be written") : 0;
}

/* Frees what left the turn. */
static void
clear_graves(struct core *core)
{
	struct child *c;

	while ((c = SLIST_FIRST(&core->graves))) {
		SLIST_REMOVE_HEAD(&core->graves, grave);
		TAILQ_REMOVE(&core->children, c, link);
		child_free(c);
	}
}

void
core_release(struct core *core)
{
	struct supervisor *s;

	http_server_free(&core->http);
	listening_release(core);
	while ((s = TAILQ_FIRST(&core->supervisors))) {
		TAILQ_REMOVE(&core->supervisors, s, link);
		supervisor_free(&s);
	}
	if (core->turn.retry) {
		turn_release(&core->turn);
		watchdog_release(&core->watchdog);
		event_free(core->signals);
		event_free(core->maintenance);
	}
	reload_free(&core->reload);
	service_free(&core->service);
	activation_release();
	dict_free(&core->by_ref, NULL);
	free(core->short_of_room);
	printer_free(&core->printer);
	if (core->base)
		nursery_release(&core->nursery);
	clear_graves(core);
	if (core->signal_fd >= 0)
		close(core->signal_fd);
	catalog_unref(&core->catalog);
	declared_free(&core->declared);
	partition_free(&core->partition);
	findings_release(&core->findings);
	seal_key_free(&core->key);
	free(core->no_key);
	store_close(&core->store);
	host_config_free(&core->config);
	if (core->base)
		event_base_free(core->base);
}

void
core_read_catalog(struct core *core)
{
	struct catalog_options options;

	catalog_options_fill(&options, core);
	catalog_unref(&core->catalog);
	core->catalog = catalog_read(&options);
	findings_gather(core);
	store_rest(core->store);
}

struct supervisor *
core_add(struct core *core, struct sensor_meta *meta)
{
	struct supervisor *s = supervisor_new(core, core->catalog, meta);

	TAILQ_INSERT_TAIL(&core->supervisors, s, link);
	dict_set_str(core->by_ref, meta->ref, s);
	return s;
}

struct supervisor *
core_supervisor(const struct core *core, const char *ref)
{
	return dict_get_str(core->by_ref, ref);
}

void
core_bury(struct core *core, struct child *c)
{
	SLIST_INSERT_HEAD(&core->graves, c, grave);
}

void
core_pause_links(struct core *core)
{
	struct child *c;

	if (core->links_paused)
		return;
	core->links_paused = true;
	TAILQ_FOREACH(c, &core->children, link)
		if (c->linked)
			peer_pause(&c->peer);
}

/* Reads the links again once half of what waited is done. */
static void
resume_links(struct core *core)
{
	struct child *c;

	if (!core->links_paused || core->turn.bytes > TURN_WAITING_MAX / 2)
		return;
	core->links_paused = false;
	TAILQ_FOREACH(c, &core->children, link)
		if (c->linked)
			peer_resume(&c->peer);
}

/* True if every sensor is settled. */
static bool
all_settled(struct core *core)
{
	struct supervisor *s;

	TAILQ_FOREACH(s, &core->supervisors, link)
		if (!supervisor_settled(s))
			return false;
	return true;
}

void
core_settled(struct core *core, struct supervisor *s)
{
	listening_settled(core, s);
	if (core->settled)
		core->settled(core, s);
}

void
core_state_changed(struct core *core, struct supervisor *s)
{
	reload_watch(core->reload, s);
}

void
core_stop(struct core *core, const char *reason)
{
	struct supervisor *s;

	if (core->stopping)
		return;
	core->stopping = true;
	service_stopping(core->service);
	reload_cancel(core->reload);
	TAILQ_FOREACH(s, &core->supervisors, link)
		supervisor_stop(s, reason);
}

void
core_reload_done(struct core *core, struct supervisor *s, const char *why)
{
	reload_note(core->reload, s, why);
}

/* True while there is a process whose end is still to be written. */
static bool
has_children(const struct core *core)
{
	const struct child *c;

	TAILQ_FOREACH(c, &core->children, link)
		if (c->state != CHILD_GONE)
			return true;
	return false;
}

/* The end of one turn: commit, answer, print, clean up. */
static void
end_turn(struct core *core)
{
	turn_end(&core->turn);
	if (core->fresh && core->printer) {
		printer_wake(core->printer);
		store_rest(core->store);
	}
	core->fresh = false;
	resume_links(core);
	clear_graves(core);
	log_flush();
	/* What waits for room then was acknowledged to nobody. */
	if (core->stopping && all_settled(core) && !has_children(core) &&
	    (TAILQ_EMPTY(&core->turn.waiting) || core->turn.blocked))
		core->done = true;
}

void
core_loop(struct core *core)
{
	pace_restart(&core->pace);
	while (!core->done) {
		event_base_loop(core->base, EVLOOP_ONCE |
		    (turn_pending(&core->turn) ? EVLOOP_NONBLOCK : 0));
		end_turn(core);
		pace_turn(&core->pace, core->turn.commit_us);
	}
}

size_t
core_message_max(const struct core *core, const struct sensor_meta *meta)
{
	return (meta->limit_unit ? meta->limit_unit :
	    core->config->limit_unit) + MESSAGE_SLACK;
}

const struct seal_key *
core_seal_key(struct core *core)
{
	return core->key;
}

const char *
core_no_key(struct core *core)
{
	return core->no_key;
}
