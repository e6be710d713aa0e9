-- 1,000 events to durable: by cursor:each, and by plain dispatches, in turn.

local Sensor = require("sensorhost.sensor")
local cursor = require("sensorhost.cursor")
local time = require("sensorhost.time")
local payload = require("payload")

local EVENTS = 1000

local Each = Sensor:extend()

local function median(list)
	table.sort(list)
	return list[math.ceil(#list / 2)]
end

function Each:plain(events)
	local service = self.sensor_service
	local began = time.monotonic()
	for _, event in ipairs(events) do
		service:dispatch("bench.each", event)
	end
	service:commit()
	return time.monotonic() - began
end

function Each:by_cursor(events)
	local service = self.sensor_service
	local began = time.monotonic()
	for event in cursor.new("events"):each(events, "id") do
		service:dispatch("bench.each", event)
	end
	service:commit()
	return time.monotonic() - began
end

function Each:run()
	local plain, each, ratios, n = {}, {}, {}, 0
	local till = time.monotonic() + self.config.seconds
	repeat
		local events = {}
		for i = 1, EVENTS do
			n = n + 1
			events[i] = payload(n)
		end
		plain[#plain + 1] = self:plain(events)
		each[#each + 1] = self:by_cursor(events)
		ratios[#ratios + 1] = each[#each] / plain[#plain]
	until time.monotonic() >= till and #ratios > 20
	self.log:info("bench end n=%d plain_us=%.1f each_us=%.1f ratio=%.4f",
		#ratios, median(plain) * 1e6, median(each) * 1e6, median(ratios))
	self:finish("measured")
end

return Each
