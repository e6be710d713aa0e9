#pragma once

#include <stddef.h>

#include "pack/host_config.h"
#include "pack/host_opts.h"
#include "pack/pack_reader.h"

/* Which host a command means: the options that every command has. */
struct place {
	const char *config;
	const char *data;
};

#define PLACE_OPTS(p) HOST_OPTS(p)

/*
 * The host's configuration with these options on top; errors in it are
 * written to stderr. NULL: there was one.
 */
struct host_config *place_load(const struct place *p);

/*
 * The folder that new packs go into: the one given, else the first of
 * packs_path that is not the installed one, else "packs".
 */
const char *place_packs(const struct host_config *h, const char *given);

/* Reads a pack, all of it at once. */
struct pack *place_read_pack(const char *dir,
    const struct pack_options *options, struct diags *diags);

/* Writes "sensorhost: ..." to stderr; returns 1. */
int place_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
