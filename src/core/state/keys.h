#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/view.h"

/*
 * Changes of the datastore as core makes them, for sensors and operators
 * alike: each is staged together with its core.st2.key_value_pair triggers.
 * Items that expire are told of too.
 */
struct context;
struct store;

void keys_init(struct context *ctx);

/* As kv_set and kv_delete. */
bool keys_set(struct context *ctx, struct store *s, struct span name,
    struct span value, uint32_t flags, int64_t ttl_us);
bool keys_delete(struct context *ctx, struct store *s, struct span name);
