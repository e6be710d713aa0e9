-- Clients that pipeline /v1/status without pause: what sensors that commit
-- without pause still do meanwhile, beside windows without clients in the same
-- host; and how long idle sensors take to stop.

local flood = require("spec.support.flood")
local machine = require("machine")
local measure = require("measure")
local process = require("spec.support.process")

local SENSORS, CLIENTS = 20, 3

-- Metadata of as many sensors of one entry point.
local function files(entry, rest)
	local made = {}
	for i = 1, SENSORS do
		made["sensors/flooded" .. i .. ".yaml"] = string.format("class_name: "
			.. "Flooded%d\nentry_point: %s\n%s", i, entry, rest)
	end
	return made
end

local function start(h)
	local run = h:start({ "serve", "--only", "bench.Flooded*",
		stdout = "/dev/null" })
	run:wait_for("^ready: " .. SENSORS, 60)
	return run
end

-- What a window brought: the whole seconds in it, the answers to the clients.
local function window(h, seconds, clients)
	local asking = flood.start(clients, h.data .. "/api.sock")
	local first = math.ceil(process.now())
	machine.sleep(first + seconds - process.now())
	local answers = flood.stop(asking)["200"] or 0
	return { first = first, last = first + seconds - 1, answers = answers }
end

-- The commits of all sensors by second, once they have ended.
local function gather(run)
	local seconds = {}
	for _ = 1, SENSORS do
		for second, count in run:wait_for("bench end (.*)", 60)
			:gmatch("(%d+):(%d+)") do
			second = tonumber(second)
			seconds[second] = (seconds[second] or 0) + tonumber(count)
		end
	end
	return seconds
end

-- Commits a second in a window.
local function rate(seconds, span)
	local sum = 0
	for second = span.first, span.last do
		sum = sum + (seconds[second] or 0)
	end
	return sum / (span.last - span.first + 1)
end

local function measure_commits(h, options, report)
	local run, alone, beside = start(h), {}, {}
	local length = math.max(2, math.ceil(options.seconds))
	for i = 1, options.rounds do
		alone[i] = window(h, length, 0)
		beside[i] = window(h, length, CLIENTS)
	end
	run:signal("TERM")
	local seconds = gather(run)
	run:wait(30)
	local i, answers = 0, 0
	local value, limit, ratio = measure.alternate(options.rounds, function()
		return rate(seconds, alone[i])
	end, function()
		i = i + 1
		answers = answers + beside[i].answers / length / options.rounds
		return rate(seconds, beside[i])
	end)
	report({ figure = "commits of " .. SENSORS .. " sensors beside a flood",
		unit = "/s", value = value, limit = limit, ratio = ratio,
		at_least = 0.5, answers_per_second = answers })
end

-- Seconds from SIGTERM to the end, under so many clients.
local function stop_time(clients)
	local h, took = measure.host({}, files("idle.lua", "poll_interval: 1\n")), nil
	measure.with(h, function()
		local run = start(h)
		local asking = flood.start(clients, h.data .. "/api.sock")
		local began = process.now()
		run:signal("TERM")
		if run:wait(60) ~= "exited" then
			error("no end by SIGTERM")
		end
		took = process.now() - began
		flood.stop(asking)
	end)
	return took
end

return function(options, report)
	measure.with(measure.host({}, files("committer.lua",
		"trigger_types: [{name: committed}]\n")), measure_commits, options,
		report)
	local value, limit = measure.alternate(options.rounds, function()
		return stop_time(0)
	end, function()
		return stop_time(CLIENTS)
	end)
	report({ figure = "SIGTERM under a flood, idle sensors", unit = "s",
		value = value, limit = limit, less = true, at_least = 1 })
end
