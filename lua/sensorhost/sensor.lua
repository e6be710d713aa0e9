-- luacheck: no self

---The base of every sensor. A passive one has `run`, which goes on for as long
---as the sensor lives; for one that looks every so many seconds see
---sensorhost.polling_sensor.
---
---```lua
---local Sensor = require("sensorhost.sensor")
---local time = require("sensorhost.time")
---local Clock = Sensor:extend()
---
---function Clock:run()
---	while true do
---		self.sensor_service:dispatch("demo.tick", { at = time.rfc3339() })
---		time.sleep(1)
---	end
---end
---
---return Clock
---```

---@class sensorhost.trigger what add_trigger, update_trigger and remove_trigger get
---@field id string
---@field uid string
---@field ref string what to dispatch
---@field name string
---@field pack string
---@field type string the ref of its trigger type
---@field parameters table
---@field description? string

---@class sensorhost.Sensor
---@field sensor_service sensorhost.service
---@field config table the pack's configuration; read-only, nulls absent
---@field log sensorhost.log
---@field ref string `pack.Class`
---@field pack string
---@field class_name string
---@field super table the class that this one extends
local Sensor = {}
Sensor.__index = Sensor

local host = require("host.sensor")

---A class below this one; `Class.super` is the one above.
---@param fields? table fields of the new class
---@return table
---
---```lua
---local Checker = Sensor:extend({ retries = 3 })
---```
function Sensor:extend(fields)
	if type(self) ~= "table" or self.__index ~= self then
		host.raise("extend needs a colon: Sensor:extend()")
	end
	if fields ~= nil and type(fields) ~= "table" then
		host.raise("Sensor:extend: the fields must be a table")
	end
	local class = {}
	for name, value in pairs(fields or {}) do
		class[name] = value
	end
	class.__index = class
	class.super = self
	return setmetatable(class, { __index = self })
end

---Called first, before setup, when the sensor is made: fields of your own.
---
---```lua
---function Watcher:init()
---	self.known = {}
---end
---```
function Sensor:init() end

---Called once before run or poll: check the configuration, look around. All
---of it is one transaction, and it must be done within setup_timeout.
---
---```lua
---function Watcher:setup()
---	self.url = self:need("url", "string")
---end
---```
function Sensor:setup() end

---Called for each trigger of this sensor's types that exists, after setup, and
---for each new one later.
---
---```lua
---function Watcher:add_trigger(trigger)
---	spawn(self.follow, self, trigger.parameters.file_path, trigger.ref)
---end
---```
---@param _trigger sensorhost.trigger
function Sensor:add_trigger(_trigger) end

---Called when a trigger has changed.
---
---```lua
---function Watcher:update_trigger(trigger)
---	self.known[trigger.id] = trigger.parameters
---end
---```
---@param _trigger sensorhost.trigger
function Sensor:update_trigger(_trigger) end

---Called when a trigger is gone.
---
---```lua
---function Watcher:remove_trigger(trigger)
---	self.known[trigger.id] = nil
---end
---```
---@param _trigger sensorhost.trigger
function Sensor:remove_trigger(_trigger) end

---Called on every orderly end, with why: `stop`, `reload`, `failed`,
---`finished`, ... What the host opened for you it closes by itself.
---
---```lua
---function Watcher:cleanup(reason)
---	self.log:info("ends: %s", reason)
---end
---```
---@param _reason string
function Sensor:cleanup(_reason) end

---Waits for ever, while spawned tasks and callbacks go on [w]. Never returns;
---cleanup runs at the stop.
---
---```lua
---function Watcher:run()
---	spawn(self.watch, self)
---	self:wait()
---end
---```
function Sensor:wait()
	host.self(self, "wait")
	host.wait()
end

---Ends the sensor for good, at its next wait or return: state `finished`, no
---restart before a reload or `sensor restart`.
---@param why? string
---
---```lua
---if done then return self:finish("all months imported") end
---```
function Sensor:finish(why)
	host.self(self, "finish")
	host.finish(why)
end

---Ends the sensor at its next wait or return as one that cannot work as it
---is: state `rejected`, no restart before a reload or `sensor restart`. For
---what trying again makes worse, such as a wrong password. A new version that
---rejects itself before it runs is a reload that failed: the version before it
---goes on.
---@param why string
---
---```lua
---if err.kind == "auth" then return self:reject("the token is refused") end
---```
function Sensor:reject(why)
	host.self(self, "reject")
	host.reject(why)
end

local kinds = { string = true, number = true, boolean = true, table = true }

-- Raises that a key of the configuration is missing or of a wrong type.
local function bad_key(key, what)
	local path, places = Sensor.places()
	local place, at = nil, key
	while places and at and not place do
		place, at = places[at], at:match("^(.+)%.[^.]*$")
	end
	host.raise(("config key %q %s: set it in %s%s"):format(key, what,
		path or "the pack's configuration",
		place and (" (schema: %s)"):format(place) or ""))
end

---A value of the configuration that the sensor cannot do without.
---@param key string path with dots, such as `"repository.token"`
---@param kind? "string"|"number"|"boolean"|"table" the type it must have
---@return any value never nil
---
---```lua
---local token = self:need("token", "string")
---```
function Sensor:need(key, kind)
	host.self(self, "need")
	if type(key) ~= "string" then
		host.raise("self:need: the key must be a string such as \"a.b\"")
	end
	if kind ~= nil and not kinds[kind] then
		host.raise(('self:need: the type is "string", "number", "boolean" or '
			.. '"table", not %q'):format(tostring(kind)))
	end
	local value = self.config
	for part in key:gmatch("[^.]+") do
		if type(value) ~= "table" then
			bad_key(key, "is missing")
		end
		value = value[part]
		if value == nil then
			bad_key(key, "is missing")
		end
	end
	if kind and type(value) ~= kind then
		bad_key(key, ("is a %s, not a %s"):format(type(value), kind))
	end
	return value
end

return Sensor
