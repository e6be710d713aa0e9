-- Ids that have been dealt with. One key of the datastore for each, written in
-- the unit of the dispatch that it belongs to, so that undoing the unit undoes
-- it as well. With `max` a second key for each keeps the order of arrival.

local check = require("host.arguments")
local kept = require("host.kept")

local seen = {}
local Seen = {}
check.object(Seen)

local options_spec = {
	ttl = { type = "number", hint = "seconds", check = function(call, what, v)
		check.number(call, what, v, 0.001)
	end },
	max = { type = "number", check = function(call, what, v)
		check.integer(call, what, v, 1)
	end },
}

-- An id as text; numbers count as what they look like.
local function text_of(call, id)
	if type(id) == "string" and id ~= "" then
		return id
	elseif type(id) == "number" or type(id) == "cdata" then
		return tostring(id)
	end
	return check.raise("%s: id must be a string that is not empty or a "
		.. "number, not %s", call, check.describe(id))
end

---A set of ids by this name, kept in the datastore.
---
---```lua
---local done = seen.new("messages", { ttl = 86400 })
---for _, id in ipairs({ "a", "b", "a" }) do
---	if done:add(id) then
---		self.sensor_service:dispatch("demo.event", { id = id })
---	end
---end
---```
---@param name string
---@param options? { ttl?: number, max?: integer } ttl: seconds after which an
---id is forgotten; max: how many are kept, the latest ones
---@return sensorhost.Seen
function seen.new(name, options)
	check.dot("seen.new", seen, name)
	check.name("seen.new", "name", name)
	options = check.options("seen.new", options, options_spec)
	return setmetatable({ name = name, ttl = options.ttl, max = options.max },
		Seen)
end

---@class sensorhost.Seen
---@field name string

-- Where an id is kept, and what keeps the order.
local function key_of(self, text)
	return kept.name("seen", self.name, text)
end

local function order_key(self, number)
	return kept.name("seen-order", self.name, ("%.0f"):format(number))
end

-- Gives the id at key the next number, and drops the one that is too many.
local function enter(self, key)
	local counter = kept.name("seen-count", self.name)
	local number = (kept.get("seen:add", counter) or 0) + 1
	kept.set("seen:add", counter, number)
	kept.set("seen:add", order_key(self, number), key, self.ttl)
	local old = number - self.max
	local old_key = old > 0 and kept.get("seen:add", order_key(self, old))
	if old_key then
		kept.delete("seen:add", order_key(self, old))
		if kept.get("seen:add", old_key) == old then
			kept.delete("seen:add", old_key)
		end
	end
	return number
end

---Notes an id. In the unit: dispatch in the same stretch, before a wait.
---
---```lua
---if seen.new("orders"):add(4711) then
---	self.log:info("a new order")
---end
---```
---@param id string|number of any length and any bytes
---@return boolean new whether it was not there yet
function Seen:add(id)
	check.self("seen", "add", self, Seen)
	local key = key_of(self, text_of("seen:add", id))
	if kept.get("seen:add", key) ~= nil then
		return false
	end
	kept.set("seen:add", key, self.max and enter(self, key) or 1, self.ttl)
	return true
end

---Whether an id is there.
---
---```lua
---local known = seen.new("orders"):has(4711)
---```
---@param id string|number
---@return boolean
function Seen:has(id)
	check.self("seen", "has", self, Seen)
	return kept.get("seen:has", key_of(self, text_of("seen:has", id))) ~= nil
end

---Forgets an id.
---
---```lua
---seen.new("orders"):remove(4711)
---```
---@param id string|number
---@return boolean there whether it was there
function Seen:remove(id)
	check.self("seen", "remove", self, Seen)
	local key = key_of(self, text_of("seen:remove", id))
	if kept.get("seen:remove", key) == nil then
		return false
	end
	kept.delete("seen:remove", key)
	return true
end

---Forgets all ids but these: of use where the outside lists what there is.
---
---```lua
---local done = seen.new("orders")
---done:keep({ 4711, 4712 })
---```
---@param ids (string|number)[]
---@return integer forgotten
function Seen:keep(ids)
	check.self("seen", "keep", self, Seen)
	check.list("seen:keep", "ids", ids)
	local wanted, forgotten = {}, 0
	for _, id in ipairs(ids) do
		wanted[key_of(self, text_of("seen:keep", id))] = true
	end
	local prefix = kept.name("seen", self.name) .. ":"
	for _, item in ipairs(kept.service():list_values(true, prefix,
		1000000)) do
		if not wanted[item.name] then
			kept.delete("seen:keep", item.name)
			forgotten = forgotten + 1
		end
	end
	return forgotten
end

return seen
