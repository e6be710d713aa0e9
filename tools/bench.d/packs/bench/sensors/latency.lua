-- From dispatch to durable, one at a time.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")
local payload = require("payload")

local Latency = Sensor:extend()

function Latency:run()
	local service, samples = self.sensor_service, {}
	local till = time.monotonic() + self.config.seconds
	repeat
		local event = payload(#samples)
		local began = time.monotonic()
		service:dispatch("bench.latency", event)
		service:commit()
		local now = time.monotonic()
		samples[#samples + 1] = now - began
	until now >= till
	table.sort(samples)
	self.log:info("bench end n=%d p50_us=%.1f p99_us=%.1f", #samples,
		samples[math.ceil(#samples * 0.5)] * 1e6,
		samples[math.ceil(#samples * 0.99)] * 1e6)
	self:finish("measured")
end

return Latency
