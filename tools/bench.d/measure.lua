-- How the rows of tools/bench measure: the limits' programs, sensors of the
-- bench pack in a host of their own, medians of alternating runs.

local cjson = require("cjson")
local host = require("spec.support.host")
local process = require("spec.support.process")
local machine = require("machine")
local stdlib = require("posix.stdlib")

local measure = {}

-- Data lies beside the build, on a disk; /tmp may be memory.
measure.folder = stdlib.realpath("build") .. "/bench"

function measure.median(list)
	local sorted = { unpack(list) }
	table.sort(sorted)
	local middle = math.floor(#sorted / 2)
	if #sorted % 2 == 1 then
		return sorted[middle + 1]
	end
	return (sorted[middle] + sorted[middle + 1]) / 2
end

-- Runs a limit's program; returns what it printed, decoded (its first line).
function measure.limit(name, ...)
	local words = { measure.folder .. "/" .. name, timeout = 120 }
	for _, word in ipairs({ ... }) do
		words[#words + 1] = tostring(word)
	end
	local result = process.run(words)
	if result.code ~= 0 then
		error(name .. ": " .. result.stderr)
	end
	return cjson.decode(result.stdout:match("[^\n]+")), result.stdout
end

-- The number of LMDB appends a second, and p50 of a transaction in us.
function measure.lmdb(bytes, batch, seconds)
	local dir = assert(stdlib.mkdtemp(measure.folder .. "/lmdb.XXXXXX"))
	local ok, result = pcall(measure.limit, "limit_lmdb", "append", dir,
		bytes, batch, seconds)
	os.execute("rm -rf " .. dir)
	return ok and result or error(result)
end

-- Mean bytes of a journal record in a data folder: what the limit appends.
function measure.record_bytes(data)
	local _, text = measure.limit("limit_lmdb", "sizes", data)
	for line in text:gmatch("[^\n]+") do
		local sizes = cjson.decode(line)
		if sizes.database == "journal" and sizes.records > 0 then
			return math.floor(sizes.value + 0.5)
		end
	end
	error("no journal in " .. data .. ": " .. text)
end

-- A host with the bench pack, configured, and further files of the pack.
function measure.host(config, files)
	local h = host.new(measure.folder)
	os.execute("cp -r tools/bench.d/packs/bench " .. h.packs .. "/")
	local lines = {}
	for key, value in pairs(config) do
		lines[#lines + 1] = key .. ": " .. cjson.encode(value) .. "\n"
	end
	h:write_pack("bench", { ["config.yaml"] = table.concat(lines) })
	h:write_pack("bench", files or {})
	return h
end

-- CPU nanoseconds that core and its children have used so far.
local function family_ns(pid)
	local sum = machine.cpu_ns(pid)
	for _, child in ipairs(host.child_pids(pid)) do
		sum = sum + machine.cpu_ns(child)
	end
	return sum
end

-- Waits until as many sensors logged "bench end"; returns for each what it
-- said, as numbers by name.
local function wait_for_ends(run, count, seconds)
	local ends = {}
	for i = 1, count do
		local values = {}
		local text = run:wait_for("bench end (.*)", seconds)
		for key, value in text:gmatch("([%w_]+)=(%S+)") do
			values[key] = tonumber(value)
		end
		ends[i] = values
	end
	return ends
end

-- Calls fn(h, ...) and takes the host away; one that failed is shown first.
function measure.with(h, fn, ...)
	local ok, err = pcall(fn, h, ...)
	if not ok then
		h:kill_all()
		h:show()
	end
	h:close()
	return ok or error(err)
end

-- Runs sensors of the bench pack under one core (`serve`, which prints no
-- instances) until each has logged "bench end": returns what they said, the
-- CPU nanoseconds between the first "bench begin" and the last end, core's
-- peak memory, and the bytes of a journal record.
function measure.run(sensors, config, options)
	local h = measure.host(config, options and options.files)
	local command = { "serve", stdout = "/dev/null" }
	for _, sensor in ipairs(sensors) do
		command[#command + 1] = "--only"
		command[#command + 1] = "bench." .. sensor
	end
	local run = h:start(command)
	local patience = config.seconds + 60
	local result = {}
	measure.with(h, function()
		if options and options.begins then
			run:wait_for("bench begin", patience)
		end
		local before = family_ns(run.process.pid)
		result.ends = wait_for_ends(run, #sensors, patience)
		result.cpu_ns = family_ns(run.process.pid) - before
		result.peak = machine.status_bytes(run.process.pid, "VmHWM")
		run:signal("TERM")
		run:wait(20)
		if options and options.record then
			result.record = measure.record_bytes(h.data)
		end
	end)
	return result
end

-- Alternates two measurements, each returning a number: medians of both and
-- of their ratios (ours / limit).
function measure.alternate(rounds, limit, ours)
	local limits, values, ratios = {}, {}, {}
	for i = 1, rounds do
		values[i] = ours()
		limits[i] = limit()
		ratios[i] = values[i] / limits[i]
	end
	return measure.median(values), measure.median(limits),
		measure.median(ratios)
end

return measure
