-- The smallest passive sensor: it says hello, counts in the datastore, sleeps.
--
-- The dispatch and the new count are one unit of work: both are on disk when
-- the sleep begins, or neither is. Kill it whenever you like: no number is
-- missing from the journal, and none is there twice.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")

local HelloSensor = Sensor:extend()

function HelloSensor:run()
	local service = self.sensor_service
	local interval = self.config.interval or 5
	local greeting = self.config.greeting or "Yo, sensorhost!"

	while true do
		local count = service:get_number("hello_st2.count", 0) + 1
		service:dispatch("hello_st2.event1", {
			greeting = greeting,
			count = count,
		})
		service:set_value("hello_st2.count", count)
		self.log:debug("said hello for the %d. time", count)
		time.sleep(interval)
	end
end

return HelloSensor
