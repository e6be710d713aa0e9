/*
 * The table of host options: the one place that knows their names, types,
 * defaults, ranges and words of help. Files, command line and print-out all
 * go by it.
 */
#include "pack/host_option.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"

#define OFFSET(member) offsetof(struct host_config, member)
#define SECOND 1e6
#define DAY (86400 * SECOND)
#define KB 1024.0
#define MB (1024 * KB)
#define GB (1024 * MB)

static const char *const providers[] = {
	"default", "file", "hash", "kvstore", NULL
};
static const char *const outcomes[] = {
	"succeeded", "failed", "timeout", "canceled", "abandoned", NULL
};
static const char *const held[] = { "wait", "drop", NULL };
static const char *const levels[] = {
	"debug", "info", "warning", "error", "critical", NULL
};
static const char *const formats[] = { "text", "json", NULL };

static const struct shape_member trigger_members[] = {
	{ "type", SHAPE_STRING, SHAPE_REQUIRED | SHAPE_FILLED, NULL, NULL },
	{ "parameters", SHAPE_OBJECT, SHAPE_NULL, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL }
};

static const struct shape trigger_shape = {
	"a trigger", trigger_members, NULL, DIAG_ERROR
};

/* shape_check_fn: {type, parameters} each */
static void
check_triggers(struct doc *d, const char *pointer, json_t *value)
{
	const char *type;
	json_t *item;
	char *at;
	size_t i;

	json_array_foreach(value, i, item) {
		at = pointer_item(pointer, i);
		type = shape_check(d, at, item, &trigger_shape) ?
		    shape_string(item, "type", "") : NULL;
		if (type && !strchr(type, '.'))
			doc_error(d, at, "\"type\" is \"%.80s\"; it must be a "
			    "trigger type such as linux.file_watch.line",
			    type);
		free(at);
	}
}

/* shape_check_fn: a level for each sensor's ref */
static void
check_levels(struct doc *d, const char *pointer, json_t *value)
{
	static const struct shape_member level = {
		"", SHAPE_STRING, 0, levels, NULL
	};
	const char *name;
	json_t *item;
	char *at;

	json_object_foreach(value, name, item) {
		at = pointer_member(pointer, name);
		shape_member_check(d, at, item, &level);
		free(at);
	}
}

/* True if the text from its last colon on is a port. */
static bool
is_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	char *end;

	return colon && colon != text && colon[1] >= '0' && colon[1] <= '9' &&
	    strtoul(colon + 1, &end, 10) <= 65535 && *end == '\0';
}

/* Reports the items that are no address as asked for. */
static void
check_addresses(struct doc *d, const char *pointer, json_t *value,
    bool (*fits)(const char *text), const char *wanted)
{
	json_t *item;
	char *at;
	size_t i;

	json_array_foreach(value, i, item) {
		at = pointer_item(pointer, i);
		if (json_is_string(item) && !fits(json_string_value(item)))
			doc_error(d, at, "\"%.80s\" is no address with %s",
			    json_string_value(item), wanted);
		free(at);
	}
}

/* shape_check_fn */
static void
check_listen(struct doc *d, const char *pointer, json_t *value)
{
	check_addresses(d, pointer, value, is_port,
	    "port, such as 127.0.0.1:9101");
}

/* shape_check_fn */
static void
check_ranges(struct doc *d, const char *pointer, json_t *value)
{
	check_addresses(d, pointer, value, address_is_range,
	    "ports, such as 127.0.0.1:1024-65535, [::]:514, or "
	    "unix:/run/sensors/");
}

