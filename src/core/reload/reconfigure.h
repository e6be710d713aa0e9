#pragma once

#include "base/err.h"

/*
 * Takes a changed host configuration into a running core, row by row: each
 * row that has changed is named, and said so if it has to wait for a restart.
 * A file with an error changes nothing.
 */
struct core;

/* Reads it again, if the role can; no reload may be under way. */
void reconfigure(struct core *core);

/* The partition of the configuration in use; -1 with e, the old one stays. */
int reconfigure_partition(struct core *core, struct err *e);
