-- What was there the last time, compared with what is there now. The snapshot
-- is one value of the datastore, replaced when the loop over the changes is
-- through, in the unit of what was dispatched for them.

local check = require("host.arguments")
local kept = require("host.kept")
local json = require("sensorhost.json")

local snapshot = {}
local Snapshot = {}
check.object(Snapshot)

local options_spec = {
	first = { type = "string", default = "baseline",
		check = function(call, what, v)
			if v ~= "baseline" and v ~= "added" then
				check.raise("%s: %s must be \"baseline\" or \"added\", not %q",
					call, what, v)
			end
		end },
	ignore = { type = "table", default = {} },
}

---A snapshot by this name, kept in the datastore.
---
---```lua
---local shelf = snapshot.new("shelf", { first = "added" })
---local now = { apples = { count = 3 }, pears = { count = 1 } }
---for key, kind in shelf:changes(now) do
---	self.sensor_service:dispatch("demo.event", { key = key, kind = kind })
---end
---```
---@param name string
---@param options? { first?: "baseline"|"added", ignore?: string[] } first: what
---the very first map is, a baseline without changes or all added; ignore:
---fields of the values that do not count
---@return sensorhost.Snapshot
function snapshot.new(name, options)
	check.dot("snapshot.new", snapshot, name)
	check.name("snapshot.new", "name", name)
	options = check.options("snapshot.new", options, options_spec)
	local ignored = {}
	for _, field in ipairs(options.ignore) do
		ignored[field] = true
	end
	return setmetatable({
		name = name,
		key = kept.name("snapshot", name),
		first = options.first,
		ignored = ignored,
	}, Snapshot)
end

---@class sensorhost.Snapshot
---@field name string

-- A value as text that is the same for equal values.
local function text_of(self, value)
	if type(value) == "table" and next(self.ignored) ~= nil then
		local rest = {}
		for name, field in pairs(value) do
			if not self.ignored[name] then
				rest[name] = field
			end
		end
		value = rest
	end
	return json.encode(value, { sort_keys = true })
end

-- A table of the same fields that is an object even without any.
local function copy_of(map)
	local copy = {}
	for key, value in pairs(map) do
		copy[key] = value
	end
	return json.object(copy)
end

-- The changes from old to new, by key.
local function compare(self, old, new)
	local changes = {}
	for key, value in pairs(new) do
		if type(key) ~= "string" then
			check.raise("snapshot:changes: key %s is no string; use "
				.. "tostring(id)", check.describe(key))
		end
		if old[key] == nil then
			changes[#changes + 1] = { key = key, kind = "added", new = value }
		elseif text_of(self, old[key]) ~= text_of(self, value) then
			changes[#changes + 1] = { key = key, kind = "changed",
				new = value, old = old[key] }
		end
	end
	for key, value in pairs(old) do
		if new[key] == nil then
			changes[#changes + 1] = { key = key, kind = "removed",
				old = value }
		end
	end
	table.sort(changes, function(a, b)
		return a.key < b.key
	end)
	return changes
end

---What differs between the map and the one before, sorted by key. The map
---takes the place of the old one when the loop has come to its end: dispatch
---in the loop and do not wait there. A loop that is left early gives the same
---changes again.
---
---```lua
---for key, kind, new, old in snapshot.new("shelf"):changes({ a = 1 }) do
---	self.log:info("%s %s: %s, was %s", key, kind, tostring(new),
---		tostring(old))
---end
---```
---@param map table<string, any> what is there now, by a key that stays; at
---most 4 MB as JSON
---@return fun(): string?, "added"|"removed"|"changed"|nil, any, any
function Snapshot:changes(map)
	check.self("snapshot", "changes", self, Snapshot)
	check.type("snapshot:changes", "map", map, "table")
	local old = kept.get("snapshot:changes", self.key)
	local changes = compare(self, old or {}, map)
	if not old and self.first == "baseline" then
		changes = {}
	end
	local at = 0
	return function()
		at = at + 1
		local change = changes[at]
		if change then
			return change.key, change.kind, change.new, change.old
		elseif at == #changes + 1 and (not old or #changes > 0) then
			kept.set("snapshot:changes", self.key, copy_of(map))
		end
		return nil
	end
end

return snapshot
