-- How far a sensor has got in something that grows. The cursor is a value of
-- the datastore that moves in the unit of what was dispatched, so that it is
-- exactly-once from cursor to journal. Beside the value stand the ids that
-- were seen at it, for sources in which several events share a key.

local check = require("host.arguments")
local kept = require("host.kept")

local cursor = {}
local Cursor = {}
Cursor.__index = Cursor

local options_spec = { start = {} }

-- Whether a value can be a cursor.
local function check_value(call, what, value)
	local kind = type(value)
	if kind ~= "number" and kind ~= "string" and kind ~= "cdata"
		or value ~= value then
		check.raise("%s: %s must be a number or a string, not %s", call, what,
			check.describe(value))
	end
	return value
end

-- Whether a comes before b. Strings that are both whole numbers count as
-- numbers: operators, REST and imports write "5".
local function before(call, a, b)
	if type(a) == "string" and type(b) == "string" then
		local left, right = a:match("^%d+$"), b:match("^%d+$")
		if left and right then
			left, right = left:gsub("^0+", ""), right:gsub("^0+", "")
			if #left ~= #right then
				return #left < #right
			end
			return left < right
		end
		return a < b
	end
	local left = type(a) == "string" and tonumber(a) or a
	local right = type(b) == "string" and tonumber(b) or b
	if type(left) == "string" or type(right) == "string" then
		check.raise("%s: cannot compare %s with %s", call, check.describe(a),
			check.describe(b))
	end
	return left < right
end

local function same(call, a, b)
	return not before(call, a, b) and not before(call, b, a)
end

---A cursor by this name, kept in the datastore.
---
---```lua
---local last = cursor.new("orders", { start = "earliest" })
---local list = { { id = 1 }, { id = 2 } }
---for order in last:each(list, "id") do
---	self.sensor_service:dispatch("demo.event", order)
---end
---```
---@param name string
---@param options? { start?: "earliest"|"now"|number|string } what counts as
---long as the cursor has never been set. earliest (the default): everything is
---new; now: the first list given to each() is the baseline; a value: what is
---beyond it
---@return sensorhost.Cursor
function cursor.new(name, options)
	check.dot("cursor.new", cursor, name)
	check.name("cursor.new", "name", name)
	options = check.options("cursor.new", options, options_spec)
	local start = options.start
	if start ~= nil then
		check_value("cursor.new", "option \"start\"", start)
	end
	return setmetatable({
		name = name,
		key = kept.name("cursor", name),
		start = start == nil and "earliest" or start,
	}, Cursor)
end

---@class sensorhost.Cursor
---@field name string

-- What is stored: {value=, ids=}; before it was ever set the start value.
local function load(self, call)
	local state = kept.get(call, self.key)
	if state == nil and self.start ~= "earliest" and self.start ~= "now" then
		return { value = self.start, ids = {} }, false
	end
	return state, state ~= nil
end

---Where the cursor stands: what was set last, or the start value.
---
---```lua
---local last = cursor.new("page"):get()
---```
---@return number|string|nil
function Cursor:get()
	check.self("cursor", "get", self, Cursor)
	local state = load(self, "cursor:get")
	return state and state.value
end

---Whether it was ever set.
---
---```lua
---local first_time = not cursor.new("page"):is_set()
---```
---@return boolean
function Cursor:is_set()
	check.self("cursor", "is_set", self, Cursor)
	local _, stored = load(self, "cursor:is_set")
	return stored
end

---Sets it, in this unit: after the dispatches that it covers, with no wait
---between.
---
---```lua
---cursor.new("day"):set("2026-01-02T00:00:00Z")
---```
---@param value number|string
function Cursor:set(value)
	check.self("cursor", "set", self, Cursor)
	check_value("cursor:set", "value", value)
	kept.set("cursor:set", self.key, { value = value })
end

---Sets it if that is forward. Strings of digits are compared as numbers.
---
---```lua
---local moved = cursor.new("page"):advance(7)
---```
---@param value number|string
---@return boolean moved
function Cursor:advance(value)
	check.self("cursor", "advance", self, Cursor)
	check_value("cursor:advance", "value", value)
	local state = load(self, "cursor:advance")
	if state and not before("cursor:advance", state.value, value) then
		return false
	end
	kept.set("cursor:advance", self.key, { value = value })
	return true
