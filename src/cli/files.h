#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Makes a folder and those above it; one that is there is fine. */
int folder_make(const char *path, struct err *e);

/*
 * Writes a file that must not be there yet; half a file is never left
 * behind. -1 with e.
 */
int file_create(const char *path, const struct buf *text, struct err *e);

/* Removes a folder with all that is in it; what cannot be stays. */
void tree_remove(const char *path);

/*
 * Copies what is below the folder `from` into the folder `to`, which is
 * there: plain files and folders. Modes are kept, what is hidden is left out,
 * as are bytecode of Python (*.pyc, __pycache__) and what is neither file nor
 * folder; of the last, symbolic links too, left_out is told. At most
 * TREE_FILES files, TREE_BYTES bytes and TREE_DEPTH levels. -1 with e.
 */
#define TREE_FILES 20000u
#define TREE_BYTES ((size_t)512 * 1024 * 1024)
#define TREE_DEPTH 24u
typedef void tree_left_out_fn(void *arg, const char *path);
int tree_copy(const char *from, const char *to, tree_left_out_fn *left_out,
    void *arg, struct err *e);
