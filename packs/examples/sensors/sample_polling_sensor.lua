-- A polling sensor: the host calls poll at every poll_interval, at a fixed
-- rate, never twice at once. What a poll dispatched is on disk when it ends.

local PollingSensor = require("sensorhost.polling_sensor")
local time = require("sensorhost.time")

local SamplePollingSensor = PollingSensor:extend()

function SamplePollingSensor:poll()
	self.sensor_service:dispatch("examples.polling_event", {
		executed_at = time.rfc3339(),
	})
end

return SamplePollingSensor
