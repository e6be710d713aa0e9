-- The configuration is read-only: what a sensor sees of it are views, which
-- look into the data by their metatables (src/worker/readonly.h). An object's
-- is an empty table, a list's a userdata, since Lua 5.1 has no other way both
-- to refuse `list[1] = x` and to know `#list`. Here the functions that read
-- tables raw learn to look through a view, and those that change one to refuse.

-- luacheck: globals table

local host = ...
local raise = host.raise
local describe = require("host.arguments").describe
local metatable = host.lua.debug.getmetatable
local raw_type, raw_pairs, raw_next = type, pairs, next
local raw_ipairs, raw_unpack, raw_rawget, raw_move =
	ipairs, unpack, rawget, table.move

-- The metatable of a view, or nothing.
local function view(t)
	local meta = metatable(t)
	if meta and raw_type(meta[1]) == "userdata" and meta[2] then
		return meta
	end
end

-- What a list's view shows; any other value as it is.
local function seen(t)
	if raw_type(t) == "userdata" then
		local meta = view(t)
		return meta and meta[2] or t
	end
	return t
end

function _G.type(...)
	if select("#", ...) == 0 then
		return raw_type() -- raises, at the caller's line
	end
	local kind = raw_type(...)
	if kind == "userdata" and view((...)) then
		return "table"
	end
	return kind
end

function _G.pairs(t)
	local meta = metatable(t)
	if meta and meta.__pairs then
		return meta.__pairs(t)
	end
	return raw_pairs(t)
end

function _G.next(t, key)
	local meta = view(t)
	return raw_next(meta and meta[2] or t, key)
end

function _G.rawget(t, key)
	local meta = view(t)
	return raw_rawget(meta and meta[2] or t, key)
end

function _G.ipairs(...)
	return raw_ipairs(seen(...))
end

function _G.unpack(t, ...)
	return raw_unpack(seen(t), ...)
end

for _, name in raw_ipairs({ "concat", "foreach", "foreachi", "getn", "maxn" }) do
	local raw = table[name]
	table[name] = function(t, ...)
		return raw(seen(t), ...)
	end
end

-- Raises, as by a plain assignment, if t is a view.
local function refuse(t, key)
	local meta = view(t)
	if meta then
		meta.__newindex(t, key)
	end
end

-- A function that changes a table, which may not be a view.
local function guarded(name, change)
	return function(t, ...)
		if raw_type(t) ~= "table" and not view(t) then
			raise(("%s needs a table, not %s"):format(name, describe(t)))
		end
		refuse(t, name == "rawset" and (...) or raw_type(t) == "userdata" and #t)
		return change(t, ...)
	end
end
_G.rawset = guarded("rawset", rawset)
table.insert = guarded("table.insert", table.insert)
table.remove = guarded("table.remove", table.remove)
table.sort = guarded("table.sort", table.sort)

function table.move(from, first, last, at, to)
	refuse(to or from, at)
	return raw_move(seen(from), first, last, at, to)
end
