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

local check = require("host.arguments")
local kept = require("host.kept")
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

---Calls fn(item, index) for each item of a list, in tasks beside each other, and
---waits for all of them [w]. The first that raises, or returns nil and an
---error, ends the others at their waits.
---@param list any[]
---@param limit integer how many at a time
---@param fn fun(item: any, index: integer): any, any
---@return any[]|nil results the first result of each, in the list's order
---@return any err the error of the one that failed
---
---```lua
---local squares = assert(spawn.map({ 1, 2, 3 }, 2, function(n)
---	time.sleep(0.01)
---	return n * n
---end))
---assert(squares[3] == 9)
---```
function spawn.map(list, limit, fn)
	check.dot("spawn.map", spawn, list)
	check.list("spawn.map", "list", list)
	check.integer("spawn.map", "limit", limit, 1)
	check.type("spawn.map", "fn", fn, "function")
	local service, count = kept.service(), #list
	local results, workers, at = {}, {}, 0
	local failed, failure = false, nil

	local function fail(own, err)
		if not failed then
			failed, failure = true, err
			for i, worker in ipairs(workers) do
				if i ~= own then
					worker:cancel()
				end
			end
		end
	end

	-- A task for each item, so that what it did is on disk with its end.
	local function work(own, i)
		local ok, value, err = service:attempt(fn, list[i], i)
		if not ok or value == nil and err ~= nil then
			return fail(own, ok and err or value)
		end
		results[i] = value
		if at < count and not failed then
			at = at + 1
			workers[own] = start(work, own, at)
		end
	end

	for own = 1, math.min(limit, count) do
		at = own
		workers[own] = start(work, own, at)
	end
	for own = 1, #workers do
		local worker
		repeat
			worker = workers[own]
			worker:join()
		until worker == workers[own]
	end
	if failed then
		return nil, failure
	end
	return results
end

return setmetatable(spawn, { __call = call })
