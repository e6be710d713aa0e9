-- Each poll dispatches the next few numbers and stores the last of them: one
-- unit, so that after any kill the two agree.

local PollingSensor = require("sensorhost.polling_sensor")

local Polling = PollingSensor:extend()

function Polling:poll()
	local service = self.sensor_service
	local last = service:get_number("last", 0)
	for n = last + 1, last + 1 + last % 4 do
		service:dispatch("torture.polling", {
			n = n,
			filler = ("x"):rep(n % 700),
		})
		last = n
	end
	service:set_value("last", last)
end

return Polling
