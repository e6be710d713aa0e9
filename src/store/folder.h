#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define FOLDER_DATA "data.mdb"
#define FOLDER_BALLAST "ballast"

/*
 * The data folder: created or tightened to 0700 (notice, of size bytes, says
 * so), refused where it cannot do its work.
 */
int folder_prepare(const char *dir, char *notice, size_t size, struct err *e);

/*
 * Takes the folder for this process until fd is closed; -1 and e with the
 * pid of the one that has it.
 */
#define FOLDER_LOCK "core.lock"
int folder_lock(const char *dir, int *fd, struct err *e);

/*
 * A mark in the lock file: a database was found or made in this folder. It
 * stays over starts. Where it cannot be written the next start does it.
 */
bool folder_is_marked(int lock_fd);
void folder_mark(int lock_fd);

/*
 * Shared with other readers while no core runs; *fd stays -1 where there is
 * no lock file. False if a core has it or it cannot be read.
 */
bool folder_lock_shared(const char *dir, int *fd);

/* The folder itself, to work in it wherever it goes; -1 and e. */
int folder_open(const char *dir, int *fd, struct err *e);

/* Makes what was created or renamed in the folder durable. */
int folder_sync(const char *dir, struct err *e);

/*
 * Makes the folder's own name durable, in the one above it; not where that
 * may not be read, which is then somebody else's.
 */
int folder_sync_name(const char *dir, struct err *e);

/* True if there is nothing in it; -1 and e if it cannot be read. */
int folder_is_empty(const char *dir, struct err *e);

/* dir/name; to be freed. */
char *folder_path(const char *dir, const char *name);
