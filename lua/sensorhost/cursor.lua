-- How far a sensor has got in something that grows. The cursor is a value of
-- the datastore that moves in the unit of what was dispatched, so that it is
-- exactly-once from cursor to journal. Beside the value stand the ids that
-- were seen at it, for sources in which several events share a key.

local check = require("host.arguments")
local kept = require("host.kept")

local cursor = {}
local Cursor = {}
check.object(Cursor)

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

-- The same for where a cursor starts, which may be a word: one of another case
-- or spelling, or what Kafka calls it, is not meant as a value.
local function check_start(start)
	check_value("cursor.new", "option \"start\"", start)
	if type(start) == "string" and start ~= "earliest" and start ~= "now" then
		local near = start:lower() == "latest" and "now"
			or check.nearest(start:lower(), { "earliest", "now" })
		if near then
			check.raise("cursor.new: option \"start\" is %q; did you mean %q?",
				start, near)
		end
	end
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
		check_start(start)
	end
	return setmetatable({
		name = name,
		key = kept.name("cursor", name),
		start = start == nil and "earliest" or start,
	}, Cursor)
end

---@class sensorhost.Cursor
---@field name string

-- What is stored: the value, or {value=, ids=}; before it was ever set the
-- start value.
local function load(self, call)
	local state = kept.get(call, self.key)
	if state ~= nil and type(state) ~= "table" then
		return { value = state }, true
	end
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
	kept.set("cursor:set", self.key, value)
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
	kept.set("cursor:advance", self.key, value)
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

-- How the values of a list, and the cursor's own, compare: numbers, and texts
-- none of which is a number, as they are; all else by `before`.
local function less_of(values, own)
	local numbers, texts = true, true
	local function look(value)
		numbers = numbers and type(value) == "number"
		texts = texts and type(value) == "string" and not value:find("^%d+$")
	end
	for i = 1, #values do
		look(values[i])
	end
	if own ~= nil then
		look(own)
	end
	return (numbers or texts) and function(a, b)
		return a < b
	end or function(a, b)
		return before("cursor:each", a, b)
	end
end

-- The values of a field of all items; each must have one.
local function values_of(list, key, as_id)
	local values = {}
	for i = 1, #list do
		local item, value = list[i], nil
		if type(item) == "table" then
			value = item[key]
		end
		local kind = type(value)
		if value == nil or value == false then
			check.raise("cursor:each: item %d has no field %q", i,
				tostring(key))
		elseif as_id then
			value = kept.name("", tostring(value)) -- also of any bytes
		elseif kind ~= "number" and kind ~= "string" or value ~= value then
			check_value("cursor:each", ("field %q of item %d"):format(
				tostring(key), i), value)
		end
		values[i] = value
	end
	return values
end

-- The places of a list in the order of their values; of equal ones in the
-- list's own order.
local function sorted_places(values, less)
	local places, in_order = {}, true
	for i = 1, #values do
		places[i] = i
		in_order = in_order and (i == 1 or not less(values[i], values[i - 1]))
	end
	if not in_order then
		table.sort(places, function(a, b)
			if less(values[a], values[b]) then
				return true
			elseif less(values[b], values[a]) then
				return false
			end
			return a < b
		end)
	end
	return places
end

-- The places of what is beyond the cursor's state; with ids also of what is
-- at its value and not known, each id at a value once.
local function unseen(state, places, values, ids, less)
	local known, new = {}, {}
	for _, id in ipairs(state and state.ids or {}) do
		known[id] = true
	end
	local own, current, given = state and state.value, nil, nil
	for _, i in ipairs(places) do
		local value = values[i]
		local is_old = own ~= nil and not less(own, value)
		if is_old and ids and not less(value, own) then
			is_old = known[ids[i]]
		end
		if not is_old and ids then
			if current == nil or less(current, value) then
				current, given = value, {}
			end
			is_old = given[ids[i]]
			given[ids[i]] = true
		end
		if not is_old then
			new[#new + 1] = i
		end
	end
	return new
end

-- For the usual list, all numbers and in order: where what is beyond the
-- cursor begins; nil for any other list.
local function begin_of(list, key, own)
	if own ~= nil and type(own) ~= "number" then
		return nil
	end
	local begin, last = 1, own or -math.huge
	for i = 1, #list do
		local item = list[i]
		local value = type(item) == "table" and item[key]
		if type(value) ~= "number" then
			return nil
		elseif own and value <= own and begin == i then
			begin = i + 1
		elseif value >= last then
			last = value
		else
			return nil
		end
	end
	return begin
end

-- The items of a list that begin_of has approved, from there on.
local function each_in_order(self, list, key, begin)
	local at, full_key = begin - 1, kept.key("cursor:each", self.key)
	return function()
		if at >= begin then
			kept.move("cursor:each", full_key, list[at][key])
		end
		at = at + 1
		return list[at]
	end
end

-- The state once the item with this value and id is done.
local function moved(state, value, id, less)
	if not state then
		state = { value = value }
	elseif less(state.value, value) then
		state.value, state.ids = value, nil
	end
	if id then
		state.ids = state.ids or {}
		state.ids[#state.ids + 1] = id
	end
	return state
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
	check.list("cursor:each", "list", list)
	if key == nil then
		check.raise("cursor:each: key must be the name of a field, not nil")
	end
	local state, stored = load(self, "cursor:each")
	local begin = id == nil and (stored or self.start ~= "now")
		and begin_of(list, key, state and state.value)
	if begin then
		return each_in_order(self, list, key, begin)
	end
	local values = values_of(list, key)
	local ids = id ~= nil and values_of(list, id, true) or nil
	local less = less_of(values, state and state.value)
	local places = sorted_places(values, less)
	if not stored and self.start == "now" then
		for _, i in ipairs(places) do
			state = moved(state, values[i], ids and ids[i], less)
		end
		if state then
			kept.set("cursor:each", self.key, state)
		end
		return function() end
	end

	places = unseen(state, places, values, ids, less)
	local at, full_key = 0, kept.key("cursor:each", self.key)
	return function()
		local done = places[at]
		if done then
			state = moved(state, values[done], ids and ids[done], less)
			kept.move("cursor:each", full_key, state)
		end
		at = at + 1
		return list[places[at]]
	end
end

return cursor
