-- Dispatches as fast as units of `batch` become durable, for `seconds`.

local Sensor = require("sensorhost.sensor")
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

-- Dispatches units until `seconds` are over; returns dispatches, seconds.
function Dispatcher:dispatch_for(seconds)
	local service, batch = self.sensor_service, self.config.batch
	local trigger = "bench.event" .. self.ref:match("%d+$")
	local began, n = time.monotonic(), 0
	local took
	repeat
		for i = n + 1, n + batch do
			service:dispatch(trigger, payload(i))
		end
		service:commit()
		n = n + batch
		took = time.monotonic() - began
	until took >= seconds
	return n, took
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
