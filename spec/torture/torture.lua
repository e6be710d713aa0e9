-- luajit spec/torture/torture.lua [ROUNDS [SEED [SENSORS]]], from the
-- project's root: kills core, spawner, worker or all of them (SIGKILL) at
-- random instants while sensors count up with dispatch and set_value.
-- Afterwards the journal must hold every number once and in order, the
-- datastore the last of them, and nothing may be missing that was printed or
-- acknowledged to a sensor. With SENSORS there are that many under `serve`,
-- and the processes that are killed are chosen among them, several times in
-- a round. The same seed kills the same processes after the same times. Exits
-- 1 at the first fault, and keeps the data folder.

package.path = "./?.lua;" .. package.path
require("spec.support.helper")
local cjson = require("cjson")
local host = require("spec.support.host")
local process = require("spec.support.process")
local signal = require("posix.signal")
local unistd = require("posix.unistd")

local ROUNDS = tonumber(arg[1] or 300)
local SEED = tonumber(arg[2] or os.time())
local SENSORS = tonumber(arg[3] or 0)
-- The journal is read back after so many rounds, and at the end.
local LOOK_EVERY = 50
-- A start that shows no number within so many seconds is a fault.
local PATIENCE = 20

math.randomseed(SEED)
local packs = unistd.getcwd() .. "/spec/torture/packs"
local kills = { core = 0, spawner = 0, worker = 0, all = 0 }
local targets = { "core", "spawner", "worker", "all" }

local function fail(counter, ...)
	print(string.format("torture: %s, seed %d: %s", counter.name, SEED,
		string.format(...)))
	print("the data folder is kept: " .. counter.host.data)
	if counter.run then
		counter.run:signal("KILL")
		counter.run:drain()
	end
	counter.host:show()
	os.exit(1)
end

-- Checks one line of stdout or of the journal: number n, whole.
local function check_payload(counter, where, record, n)
	local payload = record.payload
	if payload.n ~= n then
		fail(counter, "%s: %s where %d should be", where,
			tostring(payload.n), n)
	elseif payload.filler ~= ("x"):rep(n % 700) then
		fail(counter, "%s: number %d is not whole", where, n)
	end
end

-- Takes the numbers that were printed since the last look: they must go up
-- by one within a run, and start behind what an earlier run printed.
local function take_lines(counter)
	local run = counter.run
	for i = counter.lines_seen + 1, #run.lines do
		local line = run.lines[i]
		if line[1] == "stdout" then
			local record = cjson.decode(line[2])
			local n = record.payload.n
			if counter.in_run then
				check_payload(counter, "stdout", record, counter.printed + 1)
			elseif n <= counter.printed then
				fail(counter, "stdout: %d again, after %d", n,
					counter.printed)
			end
			counter.in_run, counter.printed = true, n
			counter.fresh = true
		elseif counter.served and line[2]:match("^ready: ") then
			counter.fresh = true
		elseif counter.served then
			local ref, n = line[2]:match(" info (torture%.%w+)[%[%d%]]*: "
				.. "holds (%d+)$")
			local held = counter.held[ref or ""] or 0
			if ref and tonumber(n) > held then
				counter.held[ref] = tonumber(n)
			end
		end
	end
	counter.lines_seen = #run.lines
end

-- Reads for so many seconds, or until a further number was printed; returns
-- whether one was.
local function read_on(counter, seconds, until_number)
	local run = counter.run
	counter.fresh = false
	run.process:pump(process.now() + seconds, function(stream, bytes)
		run:take(stream, bytes)
		take_lines(counter)
		return until_number and counter.fresh
	end)
	take_lines(counter)
	return counter.fresh
end

-- The last number that the datastore holds for each sensor's trigger.
local function stored_numbers(h)
	local stored = {}
	for line in h:run("export", "--datastore").stdout:gmatch("[^\n]+") do
		local item = cjson.decode(line)
		local class = (item.key or item.name):match("^torture%.(%w+):last$")
		if class then
			stored["torture." .. class:lower()] = tonumber(item.value)
		end
	end
	return stored
