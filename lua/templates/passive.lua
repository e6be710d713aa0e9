-- PACK_NAME.CLASS_NAME: waits for the outside world and dispatches what it says.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")

local CLASS_NAME = Sensor:extend()

-- Once before run: look at the configuration, fail early.
function CLASS_NAME:setup()
	self.interval = self.config.interval or 10
end

-- For ever; if it returns or raises, the sensor starts afresh after a while.
function CLASS_NAME:run()
	local service = self.sensor_service

	while true do
		-- The dispatch and the new count are one unit: all or nothing.
		local count = service:get_number("count", 0) + 1
		service:dispatch("PACK_NAME.TRIGGER_NAME", {
			count = count,
			at = time.rfc3339(),
		})
		service:set_value("count", count)
		time.sleep(self.interval) -- a wait: the unit is on disk before it
	end
end

return CLASS_NAME
