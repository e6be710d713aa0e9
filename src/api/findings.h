#pragma once

#include "api/out.h"
#include "core/host.h"

/* Writes the members of a reload's account into an object. */
void findings_put(struct out *o, const char *name, const struct diags *d);
void reload_put(struct out *o, const struct host_reload *result,
    bool unchanged_too);
