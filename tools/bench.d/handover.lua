-- Commits of sensors that go on while another one is reloaded: windows with
-- a reload a second alternate with windows of the same length without any,
-- in one host.

local measure = require("measure")
local machine = require("machine")
local process = require("spec.support.process")

-- Sensors, and how often a second each dispatches.
local SENSORS, RATE = 50, 100
-- As in steady.lua.
local SCALE = 40

local CHANGING = [[
local Changing = require("sensorhost.sensor"):extend()
function Changing:run()
	self.log:info("version %d runs")
	self:wait()
end
return Changing
]]

local function files()
	local made = {
		["sensors/changing.yaml"] = "class_name: Changing\n"
			.. "entry_point: changing.lua\n",
		["sensors/changing.lua"] = CHANGING:format(0),
	}
	for i = 1, SENSORS do
		made["sensors/steady" .. i .. ".yaml"] = string.format(
			"class_name: Steady%d\nentry_point: steady.lua\n"
			.. "poll_interval: %g\ntrigger_types: [{name: steady}]\n",
			i, 1 / RATE)
	end
	return made
end

-- Waits for a time of the monotonic clock.
local function wait_until(when)
	machine.sleep(math.max(0, when - process.now()))
end

-- From the next whole second on, so many seconds, with a reload in each if
-- asked for: the window { first second, the one behind the last }.
local function window(h, run, seconds, reloads)
	local first = math.ceil(process.now())
	for second = first, first + seconds - 1 do
		wait_until(second)
		if reloads then
			h.version = (h.version or 0) + 1
			h:write_pack("bench", { ["sensors/changing.lua"] =
				CHANGING:format(h.version) })
			run:signal("HUP")
			run:wait_for("version " .. h.version .. " runs", 30)
		end
	end
	wait_until(first + seconds)
	run:drain()
	return { first, first + seconds }
end

-- What all sensors noted: second -> bucket -> count.
local function gather(run)
	local seconds, ended = {}, 0
	while ended < SENSORS do
		local what, text = run:wait_for("bench (%a+) ?(.*)", 60)
		if what == "end" then
			ended = ended + 1
		else
			local second, rest = text:match("^(%d+) (.*)$")
			local buckets = seconds[tonumber(second)] or {}
			seconds[tonumber(second)] = buckets
			for bucket, count in rest:gmatch("(%d+):(%d+)") do
				bucket = tonumber(bucket)
				buckets[bucket] = (buckets[bucket] or 0) + tonumber(count)
			end
		end
	end
	return seconds
end

-- Milliseconds that a share of the dispatches of a window took at most, and
-- how many there were.
local function percentile(seconds, span, share)
	local sum, total, used = {}, 0, {}
	for second = span[1], span[2] - 1 do
		for bucket, count in pairs(seconds[second] or {}) do
			if not sum[bucket] then
				used[#used + 1] = bucket
			end
			sum[bucket] = (sum[bucket] or 0) + count
			total = total + count
		end
	end
	table.sort(used)
	local left = math.ceil(total * share)
	for _, bucket in ipairs(used) do
		left = left - sum[bucket]
		if left <= 0 then
			return math.exp(bucket / SCALE) / 1000, total
		end
	end
	error("no dispatch in the window")
end

-- Runs the windows; the pairs of them, and what was noted.
local function run_windows(h, rounds, length)
	local run = h:start({ "serve", "--only", "bench.Steady*", "--only",
		"bench.Changing", stdout = "/dev/null" })
	run:wait_for("^ready: " .. SENSORS + 1, 60)
	machine.sleep(2)
	local pairs_of = {}
	for i = 1, rounds do
		local without = window(h, run, length, false)
		pairs_of[i] = { without, window(h, run, length, true) }
	end
	run:signal("TERM")
	local seconds = gather(run)
	run:wait(30)
	return pairs_of, seconds
end

local function measure_handover(h, options, report)
	local length = math.max(10, math.ceil(options.seconds))
	local spans, seconds = run_windows(h, options.rounds, length)
	for _, share in ipairs({ 0.5, 0.999 }) do
		local i, rate = 0, nil
		local value, limit, ratio = measure.alternate(#spans, function()
			return (percentile(seconds, spans[i][1], share))
		end, function()
			i = i + 1
			local ms, total = percentile(seconds, spans[i][2], share)
			rate = total / length
			return ms
		end)
		report({ figure = "commit beside reloads, p" .. share * 100,
			unit = "ms", value = value, limit = limit, ratio = ratio,
			less = true, at_least = share > 0.99 and 2 or nil,
			per_second = rate })
	end
end

return function(options, report)
	return measure.with(measure.host({}, files()), measure_handover, options,
		report)
end