end

-- Starts and ends of processes pair up: an end after its start, once, and at
-- most one start of a sensor without an end, that of the last kill.
local function check_processes(counter)
	local open = {}
	for _, record in ipairs(counter.host:internal("sensor%.process")) do
		local object = record.payload.object
		local at = open[object.ref]
		if record.trigger:match("spawn$") then
			if at then
				fail(counter, "%s: generation %d started before %d had "
					.. "its end", object.ref, object.generation, at)
			end
			open[object.ref] = object.generation
		elseif at ~= object.generation then
			fail(counter, "%s: an end of generation %d, which did not "
				.. "run", object.ref, object.generation)
		else
			open[object.ref] = nil
		end
	end
end

-- Reads the journal and the datastore back and compares.
local function look(counter)
	local last = {}
	if counter.printed == 0 and not unistd.access(counter.host.data) then
		return
	end
	check_processes(counter)
	for _, record in ipairs(counter.host:journal()) do
		local n = (last[record.trigger] or 0) + 1
		check_payload(counter, "journal", record, n)
		last[record.trigger] = n
	end
	for ref, n in pairs(counter.held) do
		if (last[ref:lower()] or 0) < n then
			fail(counter, "journal: %s ends at %s, but %d was acknowledged",
				ref, tostring(last[ref:lower()]), n)
		end
	end
	counter.numbers = 0
	for trigger, n in pairs(last) do
		counter.numbers = counter.numbers + n
		if not counter.served and n < counter.printed then
			fail(counter, "journal: ends at %d, but %d was printed", n,
				counter.printed)
		end
		local stored = stored_numbers(counter.host)[trigger]
		if stored ~= n then
			fail(counter, "%s: the datastore says %s, the journal %d",
				trigger, tostring(stored), n)
		end
	end
	if counter.numbers < counter.printed then
		fail(counter, "the journal is empty, but %d was printed",
			counter.printed)
	end
end

