-- The database of a data folder past the store: reads and changes what lies
-- in its tables, and makes a store of format 1 out of one of format 2.
--
--	raw.each(dir, "kv", function(key, value)
--		return value:upper()	-- another value; false: gone; nil: as it is
--	end)

local ffi = require("ffi")
local cdef = require("spec.support.cdef")

cdef([[
struct MDB_val { size_t size; void *data; };
int mdb_env_create(void **env);
int mdb_env_set_maxdbs(void *env, unsigned n);
int mdb_env_open(void *env, const char *path, unsigned flags, int mode);
int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn);
int mdb_dbi_open(void *txn, const char *name, unsigned f, unsigned *dbi);
int mdb_put(void *txn, unsigned dbi, struct MDB_val *k,
    struct MDB_val *v, unsigned flags);
int mdb_del(void *txn, unsigned dbi, struct MDB_val *k, struct MDB_val *v);
int mdb_cursor_open(void *txn, unsigned dbi, void **cursor);
int mdb_cursor_get(void *cursor, struct MDB_val *k, struct MDB_val *v,
    int op);
void mdb_cursor_close(void *cursor);
int mdb_txn_commit(void *txn);
void mdb_env_close(void *env);
]])

local lmdb = ffi.load("liblmdb.so.0")
local NEXT = 8

local M = {}

local function val(text)
	return ffi.new("struct MDB_val", #text, ffi.cast("void *", text))
end

-- fn(txn, table's number) in one transaction; "meta" is the unnamed table.
local function within(dir, name, fn)
	local env, txn = ffi.new("void *[1]"), ffi.new("void *[1]")
	local dbi = ffi.new("unsigned[1]")
	assert(lmdb.mdb_env_create(env) == 0)
	assert(lmdb.mdb_env_set_maxdbs(env[0], 10) == 0)
	assert(lmdb.mdb_env_open(env[0], dir, 0, 384) == 0)
	assert(lmdb.mdb_txn_begin(env[0], nil, 0, txn) == 0)
	assert(lmdb.mdb_dbi_open(txn[0], name ~= "meta" and name or nil, 0,
		dbi) == 0)
	fn(txn[0], dbi[0])
	assert(lmdb.mdb_txn_commit(txn[0]) == 0)
	lmdb.mdb_env_close(env[0])
end

-- All entries of a table, as a list of {key, value}.
local function entries(txn, dbi)
	local cursor = ffi.new("void *[1]")
	local k, v = ffi.new("struct MDB_val"), ffi.new("struct MDB_val")
	local found = {}
	assert(lmdb.mdb_cursor_open(txn, dbi, cursor) == 0)
	while lmdb.mdb_cursor_get(cursor[0], k, v, NEXT) == 0 do
		found[#found + 1] = { ffi.string(k.data, k.size),
			ffi.string(v.data, v.size) }
	end
	lmdb.mdb_cursor_close(cursor[0])
	return found
end

-- Writes one entry.
function M.put(dir, name, key, value)
	within(dir, name, function(txn, dbi)
		assert(lmdb.mdb_put(txn, dbi, val(key), val(value), 0) == 0)
	end)
end

-- Calls fn(key, value) for each entry; see above for what it returns.
function M.each(dir, name, fn)
	within(dir, name, function(txn, dbi)
		for _, entry in ipairs(entries(txn, dbi)) do
			local key, value = entry[1], fn(entry[1], entry[2])
			if value == false then
				assert(lmdb.mdb_del(txn, dbi, val(key), nil) == 0)
			elseif value then
				assert(lmdb.mdb_put(txn, dbi, val(key), val(value),
					0) == 0)
			end
		end
	end)
end

-- The names in the table of facts, those of tables apart.
local function is_fact(key)
	return key == "head" or key:find("^process ") ~= nil
end

local STAMP = 8

-- With the bit 31 of the number at an offset cleared, and the four bytes
-- behind it, the checksum, zero.
local function unsum(value, at)
	return value:sub(1, at + 3)
		.. string.char(value:byte(at + 4) % 128)
		.. ("\0"):rep(4) .. value:sub(at + 9)
end

-- Takes from a store all that format 2 has and format 1 had not.
function M.to_format_1(dir)
	M.each(dir, "journal", function(_, value) return unsum(value, 24) end)
	M.each(dir, "dead", function(_, value) return unsum(value, 16) end)
	M.each(dir, "kv", function(_, value)
		return unsum(value:sub(1, 32) .. value:sub(41), 24)
	end)
	for _, name in ipairs({ "sensor", "trigger", "state", "cursor",
		"dead_index" }) do
		M.each(dir, name, function(_, value)
			return value:sub(STAMP + 1)
		end)
	end
	M.each(dir, "meta", function(key, value)
		if key == "format" then
			return "\1\0\0\0"
		elseif key == "head" then
			return value:sub(STAMP + 1, STAMP + 24)
		elseif is_fact(key) then
			return value:sub(STAMP + 1)
		end
	end)
end

return M
