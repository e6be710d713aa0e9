-- All that a unit can hold beside dispatches, told by the number that it
-- ends at: a value that is set and deleted in turn, values that end, and a
-- dead letter for each tenth number. spec/torture/look.lua knows the rules.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")

local Mixed = Sensor:extend()

function Mixed:run()
	local service = self.sensor_service
	local n = service:get_number("last", 0)
	while true do
		n = n + 1
		service:dispatch("torture.mixed", { n = n,
			filler = ("x"):rep(n % 700) })
		service:set_value("last", n)
		if n % 2 == 0 then
			service:set_value("even", n)
		else
			service:delete_value("even")
		end
		service:set_value("ring" .. n % 7, n, n % 3 == 0 and 0.05 or 3600)
		if n % 10 == 0 then
			service:dispatch("torture.mixed", { n = n, wrong = true })
		end
		service:commit()
		if n % 25 == 0 then
			self.log:info("holds %d", n)
			time.sleep(0.001)
		end
	end
end

return Mixed