end

---As if it had never been set.
---
---```lua
---cursor.new("day"):clear()
---```
function Cursor:clear()
	check.self("cursor", "clear", self, Cursor)
	kept.delete("cursor:clear", self.key)
end

-- The items with their keys and ids, oldest first, those of one key in the
-- order of the list.
local function sorted(list, key, id)
	local entries = {}
	for i, item in ipairs(list) do
		local value = type(item) == "table" and item[key]
		if value == nil or value == false then
			check.raise("cursor:each: item %d has no field %q", i,
				tostring(key))
		end
		check_value("cursor:each", ("field %q of item %d"):format(
			tostring(key), i), value)
		local its_id = id ~= nil and item[id]
		if id ~= nil and (its_id == nil or its_id == false) then
			check.raise("cursor:each: item %d has no field %q", i,
				tostring(id))
		end
		entries[i] = { item = item, value = value, order = i,
			id = its_id and tostring(its_id) or nil }
	end
	table.sort(entries, function(a, b)
		if before("cursor:each", a.value, b.value) then
			return true
		elseif before("cursor:each", b.value, a.value) then
			return false
		end
		return a.order < b.order
	end)
	return entries
end

-- The state once an entry is done.
local function moved(state, entry)
	if not (state and same("cursor:each", state.value, entry.value)) then
		state = { value = entry.value }
	end
	if entry.id then
		state.ids = state.ids or {}
		state.ids[#state.ids + 1] = entry.id
	end
	return state
end

-- Whether an entry was dealt with before; ids: those at the state's value.
local function is_old(state, ids, entry)
	if not state or before("cursor:each", state.value, entry.value) then
		return false
	elseif not same("cursor:each", state.value, entry.value) then
		return true
	end
	return not entry.id or ids[entry.id] == true
end

-- The entries that are not old, each id at a key once.
local function unseen(state, entries)
	local ids, new = {}, {}
	for _, id in ipairs(state and state.ids or {}) do
		ids[id] = true
	end
	local given, last = {}, nil
	for _, entry in ipairs(entries) do
		if last == nil or not same("cursor:each", last, entry.value) then
			given, last = {}, entry.value
		end
		if not is_old(state, ids, entry)
			and not (entry.id and given[entry.id]) then
			new[#new + 1] = entry
			given[entry.id or new] = true
		end
	end
	return new
end

---The items of a list that are beyond the cursor, oldest first. The cursor
---moves with each, when the loop asks for the next one: dispatch in the loop
---and do not wait there, and each item and its move are one unit.
---
---With `id`, items at the very key of the cursor are told apart by it, as for
---events that share a second. Without it, what has the key of the cursor
---counts as seen.
---
---```lua
---local events = {
---	{ id = "b", at = "2026-01-02T03:04:05Z" },
---	{ id = "a", at = "2026-01-02T03:04:05Z" },
---}
---for event in cursor.new("events"):each(events, "at", "id") do
---	self.sensor_service:dispatch("demo.event", event)
---end
---```
---@param list table[]
---@param key string the field to go by: a number, or text that sorts
---@param id? string the field that tells items with the same key apart
---@return fun(): table?
function Cursor:each(list, key, id)
	check.self("cursor", "each", self, Cursor)
	check.type("cursor:each", "list", list, "table")
	if key == nil then
		check.raise("cursor:each: key must be the name of a field, not nil")
	end
	local state, stored = load(self, "cursor:each")
	local entries = sorted(list, key, id)
	local function store()
		kept.set("cursor:each", self.key, state)
	end
	if not stored and self.start == "now" then
		for _, entry in ipairs(entries) do
			state = moved(state, entry)
		end
		if state then
			store()
		end
		return function() end
	end

	entries = unseen(state, entries)
	local at = 0
	return function()
		if entries[at] then
			state = moved(state, entries[at])
			store()
		end
		at = at + 1
		return entries[at] and entries[at].item
	end
end

return cursor
