#pragma once

#include <stddef.h>

#include "pack/pack.h"

/*
 * The pack `core`: the host's own trigger types, which are there without a
 * file. StackStorm's names and schemas.
 */

/* A fresh set, made anew for each catalog; *count of them. */
struct trigger_type **core_types_new(size_t *count);
void core_types_free(struct trigger_type ***types, size_t count);
