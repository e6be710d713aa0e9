#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "pack/config_schema.h"
#include "pack/diag.h"

/*
 * A pack folder as facts: sensors, trigger types, configuration and the Lua
 * sources the sensors may load, all read once into memory. Nothing of it
 * changes once it is read, and nothing is read from disk later.
 */
struct schema;
struct pack;

#define PACK_SOURCES_MAX 2000			/* Lua files of a pack */
#define PACK_SOURCE_MAX (1024 * 1024)		/* bytes of one */
#define PACK_SOURCES_BYTES (16 * 1024 * 1024)	/* bytes of all */
#define PACK_METADATA_MAX 1000			/* YAML files of a folder */

/* The pack of the host's own triggers; no folder may be called so. */
#define CORE_PACK "core"

/* One Lua file. */
struct lua_source {
	char *path;	/* inside the pack: "sensors/x.lua" */
	char *file;	/* on disk, as shown to the user */
	char *chunk;	/* chunk name for Lua: "@<pack>/sensors/x.lua" */
	char *text;	/* the bytes; NUL behind them */
	size_t len;
	uint8_t digest[DIGEST_BYTES];
	char **requires;	/* module names that it requires literally */
	size_t require_count;
	bool requires_more;	/* it may load others too */
};

/* A trigger type, of a sensor or of a file in triggers/. */
struct trigger_type {
	char *ref;		/* "pack.name" */
	char *pack;
	char *name;
	char *description;	/* never NULL */
	json_t *payload_schema;	/* an object; {} if none was given */
	json_t *parameters_schema;
	json_t *tags;		/* an array */
	struct schema *payload;	/* compiled; NULL if the schema is empty */
	struct schema *parameters; /* not NULL: a parameterised type */
	char *file;		/* of the declaration, as shown */
	int line;
	int payload_line;	/* of payload_schema; line if there is none */
};

enum first_poll { FIRST_POLL_NOW, FIRST_POLL_SCHEDULED };
enum reload_mode { RELOAD_HANDOVER, RELOAD_RESTART };
enum on_invalid { ON_INVALID_DEAD_LETTER, ON_INVALID_RAISE };

struct sensor_meta {
	struct pack *pack;	/* the pack it belongs to */
	char *ref;		/* "pack.class_name"; NULL if not known */
	char *class_name;	/* NULL only in a rejected one */
	char *description;	/* never NULL */
	char *file;		/* its metadata, as shown to the user */
	char *metadata_file;	/* the same inside the pack */
	char *entry_point;	/* inside the pack: "sensors/x.lua"; or NULL */
	json_t *metadata;	/* as written; NULL if the YAML is broken */
	bool enabled;
	double poll_interval;	/* seconds; 0: not given */
	int poll_interval_line;	/* for the warning a passive class gets */
	enum first_poll first_poll;
	enum reload_mode reload;
	enum on_invalid on_invalid;
	uint64_t limit_memory;	/* bytes; 0: the host's */
	int64_t limit_slice_us;	/* 0: the host's */
	uint64_t limit_unit;	/* bytes; 0: the host's */
	struct trigger_type **triggers;
	size_t trigger_count;
	const struct lua_source *entry;	/* NULL only in a rejected one */
	uint8_t digest[DIGEST_BYTES];	/* of all that makes it what it is,
					 * see sources_of_sensor */
	bool rejected;		/* it must not run; */
	struct err why;		/* because of this, with file:line:column */
};

struct pack {
	char *name;		/* the folder's name */
	char *dir;		/* as given, without a slash at the end */
	char *real_dir;		/* the same without symbolic links */
	json_t *facts;		/* pack.yaml, an object; NULL if missing */
	struct config config;
	struct sensor_meta **sensors;	/* sorted by metadata file */
	size_t sensor_count;
	struct trigger_type **triggers;	/* of triggers/ alone */
	size_t trigger_count;
	struct lua_source **sources;	/* sorted by path */
	size_t source_count;
	size_t source_bytes;
	struct diags source_diags;	/* while it is read, these two */
	json_t *walked;
	char *unread;	/* why part of it could not be read; NULL: all was */
};

struct pack_options {
	const char *configs_dir;	/* may be NULL */
	bool validate_formats;
	config_lookup_fn *lookup;	/* may be NULL, see config_schema.h */
	void *lookup_arg;
};

/* The source at a path inside the pack; NULL if none. */
const struct lua_source *pack_source(const struct pack *p, const char *path);

/*
 * The source that `require(module)` finds for this sensor: its own folder,
 * lib, actions/lib, lua_modules (and share/lua/5.1 below it, where LuaRocks
 * puts things), each as a/b.lua and a/b/init.lua. NULL if none; then
 * *searched (may be NULL; freed by the caller) lists the places, a line
 * each.
 */
const struct lua_source *sensor_source(const struct sensor_meta *s,
    const char *module, char **searched);
