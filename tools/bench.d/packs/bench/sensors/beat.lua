-- Polls and finds nothing, notes when, and tells at its end.

local PollingSensor = require("sensorhost.polling_sensor")
local time = require("sensorhost.time")

local Beat = PollingSensor:extend()

function Beat:setup()
	self.times = {}
end

function Beat:poll()
	self.times[#self.times + 1] = ("%.6f"):format(time.monotonic())
end

function Beat:cleanup()
	self.log:info("bench beats %s", table.concat(self.times, " "))
end

return Beat
