#pragma once

#include "pack/diag.h"
#include "pack/pack.h"

/* Sensor metadata out of YAML; inside pack/ only. */

/*
 * Reads <pack>/<metadata_file> and the Lua file it names. Never NULL: one
 * that is wrong is rejected, and says why.
 */
struct sensor_meta *sensor_meta_read(struct pack *p,
    const char *metadata_file, const struct pack_options *options,
    struct diags *diags);
void sensor_meta_free(struct sensor_meta *s);

/* Rejects s for the first error in diags from entry `from` on, if any. */
void sensor_meta_reject(struct sensor_meta *s, const struct diags *diags,
    size_t from);

/* Fills in the digest, once the pack is complete. */
void sensor_meta_digest(struct sensor_meta *s,
    const struct pack_options *options);
