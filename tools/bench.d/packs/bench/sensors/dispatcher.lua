-- Dispatches as fast as units of `batch` become durable, for `seconds`: by
-- `tasks` coroutines, so that with more than one the sensor makes a unit while
-- another becomes durable.

local Sensor = require("sensorhost.sensor")
local spawn = require("sensorhost.spawn")
local time = require("sensorhost.time")
local payload = require("payload")

local Dispatcher = Sensor:extend()

-- Nanoseconds to build one payload, without dispatching it.
local function building_ns()
	local n, kept = 200000, nil
	local began = time.monotonic()
	for i = 1, n do
		kept = payload(i)
	end
	return (time.monotonic() - began) / n * 1e9, kept
end

-- Dispatches units until the time is over; returns how many dispatches.
function Dispatcher:dispatch_until(over)
	local service, batch = self.sensor_service, self.config.batch
	local trigger = "bench.event" .. self.ref:match("%d+$")
	local n = 0
	repeat
		for i = n + 1, n + batch do
			service:dispatch(trigger, payload(i))
		end
		service:commit()
		n = n + batch
	until time.monotonic() >= over
	return n
end

-- The same by all tasks, for so long; returns dispatches, seconds.
function Dispatcher:dispatch_for(seconds)
	local began, tasks, n = time.monotonic(), {}, 0
	for i = 1, self.config.tasks do
		tasks[i] = spawn(self.dispatch_until, self, began + seconds)
	end
	for _, task in ipairs(tasks) do
		n = n + assert(task:join())
	end
	return n, time.monotonic() - began
end

function Dispatcher:run()
	self:dispatch_for(0.3)
	local building = building_ns()
	self.log:info("bench begin")
	local n, took = self:dispatch_for(self.config.seconds)
	self.log:info("bench end n=%d seconds=%.6f building_ns=%.1f", n, took,
		building)
	time.sleep(0.3)
	self:finish("measured")
end

return { Dispatcher1 = Dispatcher, Dispatcher2 = Dispatcher,
	Dispatcher3 = Dispatcher, Dispatcher4 = Dispatcher }
