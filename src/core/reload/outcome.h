#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pack/diag.h"

/*
 * What a reload came to, as the API of the host sees it (core/host.h).
 */
enum host_outcome {
	HOST_UNCHANGED,
	HOST_RELOADED,
	HOST_STARTED,
	HOST_STOPPED,
	HOST_FAILED,
};
const char *host_outcome_name(enum host_outcome outcome);

struct host_reload_item {
	const char *ref;
	enum host_outcome outcome;
	const char *why; /* NULL, or why it failed */
};

/* What a reload came to. */
struct host_reload {
	uint64_t number; /* the first since the start is 1 */
	int64_t began_us;
	int64_t ended_us;
	size_t count;
	const struct host_reload_item *(*item)(const struct host_reload *r,
	    size_t i);
	const struct diags *findings;
};

/* result is NULL if the host stops instead. */
typedef void host_reloaded_fn(void *arg, const struct host_reload *result);
