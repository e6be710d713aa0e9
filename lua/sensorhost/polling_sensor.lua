---The base of sensors that look every so many seconds: `poll` is called at a
---fixed rate, never twice at once. `return nil, err` from it is a failed poll:
---its unfinished unit is undone, the next try is the next tick. An error that
---it raises ends the sensor, which starts afresh.
---With an interval of a second or more, the first poll comes at a multiple of
---20 ms of the host's clock, so that the sensors of a host wake together.
---
---```lua
---local PollingSensor = require("sensorhost.polling_sensor")
---local Checker = PollingSensor:extend()
---
---function Checker:poll()
---	local events, err = self:fetch()
---	if not events then
---		return nil, err
---	end
---	for _, event in ipairs(events) do
---		self.sensor_service:dispatch("demo.event", event)
---	end
---end
---
---return Checker
---```

local Sensor = require("sensorhost.sensor")
local host = require("host.sensor")

---@class sensorhost.PollingSensor: sensorhost.Sensor
---@field _poll_interval number seconds; assignable
local PollingSensor = Sensor:extend()

---Changes the interval: the next poll comes that long after this one's
---scheduled time.
---@param seconds number more than 0; fractions are fine
---
---```lua
---self:set_poll_interval(response.retry_after or 30)
---```
function PollingSensor:set_poll_interval(seconds)
	host.self(self, "set_poll_interval")
	host.poll_interval(seconds)
	self._poll_interval = seconds
end

---The interval in seconds.
---@return number
---
---```lua
---local window = self:get_poll_interval() * 2
---```
function PollingSensor:get_poll_interval()
	host.self(self, "get_poll_interval")
	return self._poll_interval
end

return PollingSensor
