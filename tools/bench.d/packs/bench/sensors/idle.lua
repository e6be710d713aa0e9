-- Polls and finds nothing.

local PollingSensor = require("sensorhost.polling_sensor")

local Idle = PollingSensor:extend()

function Idle:poll()
	if not self.polled then
		self.polled = true
		self.log:info("bench first poll")
	end
end

return Idle
