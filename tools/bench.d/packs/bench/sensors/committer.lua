-- Dispatches and commits one by one without pause; at its end it tells how
-- many it made in each second of the monotonic clock.

local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")
local payload = require("payload")

local Committer = Sensor:extend()

function Committer:setup()
	self.seconds = {}
end

function Committer:run()
	local service, seconds, count = self.sensor_service, self.seconds, 0
	while true do
		count = count + 1
		service:dispatch("bench.committed", payload(count))
		service:commit()
		local second = math.floor(time.monotonic())
		seconds[second] = (seconds[second] or 0) + 1
	end
end

function Committer:cleanup()
	local words = {}
	for second, count in pairs(self.seconds) do
		words[#words + 1] = second .. ":" .. count
	end
	self.log:info("bench end %s", table.concat(words, " "))
end

return Committer