-- Which processes to kill: the target's, as far as they exist by now.
local function victims(core, target)
	local family = host.family(core)
	if target == "core" then
		return { core }
	elseif target == "spawner" then
		return { family.spawner }
	elseif target == "worker" then
		return family.workers
	end
	local all = { core, family.spawner }
	for _, worker in ipairs(family.workers) do
		all[#all + 1] = worker
	end
	return all
end

-- One start of the program and its violent end.
local function round(counter, number)
	local h, target = counter.host, targets[math.random(#targets)]
	-- Mostly in full run, at times while it is still starting, and now and
	-- then long enough to see the sensor come back.
	local early = math.random() < 0.15
	local delay = math.random() * (early and 0.12 or 0.08)
	local after = math.random() * 0.05
	local recover = number % 40 == 39 and target ~= "core"
		and target ~= "all" and not counter.served

	h.started = {}
	counter.run = h:start(unpack(counter.command))
	counter.lines_seen, counter.in_run = 0, false
	if not early and not read_on(counter, PATIENCE, true) then
		fail(counter, "no number within %d s of start %d", PATIENCE, number)
	end
	read_on(counter, delay)
	local core = counter.run.process.pid
	for _, pid in ipairs(victims(core, target)) do
		signal.kill(pid, signal.SIGKILL)
		kills[target] = kills[target] + 1
	end
	if target ~= "core" and target ~= "all" then
		if recover and not read_on(counter, PATIENCE, true) then
			fail(counter, "no number within %d s of the death of the %s",
				PATIENCE, target)
		end
		read_on(counter, after)
	end
	signal.kill(core, signal.SIGKILL)
	read_on(counter, PATIENCE)
	counter.run.process:close()
end

-- A data folder and how it is used: `run` of one sensor, whose lines on
-- stdout are checked too, or `serve` with both.
local function new_counter(name, served, ...)
	return { name = name, served = served, host = host.new(), printed = 0,
		held = {}, numbers = 0, command = { ... } }
end

-- Some of the workers, chosen at random.
local function some_workers(core)
	local workers, chosen = host.family(core).workers, {}
	for _ = 1, math.random(5) do
		chosen[#chosen + 1] = workers[math.random(math.max(1, #workers))]
	end
	return chosen
end

-- One start of many sensors: some kills of workers and of the spawner, then
-- that of core or of everything. Every tenth lasts until what was killed is
-- back, and killed again.
local function fleet_round(counter, number)
	local h, waits = counter.host, number % 10 == 9 and 1.2 or 0.1
	h.started = {}
	counter.run = h:start(unpack(counter.command))
	counter.lines_seen = 0
	local core = counter.run.process.pid
	if math.random() >= 0.15 and not read_on(counter, PATIENCE, true) then
		fail(counter, "not ready within %d s of start %d", PATIENCE, number)
	end
	for _ = 1, math.random(0, 3) do
		local target = targets[math.random(2, 3)]
		read_on(counter, math.random() * waits)
		local chosen = target == "worker" and some_workers(core)
			or victims(core, target)
		for _, pid in ipairs(chosen) do
			signal.kill(pid, signal.SIGKILL)
			kills[target] = kills[target] + 1
		end
	end
	read_on(counter, math.random() * waits)
	local target = math.random() < 0.7 and "core" or "all"
	for _, pid in ipairs(victims(core, target)) do
		signal.kill(pid, signal.SIGKILL)
		kills[target] = kills[target] + 1
	end
	read_on(counter, PATIENCE)
	counter.run.process:close()
end

-- A counter of so many sensors, half of them polling.
local function new_fleet(count)
	local h = host.new()
	os.execute("cp -r " .. packs .. "/torture " .. h.packs .. "/ && rm "
		.. h.packs .. "/torture/sensors/*.yaml")
	for i = 1, count do
		local kind = i % 2 == 0 and "Polling" or "Passive"
		h:write_pack("torture", { ["sensors/count" .. i .. ".yaml"] =
			("class_name: %s%d\nentry_point: fleet_%s.lua\n%strigger_types:"
			.. " [{name: %s%d}]\n"):format(kind, i, kind:lower(),
			kind == "Polling" and "poll_interval: 0.02\n" or "",
			kind:lower(), i) })
	end
	return { name = count .. " sensors", served = true, host = h,
		printed = 0, held = {}, numbers = 0, command = { "serve" } }
end

local counters = SENSORS > 0 and { new_fleet(SENSORS) } or {
	new_counter("a polling sensor", false, "run", "torture.Polling",
		"--packs", packs),
	new_counter("a passive sensor", false, "run", "torture.Passive",
		"--packs", packs),
	new_counter("both sensors", true, "serve", "--packs", packs),
}
local began = process.now()
for number = 1, ROUNDS do
	local counter = counters[1 + number % #counters]
	if SENSORS > 0 then
		fleet_round(counter, number)
	else
		round(counter, number)
	end
	if number % LOOK_EVERY < #counters or number > ROUNDS - #counters then
		look(counter)
	end
end
local numbers = 0
for _, counter in ipairs(counters) do
	local told = 0
	for _ in pairs(counter.held) do
		told = told + 1
	end
	if told < SENSORS and ROUNDS >= 10 then
		fail(counter, "only %d were acknowledged a number", told)
	end
	numbers = numbers + counter.numbers
	counter.host:close()
end
print(string.format("%d rounds, seed %d: %d numbers, each once and in order; "
	.. "killed core %d, spawner %d, worker %d, all %d; %.0f s", ROUNDS, SEED,
	numbers, kills.core, kills.spawner, kills.worker, kills.all,
	process.now() - began))