const struct host_option host_options[] = {
	{ "packs_path", HOST_PATHS, OFFSET(packs_path), "[]", 0, 0, NULL,
	    NULL, true, "folders that hold packs, searched in order" },
	{ "configs_dir", HOST_PATH, OFFSET(configs_dir), "null", 0, 0, NULL,
	    NULL, true, "folder of the packs' configurations, <pack>.yaml" },
	{ "data_dir", HOST_PATH, OFFSET(data_dir), "null", 0, 0, NULL, NULL,
	    false, "folder of the journal and the datastore" },
	{ "key_file", HOST_PATH, OFFSET(key_file), "null", 0, 0, NULL, NULL,
	    false, "key of encrypted values; `sensorhost key generate`" },
	{ "limits.memory", HOST_SIZE, OFFSET(limit_memory), "64M", 1 * MB,
	    64 * GB, NULL, NULL, true, "bytes of Lua memory of a sensor" },
	{ "limits.slice", HOST_DURATION, OFFSET(limit_slice_us), "10s",
	    SECOND / 100, DAY, NULL, NULL, true,
	    "how long a sensor may compute without waiting" },
	{ "limits.unit", HOST_SIZE, OFFSET(limit_unit), "8M", 64 * KB,
	    1 * GB, NULL, NULL, true, "bytes of one unit of work" },
	{ "stop_timeout", HOST_DURATION, OFFSET(stop_timeout_us), "10s", 0,
	    DAY, NULL, NULL, true, "how long sensors may take to stop" },
	{ "setup_timeout", HOST_DURATION, OFFSET(setup_timeout_us), "10s",
	    SECOND / 100, DAY, NULL, NULL, true, "how long setup() may take" },
	{ "validate_formats", HOST_BOOL, OFFSET(validate_formats), "false",
	    0, 0, NULL, NULL, true, "check `format` in schemas" },
	{ "triggers", HOST_JSON, OFFSET(triggers), "[]", 0, 0, NULL,
	    check_triggers, true,
	    "parameterised triggers that no rule declares" },
	{ "emit_internal", HOST_TEXTS, OFFSET(emit_internal), "[core.*]", 0,
	    0, NULL, NULL, true, "internal triggers that are written" },
	{ "emit_local_keys", HOST_BOOL, OFFSET(emit_local_keys), "false", 0,
	    0, NULL, NULL, true,
	    "key_value_pair triggers for the sensors' own keys too" },
	{ "partition.provider", HOST_TEXT, OFFSET(partition_provider),
	    "default", 0, 0, providers, NULL, true,
	    "which sensors this host runs" },
	{ "partition.node", HOST_TEXT, OFFSET(partition_node), "sensornode1",
	    0, 0, NULL, NULL, true, "the name of this host in partitions" },
	{ "partition.file", HOST_PATH, OFFSET(partition_file), "null", 0, 0,
	    NULL, NULL, true, "the file of the provider `file`" },
	{ "partition.hash_ranges", HOST_TEXT, OFFSET(partition_hash_ranges),
	    "null", 0, 0, NULL, NULL, true,
	    "the ranges of the provider `hash`" },
	{ "sensor_listen", HOST_TEXTS, OFFSET(sensor_listen),
	    "[\"127.0.0.1:1024-65535\", \"[::1]:1024-65535\"]", 0, 0, NULL,
	    check_ranges, true, "where sensors may listen: address:ports, "
	    "unix:/path, unix:/folder/" },
	{ "c_modules", HOST_TEXTS, OFFSET(c_modules), "[]", 0, 0, NULL, NULL,
	    false, "C modules that packs may load" },
	{ "action_sensor.enable", HOST_BOOL, OFFSET(action_sensor_enable),
	    "true", 0, 0, NULL, NULL, true,
	    "core.st2.generic.actiontrigger for finished actions" },
	{ "action_sensor.emit_when", HOST_TEXTS,
	    OFFSET(action_sensor_emit_when),
	    "[succeeded, failed, timeout, canceled, abandoned]", 0, 0,
	    outcomes, NULL, true, "the outcomes it is written for" },
	{ "journal.retain_age", HOST_DURATION, OFFSET(journal_retain_age_us),
	    "7d", 60 * SECOND, 36500 * DAY, NULL, NULL, true,
	    "how long trigger instances are kept" },
	{ "journal.retain_size", HOST_SIZE, OFFSET(journal_retain_size),
	    "10G", 1 * MB, 1024 * 1024 * GB, NULL, NULL, true,
	    "bytes of trigger instances that are kept" },
	{ "journal.when_held", HOST_WORD, OFFSET(journal_drop_when_held),
	    "wait", 0, 0, held, NULL, true,
	    "what happens where a consumer holds more than that" },
	{ "dead_letters.retain_age", HOST_DURATION,
	    OFFSET(dead_letters_retain_age_us), "30d", 60 * SECOND,
	    36500 * DAY, NULL, NULL, true, "how long dead letters are kept" },
	{ "dead_letters.retain_size", HOST_SIZE,
	    OFFSET(dead_letters_retain_size), "1G", 1 * MB, 1024 * 1024 * GB,
	    NULL, NULL, true, "bytes of dead letters that are kept" },
	{ "api.listen", HOST_TEXTS, OFFSET(api_listen), "[]", 0, 0, NULL,
	    check_listen, false,
	    "addresses beside the Unix socket in data_dir" },
	{ "api.auth", HOST_BOOL, OFFSET(api_auth), "true", 0, 0, NULL, NULL,
	    false, "ask for an API key (false: loopback only)" },
	{ "api.socket_mode", HOST_MODE, OFFSET(api_socket_mode), "\"0600\"",
	    0, 0777, NULL, NULL, false, "permissions of the Unix socket" },
	{ "api.tls.cert", HOST_PATH, OFFSET(api_tls_cert), "null", 0, 0,
	    NULL, NULL, false, "certificate, PEM" },
	{ "api.tls.key", HOST_PATH, OFFSET(api_tls_key), "null", 0, 0, NULL,
	    NULL, false, "its key, PEM" },
	{ "api.max_header", HOST_SIZE, OFFSET(api_max_header), "16K", 1 * KB,
	    1 * MB, NULL, NULL, false, "bytes of a request's header" },
	{ "api.header_timeout", HOST_DURATION, OFFSET(api_header_timeout_us),
	    "10s", SECOND / 10, 3600 * SECOND, NULL, NULL, true,
	    "how long the whole header may take" },
	{ "api.max_body", HOST_SIZE, OFFSET(api_max_body), "4M", 1 * KB,
	    256 * MB, NULL, NULL, true, "bytes of a request's body" },
	{ "api.body_timeout", HOST_DURATION, OFFSET(api_body_timeout_us),
	    "30s", SECOND / 10, 3600 * SECOND, NULL, NULL, true,
	    "how long the whole body may take" },
	{ "api.idle_timeout", HOST_DURATION, OFFSET(api_idle_timeout_us),
	    "60s", SECOND, DAY, NULL, NULL, true,
	    "how long a connection may be idle" },
	{ "api.max_connections", HOST_INTEGER, OFFSET(api_max_connections),
	    "10000", 1, 1000000, NULL, NULL, false, "connections at a time" },
	{ "api.max_per_address", HOST_INTEGER, OFFSET(api_max_per_address),
	    "6000", 1, 1000000, NULL, NULL, false,
	    "connections at a time from one address" },
	{ "log.level", HOST_TEXT, OFFSET(log_level), "info", 0, 0, levels,
	    NULL, true, "the least level that is written" },
	{ "log.format", HOST_WORD, OFFSET(log_json), "text", 0, 0, formats,
	    NULL, true, "lines of text or of JSON" },
	{ "log.file", HOST_PATH, OFFSET(log_file), "null", 0, 0, NULL, NULL,
	    false, "file of the log; null is stderr" },
	{ "log.sensors", HOST_JSON, OFFSET(log_sensors), "{}", 0, 0, NULL,
	    check_levels, true, "levels of single sensors" },
	{ NULL, 0, 0, NULL, 0, 0, NULL, NULL, false, NULL }
};

const struct host_option *
host_option_find(const char *name)
{
	const struct host_option *o;

	for (o = host_options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}
