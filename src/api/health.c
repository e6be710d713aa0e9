/*
 * /livez and /readyz: for whoever starts, balances and watches.
 */
#include "api/api.h"
#include "api/out.h"
#include "core/host.h"

/* http_handler_fn: the loop turns, or nobody would answer. */
void
api_livez(struct http_request *r, void *arg)
{
	(void)arg;
	buf_puts(http_out(r), "{\"live\": true}\n");
	http_answer(r, 200);
}

/* http_handler_fn: 503 while starting, stopping, short of room. */
void
api_readyz(struct http_request *r, void *arg)
{
	const char *why = host_unready(arg);

	if (why) {
		http_fail(r, 503, "%s", why);
		return;
	}
	buf_puts(http_out(r), "{\"ready\": true}\n");
	http_answer(r, 200);
}
