-- Rows of tools/bench about many sensors that do little: what they cost, how
-- soon they run, how punctual they are, what a reload does to them.

local cjson = require("cjson")
local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local machine = require("machine")
local measure = require("measure")
local signal = require("posix.signal")

local fleet = {}

local MB = 1024 * 1024
-- Sensors in a pack, which may have a thousand.
local PACK = 500
-- Reloads with nothing changed, one after the other.
local RELOADS = 5

-- Writes so many idle sensors, some hundreds a pack.
local function write_idle(h, count, interval, entry)
	for first = 1, count, PACK do
		local name = "fleet" .. math.ceil(first / PACK)
		local files = { ["pack.yaml"] = "name: " .. name
			.. "\ndescription: sensors that do little\nversion: 1.0.0\n"
			.. "author: sensorhost\n" }
		for i = first, math.min(first + PACK - 1, count) do
			files["sensors/idle" .. i .. ".yaml"] = string.format("class_name"
				.. ": Idle%d\nentry_point: %s\npoll_interval: %g\n", i,
				entry, interval)
		end
		h:write_pack(name, files)
		os.execute("cp tools/bench.d/packs/bench/sensors/" .. entry .. " "
			.. h.packs .. "/" .. name .. "/sensors/")
	end
end

-- Serves so many idle sensors, and calls fn(run, seconds until all ran, when
-- that was) when each has polled. Options: their entry point (idle.lua),
-- at_once to call fn as soon as they run, verbose.
local function with_idle(count, interval, fn, options)
	options = options or {}
	local h = host.new(measure.folder)
	write_idle(h, count, interval, options.entry or "idle.lua")
	local began = process.now()
	local run = h:start({ "serve", stdout = "/dev/null",
		options.verbose and "-v" or nil })
	return measure.with(h, function()
		local ready = run:wait_for("^ready: (%d+)", 120)
		local now = process.now()
		if tonumber(ready) ~= count then
			error(ready .. " of " .. count .. " idle sensors run")
		end
		if not options.at_once then
			machine.sleep(interval + 1)
		end
		fn(run, now - began, now)
		run:signal("TERM")
		run:wait(60)
	end)
end

local function workers_of(run)
	return host.family(run.process.pid).workers
end

-- The proportional set sizes of these processes, in bytes.
local function pss_of(pids)
	local sum = 0
	for _, pid in ipairs(pids) do
		sum = sum + machine.pss_bytes(pid)
	end
	return sum
end

-- The same of core and all its children: spawner and workers.
local function pss_in_all(run)
	return machine.pss_bytes(run.process.pid)
		+ pss_of(host.child_pids(run.process.pid))
end

-- Memory of core and of idle workers.
function fleet.memory(_, report)
	with_idle(1, 1, function(run)
		report({ figure = "core's RSS, idle", unit = "MB",
			value = machine.status_bytes(run.process.pid, "VmRSS") / MB,
			less = true, at_least = 20, goal = 12 })
	end)
	with_idle(100, 1, function(run)
		local workers = workers_of(run)
		report({ figure = "PSS of an idle worker, of " .. #workers,
			unit = "MB", value = pss_of(workers) / #workers / MB,
			less = true, at_least = 0.6, goal = 0.4 })
	end)
end

-- Milliseconds since midnight of a log line's time.
local function clock_ms(text)
	local h, m, s = text:match("T(%d+):(%d+):([%d.]+)Z")
	return ((h * 60 + m) * 60 + s) * 1000
end

