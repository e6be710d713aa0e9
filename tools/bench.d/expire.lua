-- Items that expire while sensors commit: how many a second leave the store
-- once a great many are due at one moment, and how long the loop's turns are
-- meanwhile.

local http = require("spec.support.http")
local machine = require("machine")
local measure = require("measure")
local process = require("spec.support.process")

-- Sensors that commit, how often a second each, and the items.
local SENSORS, RATE, ITEMS = 20, 20, 200000

local COMMITTER = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	self.sensor_service:dispatch("bench.committed", { at = self.n })
	self.n = (self.n or 0) + 1
end
return S
]]

-- Names as those of ids that were seen; all of them end at one moment.
local FILLER = [[
local time = require("sensorhost.time")
local S = require("sensorhost.sensor"):extend()
function S:run()
	local service, due = self.sensor_service, time.now() + self.config.seconds
	for i = 1, self.config.items do
		service:set_value(("seen.%08x.%d"):format(i * 2654435761 % 2^32, i), "1",
			math.max(0.001, due - time.now()))
		if i % 1000 == 0 then
			service:commit()
		end
	end
	self.log:info("bench end left=" .. due - time.now())
	self:wait()
end
return S
]]

local function files()
	local made = {
		["sensors/filler.yaml"] = "class_name: Filler\n"
			.. "entry_point: filler.lua\n",
		["sensors/filler.lua"] = FILLER,
		["sensors/committer.lua"] = COMMITTER,
	}
	for i = 1, SENSORS do
		made["sensors/committer" .. i .. ".yaml"] = string.format(
			"class_name: Committer%d\nentry_point: committer.lua\n"
			.. "poll_interval: %g\n", i, 1 / RATE)
			.. (i == 1 and "trigger_types: [{name: committed}]\n" or "")
	end
	return made
end

local function ask(h, method, path)
	return http.ask(h.data .. "/api.sock", method, path).json
end

-- Items a second, and the loop meanwhile.
local function once()
	local h = measure.host({ items = ITEMS, seconds = 20 }, files())
	local result
	measure.with(h, function()
		local run = h:start({ "serve", "--only", "bench.Committer*", "--only",
			"bench.Filler", stdout = "/dev/null" })
		local left = tonumber(run:wait_for("bench end left=(%S+)", 60))
		local due = process.now() + left
		if left < 0.2 then
			error("it took too long to set the items")
		end
		machine.sleep(left - 0.1)
		ask(h, "POST", "/v1/reload") -- counts turns from here on
		local status
		repeat
			machine.sleep(0.2)
			status = ask(h, "GET", "/v1/status")
		until status.store.items == 0
		local took = process.now() - due
		result = { rate = ITEMS / took, work = status.loop.longest_work * 1e3 }
		run:signal("TERM")
		run:wait(20)
	end)
	return result
end

return function(options, report)
	local rates, works = {}, {}
	for i = 1, options.rounds do
		local result = once()
		rates[i], works[i] = result.rate, result.work
	end
	report({ figure = "items expired beside " .. SENSORS .. " sensors",
		unit = "/s", value = measure.median(rates), at_least = 20000,
		goal = 100000 })
	report({ figure = "longest turn meanwhile", unit = "ms",
		value = measure.median(works), less = true, at_least = 5 })
end
