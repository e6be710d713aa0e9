-- The same without a timer: units as fast as they become durable, now and
-- then a large one; ended by commit(), by a short sleep, or by transaction().

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")

local Passive = Sensor:extend()

-- Dispatches some numbers after `last` and stores the new last one.
function Passive:count(last, some)
	for n = last + 1, last + some do
		self.sensor_service:dispatch("torture.passive", {
			n = n,
			filler = ("x"):rep(n % 700),
		})
	end
	self.sensor_service:set_value("last", last + some)
	return last + some
end

function Passive:run()
	local service = self.sensor_service
	local last = service:get_number("last", 0)
	while true do
		local turn = last % 7
		if turn == 3 and last % 3 == 0 then
			-- large enough to leave in parts
			last = self:count(last, 600)
			service:commit()
		elseif turn < 4 then
			last = self:count(last, 1 + last % 5)
			service:commit()
		elseif turn < 6 then
			last = self:count(last, 3)
			time.sleep(0.002)
		else
			last = service:transaction(function()
				local middle = self:count(last, 40)
				time.sleep(0.001)
				return self:count(middle, 40)
			end)
		end
	end
end

return Passive
