-- Polls and finds nothing.

local PollingSensor = require("sensorhost.polling_sensor")

local Idle = PollingSensor:extend()

function Idle:poll() -- luacheck: no self
end

return Idle
