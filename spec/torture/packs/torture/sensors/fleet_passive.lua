-- One of many: counts on with units and transactions of different sizes, and
-- says what was acknowledged to it.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")
local count = require("count")

local Passive = Sensor:extend()

function Passive:run()
	local service = self.sensor_service
	local last = service:get_number("last", 0)
	while true do
		if last % 7 < 6 then
			last = count(self, last, 1 + last % 5)
			service:commit()
		else
			last = service:transaction(function()
				local middle = count(self, last, 20)
				time.sleep(0.001)
				return count(self, middle, 20)
			end)
		end
		self.log:info("holds %d", last)
		time.sleep(0.02)
	end
end

return Passive
