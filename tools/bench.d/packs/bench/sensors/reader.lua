-- Datastore reads, one after the other.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")

local Reader = Sensor:extend()

function Reader:run()
	local service, n = self.sensor_service, 0
	service:set_value("cursor", 12345678)
	service:commit()
	local began = time.monotonic()
	local took
	repeat
		for _ = 1, 200 do
			assert(service:get_value("cursor") == 12345678)
		end
		n = n + 200
		took = time.monotonic() - began
	until took >= self.config.seconds
	self.log:info("bench end n=%d seconds=%.6f", n, took)
	self:finish("measured")
end

return Reader
