-- What the specs of src/pack share: the room through the FFI, JSON values by
-- jansson, throw-away pack folders, and the corpus of real packs where there
-- is one (SENSORHOST_CORPUS, else ../shared/corpus).

local ffi = require("ffi")
local posix = require("posix")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
struct diag { int level; char *file; int line; int column; char *text; };
struct diags { struct diag *items; size_t count, cap, errors, dropped; };
void diags_init(struct diags *d);
void diags_release(struct diags *d);
void diags_sort(struct diags *d);
char *diag_print(const struct diag *d);
json_t *diags_json(const struct diags *d);

typedef int config_lookup_fn(void *arg, const char *scope,
    const char *name, bool decrypt, json_t **value, bool *sealed,
    struct err *e);
struct config {
	json_t *value, *secrets, *secret_paths, *places; char *file;
	bool rendered, ok;
};
struct pack;
struct lua_source {
	char *path, *file, *chunk, *text;
	size_t len;
	uint8_t digest[32];
	char **requires;
	size_t require_count;
	bool requires_more;
};
struct trigger_type {
	char *ref, *pack, *name, *description;
	json_t *payload_schema, *parameters_schema, *tags;
	struct schema *payload, *parameters;
	char *file;
	int line, payload_line;
};
struct sensor_meta {
	struct pack *pack;
	char *ref, *class_name, *description, *file, *metadata_file;
	char *entry_point;
	json_t *metadata;
	bool enabled;
	double poll_interval;
	int poll_interval_line;
	int first_poll, reload, on_invalid;
	uint64_t limit_memory;
	int64_t limit_slice_us;
	uint64_t limit_unit;
	struct trigger_type **triggers;
	size_t trigger_count;
	const struct lua_source *entry;
	uint8_t digest[32];
	bool rejected;
	struct err why;
};
struct pack {
	char *name, *dir, *real_dir;
	json_t *facts;
	struct config config;
	struct sensor_meta **sensors;
	size_t sensor_count;
	struct trigger_type **triggers;
	size_t trigger_count;
	struct lua_source **sources;
	size_t source_count, source_bytes;
	struct diags source_diags;
	char *unread;
};
struct pack_options {
	const char *configs_dir;
	bool validate_formats;
	config_lookup_fn *lookup;
	void *lookup_arg;
};
struct catalog_options {
	char *const *packs_path;
	size_t packs_path_count;
	struct pack_options pack;
};
const struct lua_source *pack_source(const struct pack *p,
    const char *path);
const struct lua_source *sensor_source(const struct sensor_meta *s,
    const char *module, char **searched);
struct catalog;
struct catalog *catalog_read(const struct catalog_options *options);
void catalog_unref(struct catalog **c);
const struct diags *catalog_diags(const struct catalog *c);
size_t catalog_pack_count(const struct catalog *c);
struct pack *catalog_pack(const struct catalog *c, size_t i);
struct pack *catalog_pack_by_name(const struct catalog *c,
    const char *name);
size_t catalog_sensor_count(const struct catalog *c);
struct sensor_meta *catalog_sensor(const struct catalog *c, size_t i);
struct sensor_meta *catalog_sensor_by_ref(const struct catalog *c,
    const char *ref);
struct sensor_meta *catalog_sensor_want(const struct catalog *c,
    const char *ref, struct err *e);
const struct trigger_type *catalog_trigger_type(const struct catalog *c,
    const char *ref);
struct catalog *check_read(char *const *words, size_t count,
    const struct catalog_options *options, struct err *e);
]])

-- How many times slower than a release build things may be here.
local M = { lib = lib,
	slowness = tonumber(os.getenv("SENSORHOST_SPEC_SLOWNESS")) or 1 }

