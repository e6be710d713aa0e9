#pragma once

#include "pack/diag.h"

/*
 * What is wrong with the files that the host was last told to read: its own
 * configuration, and the packs. Kept for the status and for the account of a
 * reload.
 */
struct findings {
	struct diags own; /* of the host's configuration */
	struct diags all;
};

/* The configuration is about to be read: forgets what was found in it. */
void findings_restart(struct findings *f);

/*
 * Logs an error in the configuration and keeps it. place, line and column,
 * and file may be NULL.
 */
void findings_note(struct findings *f, const char *file, const int *place,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The packs are read: what is wrong with them joins the others. */
void findings_gather(struct findings *f, const struct diags *of_packs);

void findings_release(struct findings *f);

/* Logs each of them behind a prefix, which may be empty. */
void findings_log(const struct diags *d, const char *prefix);
