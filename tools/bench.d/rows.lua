-- The rows of tools/bench, each with what is promised of it.

local author = require("author")
local expire = require("expire")
local fleet = require("fleet")
local flood = require("flood")
local handover = require("handover")
local process = require("spec.support.process")
local measure = require("measure")
local storm = require("storm")

local BATCH = 1000
local MB = 1024 * 1024

local rows = { folder = measure.folder }

-- Durable dispatches a second of so many sensors, each with so many tasks
-- that commit every BATCH, against bare appends.
local function dispatch_rate(options, report, load)
	local names, record = {}, nil
	for i = 1, load.sensors do
		names[i] = "Dispatcher" .. i
	end
	local value, limit, ratio = measure.alternate(options.rounds, function()
		return measure.lmdb(record, BATCH, options.seconds).per_second
	end, function()
		local result = measure.run(names, { seconds = options.seconds,
			batch = BATCH, tasks = load.tasks },
			{ begins = true, record = true })
		local sum = 0
		for _, said in ipairs(result.ends) do
			sum = sum + said.n / said.seconds
		end
		record = result.record
		return sum
	end)
	report({
		figure = "durable dispatches, " .. load.name, unit = "/s",
		value = value, limit = limit, ratio = ratio,
		at_least = load.at_least, goal = load.goal, record_bytes = record,
	})
end

-- With two tasks a sensor makes one unit while the other becomes durable: that
-- is what saturates it. With one it stands still for as long as the disk takes;
-- the row shows what that costs.
local function dispatch(options, report)
	dispatch_rate(options, report, { name = "1 sensor", sensors = 1,
		tasks = 2, at_least = 0.35, goal = 0.5 })
	dispatch_rate(options, report, { name = "1 sensor, 1 task", sensors = 1,
		tasks = 1 })
	dispatch_rate(options, report, { name = "2 sensors", sensors = 2,
		tasks = 2, at_least = 0.5, goal = 0.65 })
	dispatch_rate(options, report, { name = "4 sensors", sensors = 4,
		tasks = 2, at_least = 0.5, goal = 0.65 })
end

-- CPU of core and worker for a dispatch, less building the table; and what
-- core's memory comes to meanwhile.
local function cpu(options, report)
	local costs, peaks, buildings = {}, {}, {}
	for i = 1, options.rounds do
		local result = measure.run({ "Dispatcher1" },
			{ seconds = options.seconds, batch = BATCH }, { begins = true })
		local said = result.ends[1]
		buildings[i] = said.building_ns / 1000
		costs[i] = result.cpu_ns / said.n / 1000 - buildings[i]
		peaks[i] = result.peak / MB
	end
	report({ figure = "CPU a dispatch, both processes", unit = "us",
		value = measure.median(costs), less = true, at_least = 2.5,
		goal = 1.7, building_us = measure.median(buildings) })
	report({ figure = "core's RSS under load, peak", unit = "MB",
		value = measure.median(peaks), less = true, at_least = 40,
		goal = 25 })
end

-- From dispatch to durable, one at a time.
local function latency(options, report)
	local p99, record = {}, nil
	local value, limit, ratio = measure.alternate(options.rounds, function()
		return measure.lmdb(record, 1, options.seconds).p50_us
	end, function()
		local result = measure.run({ "Latency" },
			{ seconds = options.seconds }, { record = true })
		record = result.record
		p99[#p99 + 1] = result.ends[1].p99_us
		return result.ends[1].p50_us
	end)
	report({ figure = "dispatch to durable, p50", unit = "us", value = value,
		limit = limit, ratio = ratio, less = true, at_least = 2,
		goal = 1.5 })
	report({ figure = "dispatch to durable, p99", unit = "us",
		value = measure.median(p99) })
end

-- Datastore reads against a bare round trip with messages as large.
local function get(options, report)
	local value, limit, ratio = measure.alternate(options.rounds, function()
		return measure.limit("limit_ping", 44, 40, options.seconds).per_second
	end, function()
		local said = measure.run({ "Reader" },
			{ seconds = options.seconds }).ends[1]
		return said.n / said.seconds
	end)
	report({ figure = "datastore gets", unit = "/s", value = value,
		limit = limit, ratio = ratio, at_least = 0.5 })
end

-- Validating and encoding a payload: a program of its own.
local function encode(_, report)
	local result = process.run({ "luajit", "tools/bench_encode.lua",
		timeout = 120, env = { SENSORHOST_SPEC_LIB = "build/"
			.. "libsensorhost_spec.so" } })
	if result.code ~= 0 then
		error("bench_encode: " .. result.stderr .. result.stdout)
	end
	local cjson = require("cjson")
	local said = cjson.decode(result.stdout:match("{[^\n]*}"))
	report({ figure = "validate and encode", unit = "ns", value = said.ours_ns,
		limit = said.cjson_ns, ratio = said.ratio, less = true,
		at_least = 0.7, goal = 0.6 })
end

-- Lines of a file to durable triggers.
local function tail(options, report)
	local lines = 300000 * options.seconds
	local path = measure.folder .. "/lines.txt"
	local file = assert(io.open(path, "w"))
	for i = 1, lines do
		file:write(string.format("Nov 21 10:00:%02d host daemon[%d]: line %d "
			.. "of a log of ordinary length\n", i % 60, i % 30000, i))
	end
	file:close()
	local value, limit = measure.alternate(options.rounds, function()
		return measure.limit("limit_getline", path).per_second
	end, function()
		local said = measure.run({ "Tail" }, { path = path, lines = lines,
			seconds = options.seconds }).ends[1]
		return said.n / said.seconds
	end)
	os.remove(path)
	report({ figure = "tailed lines to durable triggers", unit = "/s",
		value = value, limit = limit, at_least = 150000 })
end

local function add(name, about, fn)
	rows[#rows + 1] = { name = name, about = about, measure = fn }
end

add("dispatch", "durable validated dispatches: one, two, four sensors",
	dispatch)
add("cpu", "CPU a dispatch, core's memory under load", cpu)
add("latency", "dispatch to durable, one at a time", latency)
add("encode", "validate and encode one payload", encode)
add("expire", "items that expire while 20 sensors commit", expire)
add("get", "datastore reads from one sensor", get)
add("memory", "memory of core and of idle workers", fleet.memory)
add("start", "from spawn to running", fleet.start)
add("idle", "CPU of 500 idle polling sensors", fleet.idle)
add("fleet", "500 polling sensors: start, memory in all, late polls",
	fleet.fleet)
add("many", "5,000 polling sensors: start, memory in all", fleet.many)
add("reload", "a reload with nothing changed, 500 sensors", fleet.reload)
add("handover", "commits of 50 sensors while another is reloaded", handover)
add("flood", "commits, and a stop, while three clients pipeline", flood)
add("tail", "lines tailed to durable triggers", tail)
add("packs", "reading and checking packs", author.packs)
add("validate", "validating parsed payloads", author.validate)
add("each", "cursor:each of 1,000 events", author.each)
add("storm", "reloads of a sensor that serves a count", storm)

return rows
