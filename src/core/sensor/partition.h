#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Which sensors are this host's, by StackStorm's partition providers:
 * default (all), file (a YAML map of nodes to refs), hash (ranges of a hash
 * of the ref) and kvstore (refs in the datastore item <node>.sensor_partition).
 */
struct context;
struct partition;

/* By the options partition.* of the configuration; NULL with e. */
struct partition *partition_new(struct context *ctx, struct err *e);
void partition_free(struct partition **p);

/* NULL owns everything. */
bool partition_owns(const struct partition *p, const char *ref);

/* StackStorm's hash of a sensor's ref. */
uint32_t partition_hash(const char *ref);