-- JSON text to a json_t that frees itself.
function M.json(text)
	-- 0x4: any value, not only lists and objects
	local value = lib.json_loadb(text, #text, 0x4, nil)
	assert(value ~= nil, "no JSON: " .. text)
	return M.own(value)
end

-- Takes over a reference; the Lua value frees it.
function M.own(value)
	return ffi.gc(value, function(v)
		v.refcount = v.refcount - 1
		if v.refcount == 0 then
			lib.json_delete(v)
		end
	end)
end

-- A json_t as text, members sorted.
function M.text(value)
	-- compact, members sorted, any value
	local p = lib.json_dumps(value, 0x20 + 0x80 + 0x200)
	local text = p ~= nil and ffi.string(p)
	lib.free(p)
	return text
end

-- A borrowed C string, or nil.
function M.string(p)
	return p ~= nil and ffi.string(p) or nil
end

-- The findings of a struct diags as a list of lines.
function M.lines(diags)
	local lines = {}
	for i = 0, tonumber(diags.count) - 1 do
		local p = lib.diag_print(diags.items + i)
		lines[#lines + 1] = ffi.string(p)
		lib.free(p)
	end
	return lines
end

function M.diags()
	return ffi.gc(ffi.new("struct diags"), lib.diags_release)
end

-- Writes a file, making the folders it needs.
function M.write(path, text)
	local at = 1
	while true do
		local slash = path:find("/", at + 1, true)
		if not slash then
			break
		end
		posix.mkdir(path:sub(1, slash - 1))
		at = slash
	end
	local f = assert(io.open(path, "wb"))
	f:write(text)
	f:close()
end

-- A new folder below the system's temporary one, with these files in it.
function M.folder(files)
	local dir = assert(posix.mkdtemp(
		(os.getenv("TMPDIR") or "/tmp") .. "/pack-spec-XXXXXX"))
	for name, text in pairs(files or {}) do
		M.write(dir .. "/" .. name, text)
	end
	return dir
end

-- Removes a folder that M.folder made.
function M.remove(dir)
	assert(dir:find("/pack%-spec%-......$"))
	os.execute("rm -rf '" .. dir .. "'")
end

-- A Lua list of strings as char *const[], and what keeps it alive.
function M.strings(list)
	local array = ffi.new("char *[?]", #list + 1)
	local keep = {}
	for i, text in ipairs(list) do
		keep[i] = ffi.new("char[?]", #text + 1, text)
		array[i - 1] = keep[i]
	end
	keep.array = array
	return array, keep
end

-- Catalog options; keep them alive as long as they are used.
function M.options(packs_path, more)
	local array, keep = M.strings(packs_path)
	local o = ffi.new("struct catalog_options")
	o.packs_path, o.packs_path_count = array, #packs_path
	for key, value in pairs(more or {}) do
		o.pack[key] = value
	end
	return o, keep
end

function M.own_catalog(c)
	return ffi.gc(c, function(p)
		lib.catalog_unref(ffi.new("struct catalog *[1]", p))
	end)
end

-- The catalog of these folders of packs.
function M.catalog(packs_path, more)
	local o, keep = M.options(packs_path, more)
	local c = M.own_catalog(lib.catalog_read(o))
	return c, keep
end

-- The findings of a catalog, the folder's own path cut off.
function M.findings(catalog, dir)
	local lines = M.lines(lib.catalog_diags(catalog))
	for i, line in ipairs(lines) do
		local at = 1
		while at do
			local from, to = line:find(dir .. "/", at, true)
			if from then
				line = line:sub(1, from - 1) .. line:sub(to + 1)
			end
			at = from
		end
		lines[i] = line
	end
	return lines
end

-- The corpus folder, or nil.
function M.corpus()
	local dir = os.getenv("SENSORHOST_CORPUS")
		or (os.getenv("SENSORHOST_SPEC_ROOT") or ".")
			.. "/../shared/corpus"
	return posix.access(dir .. "/README.md", "r") and dir or nil
end

-- The lines of an expected/*.jsonl file, or pending() where there is none.
function M.expected(name)
	local dir = M.corpus()
	if not dir then
		return nil
	end
	local lines = {}
	for line in io.lines(dir .. "/expected/" .. name) do
		lines[#lines + 1] = line
	end
	return lines, dir
end

function M.read(path)
	local f = assert(io.open(path, "rb"))
	local text = f:read("*a")
	f:close()
	return text
end

return M
