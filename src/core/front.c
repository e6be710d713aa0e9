/*
 * Opens the HTTP server of a core. Called by the roles that serve. It must
 * never listen where whoever can reach the address could rule the host.
 */
#include "core/front.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/log.h"
#include "core/core.h"
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

/* Listens on one address of api.listen. */
static int
open_tcp(struct core *core, const char *address, struct err *e)
{
	const struct host_config *h = core->config;
	bool loopback;

	if (http_address_is_loopback(address, &loopback, e) != 0)
		return err_prefix(e, "api.listen");
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
	if (http_listen_tcp(core->http, address, true, e) != 0)
		return err_prefix(e, "api.listen");
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
	const struct http_limits limits = limits_of(core->config);

	if (core->http)
		http_server_limit(core->http, &limits);
}

int
front_open(struct core *core, struct err *e)
{
	const struct host_config *h = core->config;
	struct http_limits limits = limits_of(h);
	size_t i;

	if (!offered)
		return 0;
	limits.max_connections = connections_max(h);
	core->http = http_server_new(core->base, &limits, offered, core);
	if (http_listen_unix(core->http, h->data_dir, SOCKET,
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
