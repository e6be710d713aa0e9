#pragma once

#include "pack/pack.h"

/*
 * Reads the pack in folder dir, a metadata file a step, so that a large one
 * does not hold the caller's loop. Findings go to diags; options and diags
 * are borrowed until the end.
 */
struct pack_reader;
struct pack_reader *pack_reader_new(const char *dir,
    const struct pack_options *options, struct diags *diags);

/* Reads a little more; false when all is read. */
bool pack_reader_step(struct pack_reader *r);

/*
 * The pack, once all is read; NULL if the folder cannot be read at all.
 * Before that it gives up and returns NULL. NULLs *r.
 */
struct pack *pack_reader_finish(struct pack_reader **r);
void pack_free(struct pack **p);

/* The sensor of that class name; NULL if none. */
struct sensor_meta *pack_sensor(const struct pack *p, const char *class_name);
