-- Walks the Fibonacci numbers, one a poll: a sensor whose state has to
-- survive a restart. The state is stored in the same unit as the dispatch,
-- so that no kill makes it skip a number or say one twice. Past 10,000 the
-- walk begins anew.

local PollingSensor = require("sensorhost.polling_sensor")

local FibonacciSensor = PollingSensor:extend()

local LAST = 10000

function FibonacciSensor:poll()
	local service = self.sensor_service
	local state = service:get_value("state")
		or { count = 0, current = 0, following = 1 }

	local count = state.count + 1
	local fibonacci = state.following
	service:dispatch("examples.fibonacci", {
		count = count,
		fibonacci = fibonacci,
	})

	local following = state.current + fibonacci
	if following > LAST then
		service:delete_value("state")
	else
		service:set_value("state", {
			count = count,
			current = fibonacci,
			following = following,
		})
	end
end

return FibonacciSensor
