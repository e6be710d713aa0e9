#pragma once

#include <stddef.h>

#include "pack/catalog.h"

/*
 * The half of `sensorhost check` that needs no Lua: which packs the words
 * on the command line mean, and what their files say.
 */

/*
 * Reads the packs named by words (a path of a pack folder, if it holds a
 * slash or is a folder here, else the name of a pack on packs_path); without
 * words every pack of packs_path. Findings are in catalog_diags. NULL with e
 * if a word means nothing (names the nearest pack).
 */
struct catalog *check_read(char *const *words, size_t count,
    const struct catalog_options *options, struct err *e);
