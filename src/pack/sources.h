#pragma once

#include "base/err.h"
#include "pack/pack.h"

/* The Lua files of a pack, as they are read in; inside pack/ only. */

/* Reads all Lua files below a folder of the pack ("" is the pack itself). */
void sources_add_folder(struct pack *p, const char *folder);

/* Reads one Lua file of the pack; NULL with e. It may be known already. */
const struct lua_source *sources_add(struct pack *p, const char *path,
    struct err *e);

/* Reads lib, actions/lib and lua_modules. */
void sources_add_libraries(struct pack *p);

/*
 * folder/name as a path inside the pack, "." and ".." resolved; NULL if it
 * leaves the pack or is absolute. The caller frees it.
 */
char *sources_resolve(const char *folder, const char *name);

/* The folder part of a path inside the pack: "sensors", or "". Freed. */
char *sources_folder(const char *path);

/*
 * Calls fn for each source that makes the sensor what it is, in order of
 * path: its own file, what that requires, and so on; where one of these may
 * load what cannot be read off it, every file the sensor could require.
 */
typedef void sources_fn(void *arg, const struct lua_source *source);
void sources_of_sensor(const struct sensor_meta *s, sources_fn *fn,
    void *arg);

void lua_source_free(struct lua_source *source);
