#pragma once

#include <stdbool.h>

#include "pack/diag.h"
#include "pack/pack.h"

struct child;

/*
 * Adds what the worker's lint found (c->details, not trusted) to the
 * findings of a check, and judges the triggers that its text dispatches by
 * the catalog. all_packs: the catalog holds every pack there is, so that a
 * trigger of a pack it does not know is none.
 */
void lint_take(struct diags *findings, const struct child *c,
    bool all_packs);

/* The source that a chunk name of Lua's means; NULL if none of the pack's. */
const struct lua_source *lint_source(const struct sensor_meta *meta,
    const char *chunk);
