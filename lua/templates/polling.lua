-- PACK_NAME.CLASS_NAME: says at each poll what is new.

local PollingSensor = require("sensorhost.polling_sensor")

local CLASS_NAME = PollingSensor:extend()

-- What is new after the event `last`, oldest first; nil and an error when the
-- outside world does not answer. Put your own source here.
local function events_after(last)
	return {
		{ id = last + 1, text = "hello" },
	}
end

function CLASS_NAME:poll()
	local service = self.sensor_service
	local last = service:get_number("last", 0)

	local events, err = events_after(last) -- gather,
	if not events then
		return nil, err -- a failed poll; the next tick tries again
	end
	for _, event in ipairs(events) do
		service:dispatch("PACK_NAME.TRIGGER_NAME", event) -- dispatch,
		last = event.id
	end
	service:set_value("last", last) -- move the cursor: one unit, all or nothing
end

return CLASS_NAME
