#pragma once

#include "pack/host_config.h"
#include "pack/host_opts.h"

/* The options that every role of core has. */
struct settings {
	const char *config;
	const char *data;
	struct opt_list packs;
	bool own_triggers; /* no internal ones unless the file names them */
};

#define SETTINGS_OPTS(s)                                                   \
	HOST_OPTS(s),                                                      \
	{OPT_LIST, "packs", 0, &(s).packs, "DIR",                          \
	    "folder that holds packs; repeatable, replaces packs_path"}

/*
 * The host's configuration with these on top; what is wrong with it goes to
 * diags. NULL: there was an error.
 */
struct host_config *settings_read(const struct settings *s,
    struct diags *diags);

/* The same, and what is wrong is written to stderr; sets the log's level. */
struct host_config *settings_load(const struct settings *s);
