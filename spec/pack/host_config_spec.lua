-- sensorhost.yaml: defaults, types, ranges, paths, messages.

local ffi = require("ffi")
local posix = require("posix")
local cdef = require("spec.support.cdef")
local pack = require("spec.support.pack")
local lib = pack.lib

cdef([[
struct host_list { char **items; size_t count; };
struct host_config {
	char *file;
	struct host_list packs_path;
	char *configs_dir, *data_dir, *key_file;
	uint64_t limit_memory;
	int64_t limit_slice_us;
	uint64_t limit_unit;
	int64_t stop_timeout_us, setup_timeout_us;
	bool validate_formats;
	json_t *triggers;
	struct host_list emit_internal;
	bool emit_local_keys;
	char *partition_provider, *partition_node, *partition_file;
	char *partition_hash_ranges;
	struct host_list sensor_listen, c_modules;
	bool action_sensor_enable;
	struct host_list action_sensor_emit_when;
	int64_t journal_retain_age_us;
	uint64_t journal_retain_size;
	bool journal_drop_when_held;
	int64_t dead_letters_retain_age_us;
	uint64_t dead_letters_retain_size;
	struct host_list api_listen;
	bool api_auth;
	unsigned api_socket_mode;
	char *api_tls_cert, *api_tls_key;
	uint64_t api_max_header;
	int64_t api_header_timeout_us;
	uint64_t api_max_body;
	int64_t api_body_timeout_us, api_idle_timeout_us;
	int64_t api_max_connections, api_max_per_address;
	char *log_level;
	bool log_json;
	char *log_file;
	json_t *log_sensors;
};
struct host_config *host_config_load(const char *file,
    const char *installed_packs, struct diags *diags);
void host_config_free(struct host_config **c);
int host_config_set(struct host_config *c, const char *option,
    const char *text, struct err *e);
void host_config_print(const struct host_config *c, struct buf *out);
typedef void host_config_changed_fn(void *arg, const char *option,
    bool reloadable);
void host_config_compare(const struct host_config *old,
    const struct host_config *new, host_config_changed_fn *changed,
    void *arg);
]])

local function load(file, installed)
	local diags = pack.diags()
	local c = lib.host_config_load(file, installed, diags)
	local lines = pack.lines(diags)
	if c == nil then
		return nil, lines
	end
	return ffi.gc(c, function(p)
		lib.host_config_free(ffi.new("struct host_config *[1]", p))
	end), lines
end

