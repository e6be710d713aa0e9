---The sensor_service: `self.sensor_service` of every sensor, called with a
---colon. Positional arguments, or one table of named ones.

local unit = require("host.unit")
require("host.service")
require("host.data")
require("host.log")

---@class sensorhost.service
local service = unit.methods

---What get_item and list_values return.
---@class sensorhost.item
---@field name string the name that you pass in
---@field key string the full one, `pack.Class:name`
---@field value any
---@field expires? number Unix seconds
---@field encrypted boolean

---@class sensorhost.log
---@field debug fun(self, fmt: string, ...: any) shown with -v
---@field info fun(self, fmt: string, ...: any)
---@field warning fun(self, fmt: string, ...: any)
---@field warn fun(self, fmt: string, ...: any)
---@field error fun(self, fmt: string, ...: any)
---@field exception fun(self, fmt: string, ...: any) an error, with a traceback
---@field critical fun(self, fmt: string, ...: any)

---Dispatches an instance of a trigger: it is checked against the trigger
---type's payload_schema, defaults are filled in, and it is on disk before the
---next wait begins.
---@param trigger string|table `pack.name`, `{name=, pack=}`, `{type=, parameters=}`
---@param payload? table an object; nil is `{}`
---@param trace_tag? string
---@return true|nil ok
---@return sensorhost.error? err kind `invalid`, with path, keyword and
---dead_letter: the payload was rejected and kept as a dead letter (with
---`on_invalid: raise` it is raised)
---
---```lua
---self.sensor_service:dispatch("demo.event", { id = 1 })
---self.sensor_service:dispatch{ trigger = "demo.event", payload = { id = 1 } }
---```
service.dispatch = service.dispatch

---As dispatch, with a whole trace context.
---@param trigger string|table
---@param payload? table
---@param trace_context? table such as `{ trace_tag = "x", id_ = "..." }`
---@return true|nil ok
---@return sensorhost.error? err
service.dispatch_with_context = service.dispatch_with_context

---A value of the datastore; a table is a copy.
---@param name string or one table `{name=, global=, decrypt=}`
---@param is_local? boolean default true: this sensor's own
---@param decrypt? boolean default false: a sealed value stays sealed
---@return any value nil if there is none
---
---```lua
---local state = self.sensor_service:get_value("state") or { count = 0 }
---```
service.get_value = service.get_value

---A value with its facts.
---@param name string as get_value
---@param is_local? boolean
---@param decrypt? boolean
---@return sensorhost.item|nil
service.get_item = service.get_item

---A value that is a number, also where it was stored as text.
---@param name string or one table `{name=, default=, global=}`
---@param default? number if there is none
---@return number|nil
---
---```lua
---local last = self.sensor_service:get_number("last_id", 0)
---```
service.get_number = service.get_number

---Stores a value in this unit of work.
---@param name string or one table `{name=, value=, ttl=, global=, encrypt=}`
---@param value any what JSON can hold; nil raises
---@param ttl? number seconds until it expires, counted from the commit; 0: never
---@param is_local? boolean default true
---@param encrypt? boolean default false
---@return true
---
---```lua
---self.sensor_service:set_value("last_id", event.id)
---self.sensor_service:set_value{ name = "token", value = t, encrypt = true }
---```
service.set_value = service.set_value

---Removes a value in this unit of work.
---@param name string
---@param is_local? boolean
---@return boolean existed
service.delete_value = service.delete_value

---The values under a prefix, by key.
---@param is_local? boolean default true
---@param prefix? string
---@param limit? integer
---@param offset? integer
---@return sensorhost.item[]
---
---```lua
---for _, item in ipairs(self.sensor_service:list_values(true, "seen.")) do
---	self.sensor_service:delete_value(item.name)
---end
---```
service.list_values = service.list_values

---A logger; its lines carry `pack.Class.name`.
---@param name? string
---@return sensorhost.log
service.get_logger = service.get_logger

---Who the sensor is for the datastore.
---@return table {username, authentication, rbac}
service.get_user_info = service.get_user_info

---Brings what was dispatched and stored to disk [w]. Raises inside setup and
---transaction.
---@return true
---
---```lua
---for i, event in ipairs(events) do
---	service:dispatch("demo.event", event)
---	if i % 1000 == 0 then service:commit() end
---end
---```
service.commit = service.commit

local function end_transaction(ok, ...)
	if not ok then
		unit.abort()
		error((...), 0)
	end
	unit.close()
	return ...
end

---Not a lock. Calls fn(...) as one unit of work, whatever waits there are in
---it [w]: all that it dispatches and stores is on disk when it has returned,
---or nothing is. What was before it is committed first; its waits act before
---the commit, so acknowledge upstream after it.
---@param fn function
---@param ... any
---@return any ... what fn returns; an error in it undoes all and is raised again
---
---```lua
---service:transaction(function()
---	for page in self:pages() do
---		service:dispatch("demo.page", page)
---	end
---	service:set_value("done", true)
---end)
---```
function service.transaction(self, fn, ...)
	unit.begin(self, fn)
	unit.open()
	return end_transaction(xpcall(fn, unit.trace, ...))
end

local function end_attempt(point, ok, ...)
	unit.leave(point, ok)
	return ok, ...
end

---As pcall, and what fn dispatched and stored since its last wait is undone
---when it fails.
---@param fn function
---@param ... any
---@return boolean ok
---@return any ... results, or the error
---
---```lua
---local ok, err = service:attempt(function()
---	service:dispatch("demo.event", event)
---	self:remember(event)
---end)
---```
function service.attempt(self, fn, ...)
	return end_attempt(unit.mark(self, fn), pcall(fn, ...))
end

return service
