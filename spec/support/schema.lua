-- The schema compiler through FFI.
--
--	local schema = require("spec.support.schema")
--	local s, e = schema.compile(text or json_t, options)
--	local ok, e = schema.validate(s, text or json_t)

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local json = require("spec.support.json")
local lib = require("spec.support.lib")

cdef([[
struct schema_document { const char *uri; const json_t *root; };
struct schema_options { int dialect; bool validate_formats;
    const struct schema_document *documents; size_t document_count; };
struct schema_error { char path[512]; char schema_path[512];
    char keyword[24]; char found[256]; char wants[256]; char message[544]; };
struct schema;
struct schema *schema_compile(const json_t *text,
    const struct schema_options *options, struct schema_error *e);
void schema_free(struct schema **s);
int schema_validate_json(const struct schema *s, const json_t *value,
    struct schema_error *e);
json_t *schema_fill_json(const struct schema *s, const json_t *value,
    bool create);
int schema_error_say(const struct schema_error *e, const char *subject,
    const char *where, struct err *err);
]])

local M = {}

M.DRAFT4, M.STACKSTORM = 0, 1

local function value_of(value)
	return type(value) == "string" and json.load(value) or value
end

local function error_of(e)
	return { path = ffi.string(e.path), keyword = ffi.string(e.keyword),
		schema_path = ffi.string(e.schema_path),
		found = ffi.string(e.found), wants = ffi.string(e.wants),
		message = ffi.string(e.message), raw = e }
end

-- options: dialect, formats, documents = {{uri, json_t}...}
function M.compile(text, options)
	options = options or {}
	local documents = options.documents or {}
	local list = ffi.new("struct schema_document[?]", #documents + 1)
	for i, document in ipairs(documents) do
		list[i - 1].uri = document[1]
		list[i - 1].root = document[2]
	end
	local o = ffi.new("struct schema_options", {
		options.dialect or M.DRAFT4, options.formats or false,
		list, #documents })
	local e = ffi.new("struct schema_error")
	local root = value_of(text)
	local s = lib.schema_compile(root, o, e)
	if s == nil then
		return nil, error_of(e)
	end
	return ffi.gc(s, function(p)
		lib.schema_free(ffi.new("struct schema *[1]", { p }))
	end)
end

function M.validate(s, value)
	local e = ffi.new("struct schema_error")
	local held = value_of(value)
	if lib.schema_validate_json(s, held, e) == 0 then
		return true
	end
	return false, error_of(e)
end

function M.fill(s, value, create)
	local held = value_of(value)
	return json.text(json.own(lib.schema_fill_json(s, held,
		create or false)))
end

function M.say(e, subject, where)
	local err = ffi.new("struct err")
	lib.schema_error_say(e.raw, subject, where, err)
	return ffi.string(err.text)
end

return M
