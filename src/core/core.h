#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/child/pool.h"
#include "core/child/watchdog.h"
#include "core/sensor/fleet.h"
#include "core/state/context.h"
#include "core/state/findings.h"
#include "core/state/internal.h"
#include "core/state/pace.h"
#include "core/state/upkeep.h"

struct event;
struct http_server;
struct partition;
struct printer;
struct reload;
struct service;

/*
 * The supervisor process: one thread, one loop, the only writer of the
 * store. Made by a role (run, serve, check), which says by the fields of the
 * first group and of ctx what it wants; brought to life by loop.h. Its parts
 * know one another from below: child/ knows state/, sensor/ knows child/, and
 * what knows all of it is system/, reload/ and what lies beside this file.
 */
struct core {
	/* whether a sensor of the catalog runs here; NULL: those added */
	bool (*wants)(struct core *core, const struct sensor_meta *meta);
	/* the configuration as at the start; NULL with the errors in diags */
	struct host_config *(*read_config)(struct core *core,
	    struct diags *diags);
	void (*settled)(struct core *core, struct supervisor *s);
	void *role;

	struct context ctx;
	struct pace pace;
	struct internal internal;
	struct upkeep upkeep;
	struct findings findings;
	struct pool pool;
	struct watchdog watchdog;
	struct fleet fleet;
	struct partition *partition; /* NULL: all sensors are this host's */
	struct reload *reload;
	struct service *service;
	struct printer *printer; /* NULL: nothing is printed */
	struct http_server *http; /* NULL: nobody can ask */
	int64_t started_us; /* Unix */
	int64_t began_us;   /* the same, monotonic */
	struct event *signals;
	int signal_fd;
	struct event *maintenance;
	bool ready;  /* the role says: all that is to run has started */
	bool broken; /* the disk failed */
	bool done;
};
