#pragma once

#include "base/opts.h"

/* The options that say which host is meant, into x.config and x.data. */
#define HOST_OPTS(x)                                                       \
	{OPT_TEXT, "config", 'c', &(x).config, "FILE",                     \
	    "host configuration (sensorhost.yaml)"},                       \
	{OPT_TEXT, "data", 0, &(x).data, "DIR", "data folder"}
