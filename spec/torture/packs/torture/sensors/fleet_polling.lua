-- One of many: counts on with each poll, and says in the next one what was
-- acknowledged to it.

local PollingSensor = require("sensorhost.polling_sensor")
local count = require("count")

local Polling = PollingSensor:extend()

function Polling:poll()
	if self.last then
		self.log:info("holds %d", self.last)
	end
	local last = self.sensor_service:get_number("last", 0)
	self.last = count(self, last, 1 + last % 4)
end

return Polling
