#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "pack/diag.h"

/*
 * sensorhost.yaml, read by one table of options. Relative paths in it have
 * been made to count from its folder. Strings and lists are the struct's.
 */
struct host_list {
	char **items;
	size_t count;
};

struct host_config {
	char *file;		/* NULL: no file was read */
	struct host_list packs_path;
	char *configs_dir;	/* NULL: none */
	char *data_dir;
	char *key_file;		/* NULL: none */
	uint64_t limit_memory;	/* bytes */
	int64_t limit_slice_us;
	uint64_t limit_unit;	/* bytes */
	int64_t stop_timeout_us;
	int64_t setup_timeout_us;
	bool validate_formats;
	json_t *triggers;	/* array of {type, parameters} */
	struct host_list emit_internal;	/* globs */
	bool emit_local_keys;
	char *partition_provider;	/* default, file, hash, kvstore */
	char *partition_node;
	char *partition_file;	/* NULL: none */
	char *partition_hash_ranges;	/* NULL: none */
	struct host_list sensor_listen;	/* "address:port" or with a range */
	struct host_list c_modules;
	bool action_sensor_enable;
	struct host_list action_sensor_emit_when;
	int64_t journal_retain_age_us;
	uint64_t journal_retain_size;	/* bytes */
	bool journal_drop_when_held;
	int64_t dead_letters_retain_age_us;
	uint64_t dead_letters_retain_size;
	struct host_list api_listen;
	bool api_auth;
	unsigned api_socket_mode;
	char *api_tls_cert;	/* NULL: none */
	char *api_tls_key;
	uint64_t api_max_header;
	int64_t api_header_timeout_us;
	uint64_t api_max_body;
	int64_t api_body_timeout_us;
	int64_t api_idle_timeout_us;
	int64_t api_max_connections;
	int64_t api_max_per_address;
	char *log_level;	/* debug, info, warning, error, critical */
	bool log_json;		/* log.format: json */
	char *log_file;		/* NULL: stderr */
	json_t *log_sensors;	/* object: sensor's ref to level */
	int *trigger_places;	/* line and column of each in triggers */
	bool emit_internal_given;	/* the file names emit_internal */
};

/*
 * Reads file, or if that is NULL /etc/sensorhost/sensorhost.yaml where it
 * is there, else takes the defaults. installed_packs (may be NULL) is where
 * the program's own packs lie: without packs_path in a file, ./packs is
 * searched if it is there, then that. Findings go to diags; NULL if there
 * was an error.
 */
struct host_config *host_config_load(const char *file,
    const char *installed_packs, struct diags *diags);
void host_config_free(struct host_config **c);

/*
 * Sets one option as on the command line: "data_dir", "journal.retain_age".
 * Paths are taken as they are. -1 with e if there is no such option (names
 * the nearest) or the text does not fit. A list is replaced by one item.
 */
int host_config_set(struct host_config *c, const char *option,
    const char *text, struct err *e);

/* Appends to a list of the struct, as --packs does. */
void host_list_add(struct host_list *l, const char *item);
void host_list_clear(struct host_list *l);

/* Paths that are still relative count from that folder from now on. */
void host_config_anchor(struct host_config *c, const char *folder);

/* The whole as YAML, each option with its help: `serve --print-config`. */
void host_config_print(const struct host_config *c, struct buf *out);

/* Gives each the other's value of an option. */
void host_config_swap(struct host_config *a, struct host_config *b,
    const char *option);

/*
 * Calls changed for each option that differs, with its name and whether it
 * can take effect without a restart of the host. changed may swap it.
 */
typedef void host_config_changed_fn(void *arg, const char *option,
    bool reloadable);
void host_config_compare(const struct host_config *old,
    const struct host_config *new, host_config_changed_fn *changed,
    void *arg);
