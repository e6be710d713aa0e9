#pragma once

#include "pack/catalog.h"

struct context;

/*
 * How core reads packs: along its packs_path, with datastore templates
 * rendered from its own store. Borrows from ctx.
 */
void catalog_options_fill(struct catalog_options *o, struct context *ctx);
