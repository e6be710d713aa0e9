/*
 * Opens the HTTP server of a core. Called by the roles that serve. It must
 * never listen where whoever can reach the address could rule the host.
 */
#include "core/system/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/core.h"
#include "core/system/activation.h"
#include "http/server.h"
#include "store/store.h"

#define SOCKET "api.sock"

static const struct http_routes *offered;

void
front_offer(const struct http_routes *routes)
{
	offered = routes;
}

/*
 * How many connections there may be: many need many descriptors, so that is
 * raised as far as we may, and half of them are left for the sensors.
 */
static int64_t
connections_max(const struct host_config *h)
{
	struct rlimit limit;
	int64_t most;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return h->api_max_connections;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max / 2 >= (rlim_t)h->api_max_connections)
		return h->api_max_connections;
	most = (int64_t)(limit.rlim_max / 2);
	log_warning("api.max_connections: %lld of them, since this process "
	    "may have only %lld descriptors", (long long)most,
	    (long long)limit.rlim_max);
	return most;
}

/* -1 with e if the API must not be served at an address of TCP. */
static int
check_tcp(const struct host_config *h, const char *address, bool loopback,
    struct err *e)
{
	if (h->api_tls_cert || h->api_tls_key)
		return err_set(e, "api.tls: there is no TLS here yet; put a "
		    "proxy that speaks it in front of a loopback address");
	if (h->api_auth)
		return err_set(e, "api.listen: %s wants an API key of every "
		    "request, and there are none yet; use the Unix socket "
		    "\"%s/" SOCKET "\", or a loopback address with "
		    "api.auth: false (--no-auth)", address, h->data_dir);
	if (!loopback)
		return err_set(e, "api.listen: %s is no loopback address, so "
		    "api.auth must not be false", address);
	return 0;
}

/* Listens on one address of api.listen. */
static int
open_tcp(struct core *core, const char *address, struct err *e)
{
	bool loopback;

	if (http_address_is_loopback(address, &loopback, e) != 0)
		return err_prefix(e, "api.listen");
	if (check_tcp(core->ctx.config, address, loopback, e) != 0)
		return -1;
	if (http_listen_tcp(core->http, address, true, e) != 0)
		return err_prefix(e, "api.listen");
	return 0;
}

/* True if both paths lead to one socket. */
static bool
is_same(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Serves a socket that was passed; *ours: it is that of the data folder. */
static int
open_passed(struct core *core, int fd, bool *ours, struct err *e)
{
	bool tcp, loopback;
	char *name = http_socket_name(fd, &tcp, &loopback), *own;
	int rc = 0;

	if (!name)
		rc = err_set(e, "a socket is neither a Unix nor a TCP one");
	else if (tcp)
		rc = check_tcp(core->ctx.config, name, loopback, e);
	if (rc != 0)
		err_prefix(e, "socket activation");
	if (rc == 0) {
		own = xasprintf("%s/" SOCKET, core->ctx.config->data_dir);
		*ours = *ours || (!tcp && is_same(name, own));
		http_listen_fd(core->http, fd, tcp);
		free(own);
	} else {
		close(fd);
	}
	free(name);
	return rc;
}

/* Serves all that were passed for the API. */
static int
open_all_passed(struct core *core, bool *ours, struct err *e)
{
	/* The last two are what systemd says where no name was chosen. */
	static const char *const names[] = {"api", "sensorhost.socket",
	    "unknown"};
	size_t i;
	int fd;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		while ((fd = activation_take(names[i])) >= 0)
			if (open_passed(core, fd, ours, e) != 0)
				return -1;
	activation_release();
	return 0;
}

/* The limits of the configuration; max_connections is left open. */
static struct http_limits
limits_of(const struct host_config *h)
{
	return (struct http_limits){
	    .max_header = h->api_max_header,
	    .max_body = h->api_max_body,
	    .header_timeout_us = h->api_header_timeout_us,
	    .body_timeout_us = h->api_body_timeout_us,
	    .idle_timeout_us = h->api_idle_timeout_us,
	    .max_per_address = h->api_max_per_address};
}

void
front_configure(struct core *core)
{
	const struct http_limits limits = limits_of(core->ctx.config);

	if (core->http)
		http_server_limit(core->http, &limits);
}

int
front_open(struct core *core, struct err *e)
{
	const struct host_config *h = core->ctx.config;
	struct http_limits limits = limits_of(h);
	bool ours = false;
	size_t i;

	if (!offered)
		return 0;
	limits.max_connections = connections_max(h);
	core->http = http_server_new(core->ctx.base, &limits, offered, core);
	if (open_all_passed(core, &ours, e) != 0)
		return -1;
	if (!ours && http_listen_unix(core->http, h->data_dir, SOCKET,
	    h->api_socket_mode, e) != 0)
		return -1;
	for (i = 0; i < h->api_listen.count; i++)
		if (open_tcp(core, h->api_listen.items[i], e) != 0)
			return -1;
	return 0;
}

void
front_print(const struct core *core, FILE *to)
{
	const char *name;
	size_t i;

	for (i = 0; core->http &&
	    (name = http_listener_name(core->http, i)); i++)
		fprintf(to, "listening on %s\n", name);
}