-- Loads this text as the file of a folder of its own.
local function load_text(text)
	local dir = pack.folder({ ["s.yaml"] = text })
	local c, lines = load(dir .. "/s.yaml")
	for i, line in ipairs(lines) do
		lines[i] = line:sub(#dir + 2)
	end
	pack.remove(dir)
	return c, lines, posix.realpath and dir or dir
end

local function list(l)
	local t = {}
	for i = 0, tonumber(l.count) - 1 do
		t[#t + 1] = ffi.string(l.items[i])
	end
	return t
end

describe("host config", function()
	it("has the documented defaults", function()
		local c, lines = load_text("")
		assert.same({}, lines)
		assert.equal(64 * 2 ^ 20, tonumber(c.limit_memory))
		assert.equal(10e6, tonumber(c.limit_slice_us))
		assert.equal(8 * 2 ^ 20, tonumber(c.limit_unit))
		assert.equal(10e6, tonumber(c.stop_timeout_us))
		assert.equal(10e6, tonumber(c.setup_timeout_us))
		assert.is_false(c.validate_formats)
		assert.equal("[]", pack.text(c.triggers))
		assert.same({ "core.*" }, list(c.emit_internal))
		assert.equal("default", ffi.string(c.partition_provider))
		assert.equal("sensornode1", ffi.string(c.partition_node))
		assert.equal(7 * 86400e6, tonumber(c.journal_retain_age_us))
		assert.equal(10 * 2 ^ 30, tonumber(c.journal_retain_size))
		assert.is_false(c.journal_drop_when_held)
		assert.equal(30 * 86400e6, tonumber(c.dead_letters_retain_age_us))
		assert.equal(tonumber("600", 8), c.api_socket_mode)
		assert.is_true(c.api_auth)
		assert.equal(16384, tonumber(c.api_max_header))
		assert.equal(10000, tonumber(c.api_max_connections))
		assert.equal("info", ffi.string(c.log_level))
		assert.is_false(c.log_json)
		assert.is_true(c.log_file == nil and c.configs_dir == nil)
		assert.truthy(ffi.string(c.key_file):find("/sensorhost/key$"))
		assert.is_true(c.data_dir ~= nil)
	end)

	it("reads every option, paths counted from its folder", function()
		local dir = pack.folder({ ["etc/s.yaml"] = [[
packs_path: [packs, ./more, /opt/packs]
configs_dir: configs
data_dir: ../data
key_file: /etc/sensorhost/key
limits: {memory: 128M, slice: 1.5, unit: 1000000}
stop_timeout: 500ms
validate_formats: yes
triggers:
  - {type: linux.file_watch.line, parameters: {file_path: /x}}
emit_internal: []
partition: {provider: hash, node: n, hash_ranges: "0..1|2..max"}
sensor_listen: ["0.0.0.0:80-90"]
action_sensor: {enable: false, emit_when: [failed]}
journal: {retain_age: 1h, retain_size: 2G, when_held: drop}
api:
  listen: ["127.0.0.1:9101"]
  socket_mode: 0660
  tls: {cert: c.pem, key: k.pem}
  max_per_address: 5
log: {level: debug, format: json, file: log.txt, sensors: {a.B: error}}
]] })
		local c, lines = load(dir .. "/etc/s.yaml")
		assert.same({}, lines)
		local etc = dir .. "/etc"
		assert.same({ etc .. "/packs", etc .. "/more", "/opt/packs" },
			list(c.packs_path))
		assert.equal(etc .. "/configs", ffi.string(c.configs_dir))
		assert.equal(etc .. "/../data", ffi.string(c.data_dir))
		assert.equal("/etc/sensorhost/key", ffi.string(c.key_file))
		assert.equal(1.5e6, tonumber(c.limit_slice_us))
		assert.equal(5e5, tonumber(c.stop_timeout_us))
		assert.is_true(c.validate_formats)
		assert.same({}, list(c.emit_internal))
		assert.is_true(c.journal_drop_when_held)
		assert.equal(tonumber("660", 8), c.api_socket_mode)
		assert.equal(etc .. "/c.pem", ffi.string(c.api_tls_cert))
		assert.is_true(c.log_json)
		assert.equal('{"a.B":"error"}', pack.text(c.log_sensors))
		assert.equal('[{"parameters":{"file_path":"/x"},'
			.. '"type":"linux.file_watch.line"}]', pack.text(c.triggers))
		pack.remove(dir)
	end)

	local bad = {
		{ "pack_path: [a]", 's.yaml:1:1: unknown key "pack_path"; '
			.. 'did you mean "packs_path"?' },
		{ "journal: {retain: 7d}", 's.yaml:1:11: unknown key "retain" '
			.. "in journal" },
		{ "api: {tls: {crt: x}}", 's.yaml:1:13: unknown key "crt" in '
			.. 'api.tls; did you mean "cert"?' },
		{ "journal.retain_age: 7d", 's.yaml:1:1: unknown key '
			.. '"journal.retain_age"' },
		{ "limits: 5", 's.yaml:1:9: "limits" must be a mapping, '
			.. "this is the number 5" },
		{ "limits: {memory: 1K}", 's.yaml:1:18: "limits.memory" is out of '
			.. "range; it must be from 1M to 64G" },
		{ "limits: {memory: lots}", 's.yaml:1:18: "limits.memory" is '
			.. 'wrong: "lots" is no size; write a number of bytes or one '
			.. "with K, M or G, such as 64M" },
		{ "stop_timeout: [1]", 's.yaml:1:15: "stop_timeout" is a list; '
			.. "it must be a duration such as 10s" },
		{ "stop_timeout: -5", 's.yaml:1:15: "stop_timeout" is the number '
			.. "-5; it must be a duration such as 10s" },
		{ "validate_formats: 'no'", 's.yaml:1:19: "validate_formats" is '
			.. 'the string "no"; it must be true or false' },
		{ "log: {level: warn}", 's.yaml:1:14: "log.level" is "warn"; it '
			.. "must be one of debug, info, warning, error, critical" },
		{ "log: {sensors: {a.B: loud}}",
			's.yaml:1:22: "a.B" is "loud"; it must be one of debug, '
			.. "info, warning, error, critical" },
		{ "partition: {provider: hsh}", 's.yaml:1:23: '
			.. '"partition.provider" is "hsh"; it must be one of default, '
			.. 'file, hash, kvstore (did you mean "hash"?)' },
		{ "api: {max_connections: 1.5}", 's.yaml:1:24: '
			.. '"api.max_connections" is the number 1.5; '
			.. "it must be an integer" },
		{ "api: {max_connections: 0}", 's.yaml:1:24: '
			.. '"api.max_connections" is 0; it must be from 1 to 1000000' },
		{ 'api: {socket_mode: "9"}', 's.yaml:1:20: "api.socket_mode" is '
			.. 'the string "9"; it must be permissions such as "0600"' },
		{ "api: {listen: [9101]}", 's.yaml:1:15: "api.listen" is the '
			.. "number 9101; it must be a list of texts" },
		{ "api: {listen: [localhost]}", 's.yaml:1:16: "localhost" is no '
			.. "address with port, such as 127.0.0.1:9101" },
		{ "sensor_listen: [host:1-2]", 's.yaml:1:17: "host:1-2" is no '
			.. "address with ports, such as 127.0.0.1:1024-65535, "
			.. "[::]:514, or unix:/run/sensors/" },
		{ "triggers: [{parameters: {}}]", "s.yaml:1:12: a trigger needs "
			.. 'the key "type"' },
		{ "triggers: [{type: x}]", 's.yaml:1:12: "type" is "x"; it must be '
			.. "a trigger type such as linux.file_watch.line" },
		{ "packs_path: packs", 's.yaml:1:13: "packs_path" is the string '
			.. '"packs"; it must be a list' },
		{ "data_dir: ''", 's.yaml:1:11: "data_dir" is the string ""; '
			.. "it must be a text" },
		{ "- a", "s.yaml:1:1: the configuration must be a mapping, "
			.. "this is a list" },
		{ "a: [", "s.yaml:2:1: did not find expected node content "
			.. "(while parsing a flow node)" },
	}

	it("says what is wrong and where", function()
		for _, case in ipairs(bad) do
			local c, lines = load_text(case[1])
			assert.is_nil(c)
			assert.same({ case[1], case[2] }, { case[1], lines[1] })
			assert.equal(1, #lines)
		end
	end)

	it("reports all errors of a file", function()
		local _, lines = load_text("a: 1\nlog: {level: x, file: 5}\n")
		assert.equal(3, #lines)
	end)

	it("says that a named file is not there", function()
		local c, lines = load("/nonexistent/s.yaml")
		assert.is_nil(c)
		assert.same({ "/nonexistent/s.yaml: there is no such file" },
			lines)
	end)

	it("takes options from the command line", function()
		local c = load_text("")
		local e = ffi.new("struct err")
		assert.equal(0, lib.host_config_set(c, "data_dir", "d", e))
		assert.equal("d", ffi.string(c.data_dir))
		assert.equal(0, lib.host_config_set(c, "api.auth", "false", e))
		assert.is_false(c.api_auth)
		assert.equal(0, lib.host_config_set(c, "packs_path", "p", e))
		assert.same({ "p" }, list(c.packs_path))
		assert.equal(-1, lib.host_config_set(c, "log.levl", "x", e))
		assert.equal('no option "log.levl"; did you mean "log.level"?',
			ffi.string(e.text))
		assert.equal(-1, lib.host_config_set(c, "log.level", "x", e))
		assert.truthy(ffi.string(e.text):find('"log.level": is "x"; it '
			.. "must be one of", 1, true), ffi.string(e.text))
	end)

	it("prints what it would read back", function()
		local function print_out(c)
			local b = ffi.new("struct buf")
			lib.host_config_print(c, b)
			local text = ffi.string(b.data, b.len)
			lib.buf_release(b)
			return text
		end
		local c = load_text("log: {level: debug, sensors: {a.B: info}}\n"
			.. "triggers: [{type: a.b, parameters: {x: [1]}}]\n"
			.. "packs_path: [/p, '/q \"r\"']\napi: {tls: {key: /k}}\n")
		local text = print_out(c)
		assert.truthy(text:find('\napi:\n  # ', 1, true))
		assert.truthy(text:find('\n  tls:\n    # ', 1, true))
		local again, lines = load_text(text)
		assert.same({}, lines)
		assert.equal(text, print_out(again))
	end)

	it("tells what changed and whether it can be reloaded", function()
		local a = load_text("data_dir: /a\nlog: {level: info}\n")
		local b = load_text("data_dir: /b\nlog: {level: debug}\n")
		local seen = {}
		local fn = ffi.cast("host_config_changed_fn *",
			function(_, option, reloadable)
				seen[ffi.string(option)] = reloadable
			end)
		lib.host_config_compare(a, b, fn, nil)
		fn:free()
		assert.same({ data_dir = false, ["log.level"] = true }, seen)
	end)
end)
