-- Dispatches once a poll, and notes how long that took to be durable: at its
-- end it tells, for each second of the monotonic clock, how many dispatches
-- that began in it took how long (bucket:count, see SCALE).

local PollingSensor = require("sensorhost.polling_sensor")
local time = require("sensorhost.time")
local payload = require("payload")

-- Buckets a factor of e: each is 2.5 % wide.
local SCALE = 40

local Steady = PollingSensor:extend()

function Steady:setup()
	self.seconds, self.count = {}, 0
end

function Steady:poll()
	local service = self.sensor_service
	local event = payload(self.count)
	local began = time.monotonic()
	service:dispatch("bench.steady", event)
	service:commit()
	local us = (time.monotonic() - began) * 1e6
	local second = math.floor(began)
	local buckets = self.seconds[second] or {}
	local bucket = math.ceil(SCALE * math.log(math.max(us, 1)))
	buckets[bucket] = (buckets[bucket] or 0) + 1
	self.seconds[second], self.count = buckets, self.count + 1
end

function Steady:cleanup()
	for second, buckets in pairs(self.seconds) do
		local words = {}
		for bucket, count in pairs(buckets) do
			words[#words + 1] = bucket .. ":" .. count
		end
		self.log:info("bench second %d %s", second,
			table.concat(words, " "))
	end
	self.log:info("bench end")
end

return Steady
