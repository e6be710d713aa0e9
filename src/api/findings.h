#pragma once

#include "api/out.h"
#include "core/host.h"

/* Adds "errors", their number, and "findings", each with its place. */
void findings_put(struct out *o, const struct diags *d);

/* Adds the members of a reload's account, those it touched or all. */
void reload_put(struct out *o, const struct host_reload *result, bool all);
