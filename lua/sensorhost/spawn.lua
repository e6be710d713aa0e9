---Tasks: functions of the sensor that run beside each other, each with units
---of work of its own. They take turns at waits; there are no locks to take.
---
---```lua
---local spawn = require("sensorhost.spawn")
---
---function Watcher:run()
---	for _, host in ipairs(self.config.hosts) do
---		spawn(self.watch, self, host)
---	end
---	self:wait()
---end
---```

---@class sensorhost.task
local task = {} -- luacheck: ignore

---Waits for the end of the task [w].
---@param timeout? number seconds; nil or false: none
---@return any ... what its function returned; or nil and the error that it
---raised, or an error object of kind `cancelled` or `timeout`
---
---```lua
---local first, second = spawn(read, a), spawn(read, b)
---local x, err = first:join()
---local y = assert(second:join(10))
---```
function task:join(timeout) end -- luacheck: ignore

---Ends the task: it never goes on after its present wait, and its unfinished
---unit is undone. Nothing happens if it has ended.
---
---```lua
---reader:cancel()
---```
function task:cancel() end -- luacheck: ignore

local start = require("host.spawn")

---@class sensorhost.spawn
---@overload fun(fn: function, ...: any): sensorhost.task
local spawn = {}

---Starts fn(...) as a task; it begins at the next wait. An error in it that
---nobody joins ends the sensor like one in run: nobody joins it when the task
---that started it has ended, or waits for anything but the end of a task.
---@param fn function
---@param ... any its arguments
---@return sensorhost.task
---
---```lua
---local task = spawn(function() time.sleep(1) return "done" end)
---print(task:join())
---```
local function call(_, fn, ...)
	return start(fn, ...)
end

return setmetatable(spawn, { __call = call })
