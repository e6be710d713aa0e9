/*
 * The list of all bindings, by the names under which the host's own Lua
 * modules get them while the library is loaded.
 */
#include "worker/bind/bind.h"

#include "worker/bind/bind_check.h"
#include "worker/bind/bind_crypto.h"
#include "worker/bind/bind_file.h"
#include "worker/bind/bind_inotify.h"
#include "worker/bind/bind_json.h"
#include "worker/bind/bind_kept.h"
#include "worker/bind/bind_open.h"
#include "worker/bind/bind_park.h"
#include "worker/bind/bind_regex.h"
#include "worker/bind/bind_socket.h"
#include "worker/bind/bind_text.h"
#include "worker/bind/bind_zone.h"

const struct bind_module bind_modules[] = {
	{"host.check", bind_check_open},
	{"host.crypto", bind_crypto_open},
	{"host.data", bind_data_open},
	{"host.error", bind_error_open},
	{"host.file", bind_file_open},
	{"host.inotify", bind_inotify_open},
	{"host.json", bind_json_open},
	{"host.kept", bind_kept_open},
	{"host.log", bind_log_open},
	{"host.null", bind_null_open},
	{"host.park", bind_park_open},
	{"host.regex", bind_regex_open},
	{"host.schema", bind_schema_open},
	{"host.sensor", bind_sensor_open},
	{"host.service", bind_service_open},
	{"host.socket", bind_socket_open},
	{"host.spawn", bind_spawn_open},
	{"host.text", bind_text_open},
	{"host.time", bind_time_open},
	{"host.unit", bind_unit_open},
	{"host.zone", bind_zone_open},
	{NULL, NULL},
};
