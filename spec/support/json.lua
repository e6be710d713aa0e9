-- jansson through FFI: texts to json_t, for specs of C parts that take one.
--
--	local json = require("spec.support.json")
--	local value = json.load('{"a": 1}')	-- json_t *, for good

local ffi = require("ffi")
require("spec.support.cdef")

local lib = ffi.load("libjansson.so.4")
local M = {}

-- All that was loaded stays until the end: what is borrowed of it outlives
-- its last use.
local kept = {}

local DECODE_ANY, INT_AS_REAL = 0x4 + 0x10, 0x8 -- NUL allowed too
local ENCODE_ANY, COMPACT, SORT_KEYS = 0x200, 0x20, 0x80

-- Integers that are no int64 come as reals.
function M.load(text)
	local e = ffi.new("json_error_t")
	local value = lib.json_loadb(text, #text, DECODE_ANY, e)
	if value == nil then
		value = lib.json_loadb(text, #text, DECODE_ANY + INT_AS_REAL, e)
	end
	assert(value ~= nil, "bad JSON in a spec: " .. ffi.string(e.text))
	table.insert(kept, ffi.gc(value, M.free))
	return value
end

function M.free(value)
	if value.refcount == ffi.cast("size_t", -1) then
		return -- true, false and null are never freed
	end
	value.refcount = value.refcount - 1
	if value.refcount == 0 then
		lib.json_delete(value)
	end
end

-- Takes over a reference that a C function returned.
function M.own(value)
	return ffi.gc(value, M.free)
end

-- Borrowed: a member, an item (from 0), the number of items, a string.
function M.get(value, key)
	local member = lib.json_object_get(value, key)
	return member ~= nil and member or nil
end

function M.at(value, index)
	return lib.json_array_get(value, index)
end

function M.size(value)
	return tonumber(lib.json_array_size(value))
end

function M.string(value)
	return ffi.string(lib.json_string_value(value))
end

function M.is_true(value)
	return value.type == 5
end

function M.text(value)
	local p = lib.json_dumps(value, ENCODE_ANY + COMPACT + SORT_KEYS)
	local text = ffi.string(p)
	ffi.C.free(p)
	return text
end

return M
