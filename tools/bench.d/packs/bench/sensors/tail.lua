-- Dispatches each line of a file that is there already.

local Sensor = require("sensorhost.sensor")
local tail = require("sensorhost.tail")
local time = require("sensorhost.time")

local Tail = Sensor:extend()

function Tail:run()
	local path, wanted = self.config.path, self.config.lines
	local name = path:match("[^/]+$")
	local n, began = 0, time.monotonic()
	for line in tail.open(path, { from = "start" }):lines() do
		self.sensor_service:dispatch("bench.line",
			{ file_path = path, file_name = name, line = line })
		n = n + 1
		if n == wanted then
			break
		end
	end
	self.sensor_service:commit()
	self.log:info("bench end n=%d seconds=%.6f", n, time.monotonic() - began)
	self:finish("measured")
end

return Tail