-- From the request for a worker to its sensor's running: workers are killed,
-- and core's log says when it starts them again and when they run.
function fleet.start(_, report)
	local count, took = 20, {}
	with_idle(count, 1, function(run)
		local began = {}
		for _, pid in ipairs(workers_of(run)) do
			signal.kill(pid, signal.SIGKILL)
		end
		while #took < count do
			local time, ref, state = run:wait_for(
				"^(%S+) debug (fleet%d+%.Idle%d+)[%[%d%]]*: (%a+)$", 30)
			if state == "allotting" then
				began[ref] = clock_ms(time)
			elseif state == "running" and began[ref] then
				took[#took + 1] = clock_ms(time) - began[ref]
			end
		end
	end, { verbose = true })
	report({ figure = "spawn to running, p50 of " .. count, unit = "ms",
		value = measure.median(took), less = true, at_least = 10, goal = 5 })
end

-- CPU of idle polling sensors against bare processes that wake as often.
function fleet.idle(options, report)
	local count, window = 500, math.max(5, options.seconds)
	local value, limit, ratio = measure.alternate(1, function()
		return measure.limit("limit_wake", count, 1000, window).cpu_seconds
			/ window * 100
	end, function()
		local used
		with_idle(count, 1, function(run)
			local workers = workers_of(run)
			local function sum()
				local ns = machine.cpu_ns(run.process.pid)
				for _, pid in ipairs(workers) do
					ns = ns + machine.cpu_ns(pid)
				end
				return ns
			end
			local before, began = sum(), process.now()
			machine.sleep(window)
			used = (sum() - before) / 1e7 / (process.now() - began)
		end)
		return used
	end)
	report({ figure = "CPU of " .. count .. " idle sensors at 1 s",
		unit = "% core", value = value, limit = limit, ratio = ratio,
		less = true, at_least = 1.6 })
end

-- How late the polls of one sensor began, of those between from and till:
-- the rate is fixed, so the earliest beat of all tells the schedule. A tick
-- that was skipped was as late as the next poll.
local function lateness(times, interval, from, till, late)
	local origin, due = math.huge, 0
	for i, t in ipairs(times) do
		origin = math.min(origin, t - (i - 1) * interval)
	end
	for _, t in ipairs(times) do
		repeat
			local scheduled = origin + due * interval
			if scheduled >= from and scheduled <= till then
				late[#late + 1] = (t - scheduled) * 1000
			end
			due = due + 1
		until origin + due * interval > t
	end
end

-- Stops the beating sensors, and gathers what each logged at its end.
local function gather_late(run, count, interval, from, till)
	local late = {}
	run:signal("TERM")
	for _ = 1, count do
		local times = {}
		for text in run:wait_for("bench beats (.*)", 60):gmatch("%S+") do
			times[#times + 1] = tonumber(text)
		end
		lateness(times, interval, from, till, late)
	end
	table.sort(late)
	return late
end

local function percentile(sorted, share)
	return sorted[math.max(1, math.ceil(#sorted * share))]
end

-- 500 sensors that poll once a second. Their CPU is the row idle.
function fleet.fleet(options, report)
	local count, window = 500, math.max(10, options.seconds)
	local late, pss, worker, seconds
	with_idle(count, 1, function(run, took, ready)
		machine.sleep(window + 1)
		local workers = workers_of(run)
		pss, seconds = pss_in_all(run), took
		worker = pss_of(workers) / #workers
		late = gather_late(run, count, 1, ready + 1, ready + 1 + window)
	end, { entry = "beat.lua", at_once = true })
	local bare = measure.limit("limit_wake", count, 1000, window)
	report({ figure = "start to " .. count .. " running", unit = "s",
		value = seconds, less = true, at_least = 3 })
	report({ figure = "PSS of all processes for " .. count, unit = "MB",
		value = pss / MB, less = true, at_least = 340 })
	report({ figure = "PSS of an idle worker, of " .. count, unit = "MB",
		value = worker / MB, less = true, at_least = 0.6, goal = 0.4 })
	for _, share in ipairs({ 50, 99 }) do
		report({ figure = "a poll of " .. count .. " is late, p" .. share,
			unit = "ms", value = percentile(late, share / 100),
			limit = bare["late_p" .. share .. "_ms"], less = true,
			at_least = share == 50 and 5 or 50, polls = #late })
	end
end

-- 5,000 sensors that poll every 10 s.
function fleet.many(_, report)
	local count = 5000
	with_idle(count, 10, function(run, seconds)
		report({ figure = "start to " .. count .. " running", unit = "s",
			value = seconds, less = true, at_least = 40 })
		machine.sleep(10)
		report({ figure = "PSS of all processes for " .. count,
			unit = "MB", value = pss_in_all(run) / MB, less = true,
			at_least = 2.5 * 1024 })
	end, { at_once = true })
end

-- Asks a running host; the answer, decoded.
local function ask(run, method, path)
	local answer = http.ask(run.host.data .. "/api.sock", method, path)
	if answer.status ~= 200 then
		error(path .. " answered " .. answer.status)
	end
	return answer.json
end

-- One reload with nothing changed: milliseconds, how many sensors it did not
-- leave alone by its own account, the loop's longest turn and commit.
local function reload_once(run)
	local began, touched = process.now(), 0
	for _, sensor in ipairs(ask(run, "POST", "/v1/reload").sensors) do
		if sensor.result ~= "unchanged" then
			touched = touched + 1
		end
	end
	local ms = (process.now() - began) * 1000
	local loop = ask(run, "GET", "/v1/status").loop
	return ms, touched, loop.longest_work * 1000, loop.longest_commit * 1000
end

-- A reload that finds nothing changed, asked for over the API.
function fleet.reload(_, report)
	local count, took, touched, work, commit = 500, {}, 0, 0, 0
	with_idle(count, 1, function(run)
		local before = cjson.encode(workers_of(run))
		for i = 1, RELOADS do
			local odd, worked, committed
			took[i], odd, worked, committed = reload_once(run)
			touched = touched + odd
			work = math.max(work, worked)
			commit = math.max(commit, committed)
		end
		if cjson.encode(workers_of(run)) ~= before then
			touched = touched + 1
		end
	end)
	report({ figure = "reload of " .. count .. ", nothing changed",
		unit = "ms", value = measure.median(took), less = true,
		at_least = 300 })
	report({ figure = "the loop's longest turn meanwhile", unit = "ms",
		value = work, less = true, at_least = 20 })
	report({ figure = "and its longest commit", unit = "ms",
		value = commit })
	report({ figure = "sensors touched", unit = "", value = touched,
		less = true, at_least = 0 })
end

return fleet
