#pragma once

#include "pack/catalog.h"

struct core;

/*
 * How core reads packs: along its packs_path, with datastore templates
 * rendered from its own store. Borrows from core.
 */
void catalog_options_fill(struct catalog_options *o, struct core *core);
