-- What the specs of src/pack share: the room through the FFI, JSON values by
-- jansson, throw-away pack folders, and the corpus of real packs where there
-- is one (SENSORHOST_CORPUS, else ../shared/corpus).

local ffi = require("ffi")
local posix = require("posix")
local lib = require("spec.support.lib")

ffi.cdef([[
typedef struct { int type; volatile size_t refcount; } json_t;
json_t *json_loadb(const char *p, size_t n, size_t flags, void *e);
char *json_dumps(const json_t *v, size_t flags);
int json_equal(const json_t *a, const json_t *b);
void json_delete(json_t *v);
json_t *json_object_get(const json_t *o, const char *key);
const char *json_string_value(const json_t *v);
void free(void *p);

struct err { char text[2048]; };
struct diag { int level; char *file; int line; int column; char *text; };
struct diags { struct diag *items; size_t count, cap, errors, dropped; };
void diags_init(struct diags *d);
void diags_release(struct diags *d);
void diags_sort(struct diags *d);
char *diag_print(const struct diag *d);
json_t *diags_json(const struct diags *d);
]])

local M = { lib = lib }

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

-- The corpus folder, or nil.
function M.corpus()
	local dir = os.getenv("SENSORHOST_CORPUS") or "../shared/corpus"
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
