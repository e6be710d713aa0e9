/*
 * From Python's modules to the host's: one table. Called by `migrate` for
 * each import. Whether a module of the host is there is asked of its folder,
 * so that the table need not change when one comes.
 */
#include "cli/hints.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/xalloc.h"

/* Python module → module of the host, or what else to do (then lua NULL). */
static const struct {
	const char *python;
	const char *lua;
	const char *how;
} hints[] = {
	{"abc", NULL, NULL},
	{"__future__", NULL, NULL},
	{"typing", NULL, NULL},
	{"st2reactor", NULL, NULL},
	{"st2common.runners.base_action", NULL, NULL},
	{"st2common", NULL, "self.sensor_service and self.log have what "
	    "sensors need of it"},
	{"st2client", NULL, "self.sensor_service has the datastore"},
	{"requests", "http", "http.request{...}, http.get(url)"},
	{"httplib2", "http", NULL},
	{"httplib", "http", NULL},
	{"http.client", "http", NULL},
	{"http.server", "http", "http.serve{...}"},
	{"BaseHTTPServer", "http", "http.serve{...}"},
	{"flask", "http", "http.serve{routes = ...}"},
	{"aiohttp", "http", NULL},
	{"tornado", "http", NULL},
	{"pyrest", "http", NULL},
	{"urllib.parse", "url", NULL},
	{"urlparse", "url", NULL},
	{"six.moves.urllib", "http", "or sensorhost.url for addresses alone"},
	{"six.moves.http_client", "http", NULL},
	{"six.moves.queue", "channel", NULL},
	{"six", NULL, NULL},
	{"urllib", "http", "or sensorhost.url for addresses alone"},
	{"urllib2", "http", NULL},
	{"urllib3", "http", NULL},
	{"json", "json", "json.encode, json.decode"},
	{"simplejson", "json", NULL},
	{"yaml", "yaml", NULL},
	{"time", "time", "time.sleep, time.now"},
	{"datetime", "time", "time.parse, time.format, time.rfc3339"},
	{"dateutil", "time", "time.parse"},
	{"pytz", "time", "zones are an argument: time.format(t, f, tz)"},
	{"calendar", "time", NULL},
	{"croniter", "cron", NULL},
	{"re", "regex", "for simple patterns Lua's own string.match"},
	{"socket", "socket", "socket.connect, socket.listen"},
	{"ssl", "socket", "option tls of socket.connect"},
	{"eventlet.green.subprocess", "process", NULL},
	{"eventlet", "spawn", "every call that waits lets others run; there "
	    "is nothing to patch"},
	{"gevent", "spawn", "every call that waits lets others run"},
	{"threading", "spawn", "tasks instead of threads; no locks needed"},
	{"multiprocessing", "spawn", NULL},
	{"concurrent.futures", "spawn", "spawn.map"},
	{"asyncio", "spawn", "code is straight-line, without async"},
	{"Queue", "channel", NULL},
	{"queue", "channel", NULL},
	{"subprocess", "process", "process.run{...}"},
	{"sh", "process", NULL},
	{"git", "process", "process.run{\"git\", ...}"},
	{"websocket", "websocket", NULL},
	{"websockets", "websocket", NULL},
	{"kafka", "kafka", NULL},
	{"pika", "amqp", NULL},
	{"kombu", "amqp", NULL},
	{"stomp", "socket", "the protocol is lines of text"},
	{"paho", "mqtt", NULL},
	{"imaplib", "imap", NULL},
	{"imapclient", "imap", NULL},
	{"easyimap", "imap", NULL},
	{"email", "mime", NULL},
	{"flanker", "mime", NULL},
	{"smtpd", "socket", "socket.listen and a loop over lines"},
	{"irc", "socket", "the protocol is lines of text"},
	{"hashlib", "crypto", NULL},
	{"hmac", "crypto", "crypto.hmac; crypto.equal to compare"},
	{"base64", "crypto", "crypto.base64_decode"},
	{"binascii", "crypto", NULL},
	{"uuid", "crypto", "crypto.uuid"},
	{"secrets", "crypto", "crypto.random"},
	{"ipaddress", "cidr", NULL},
	{"netaddr", "cidr", NULL},
	{"xml", "xml", NULL},
	{"lxml", "xml", NULL},
	{"xmltodict", "xml", NULL},
	{"csv", "csv", NULL},
	{"jsonschema", "schema", NULL},
	{"logshipper", "tail", NULL},
	{"pyinotify", "fs_watch", NULL},
	{"watchdog", "fs_watch", NULL},
	{"boto3", "http", "option auth = {aws = ...}"},
	{"boto", "http", "option auth = {aws = ...}"},
	{"logging", NULL, "self.log:info(format, ...), or "
	    "self.sensor_service:get_logger(name)"},
	{"os", NULL, "io.open and os.getenv are there; the rest by "
	    "sensorhost.process"},
	{"sys", NULL, NULL},
	{"copy", NULL, "tables are copied by a loop"},
	{"collections", NULL, "tables"},
	{"random", NULL, "math.random"},
	{"math", NULL, NULL},
	{"traceback", NULL, "debug.traceback; errors are logged with one "
	    "anyway"},
	{"functools", NULL, "functions are values"},
	{"itertools", NULL, "loops"},
};
#define HINTS (sizeof(hints) / sizeof(hints[0]))

/* How much of the module's name a row's name covers, in whole parts. */
static size_t
covered(const char *row, const char *module)
{
	size_t n = strlen(row);

	return strncmp(row, module, n) == 0 && (module[n] == '\0' ||
	    module[n] == '.') ? n : 0;
}

/* Whether this host has a module of that name. */
static bool
is_there(const char *lua)
{
	char *path = xasprintf("%s/sensorhost/%s.lua", paths_lua_dir(), lua);
	bool there = access(path, R_OK) == 0;

	free(path);
	return there;
}

bool
hint_put(struct buf *out, const char *module)
{
	size_t i, best = HINTS, n = 0;

	for (i = 0; i < HINTS; i++) {
		if (covered(hints[i].python, module) > n) {
			n = covered(hints[i].python, module);
			best = i;
		}
	}
	if (best == HINTS) {
		buf_printf(out, "%s: no counterpart; write what you use of it, "
		    "or talk to the service behind it by sensorhost.http",
		    module);
		return true;
	}
	if (!hints[best].lua && !hints[best].how)
		return false;
	buf_printf(out, "%s: ", module);
	if (hints[best].lua)
		buf_printf(out, "require(\"sensorhost.%s\")%s",
		    hints[best].lua, is_there(hints[best].lua) ? "" :
		    " (which this host does not have yet)");
	if (hints[best].how)
		buf_printf(out, "%s%s", hints[best].lua ? "; " : "",
		    hints[best].how);
	return true;
}
