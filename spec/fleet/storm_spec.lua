-- Many signals, at the worst of times, and sensors that do not want to stop.

local host = require("spec.support.host")
local process = require("spec.support.process")
local signal = require("posix.signal")

local TICK = "poll_interval: 0.02\ntrigger_types: [{name: tick}]\n"

-- Dispatches a number and the version with each poll.
local function counter(pack, version)
	return ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	local service = self.sensor_service
	local n = service:get_number("n", 0) + 1
	service:dispatch("%s.tick", { n = n, v = %d })
	service:set_value("n", n)
end
return S]]):format(pack, version)
end

-- The journal's numbers go up by one for each trigger; the last versions.
local function versions(h)
	local last, version = {}, {}
	for _, record in ipairs(h:journal()) do
		local n = (last[record.trigger] or 0) + 1
		assert.equal(n, record.payload.n)
		last[record.trigger], version[record.trigger] = n, record.payload.v
	end
	return version
end

-- Starts and ends must pair up; returns how many there were.
local function paired(h)
	local open, count = {}, 0
	for _, record in ipairs(h:internal("sensor.process")) do
		local object = record.payload.object
		local key = object.ref .. " " .. object.generation
		if record.trigger:match("spawn$") then
			assert.is_nil(open[key])
			open[key] = true
			count = count + 1
		else
			assert.is_true(open[key])
			open[key] = nil
		end
	end
	assert.is_nil(next(open))
	return count
end

-- The resident set of a process, in kilobytes.
local function resident(pid)
	for line in io.lines(("/proc/%d/status"):format(pid)) do
		local kb = line:match("^VmRSS:%s*(%d+)")
		if kb then
			return tonumber(kb)
		end
	end
end

-- Waits until main has blocked SIGHUP, which is the first that it does.
local function handles_signals(run)
	repeat
		local status = io.open(("/proc/%d/status"):format(run.pid))
		local blocked = status:read("*a"):match("SigBlk:%s*(%x+)")
		status:close()
	until tonumber(blocked:sub(-1), 16) % 2 == 1
end

describe("a storm of SIGHUP", function()
	it("of a thousand a second loses nothing, and ends with what is on disk",
		host.with(function(h)
		for _, pack in ipairs({ "a", "b", "c" }) do
			h:write_sensor(pack, "S", counter(pack, 0), TICK)
		end
		local run = h:start("serve")
		run:wait_for("^ready")
		local before = resident(run.pid)
		local began = process.now()
		for i = 1, 1000 do
			if i % 100 == 0 then
				h:write_sensor("a", "S", counter("a", i), TICK)
				run:drain()
			end
			signal.kill(run.pid, signal.SIGHUP)
			local left = began + i / 1000 - process.now()
			if left > 0 then
				require("posix.time").nanosleep({ tv_sec = 0,
					tv_nsec = math.floor(left * 1e9) })
			end
		end
		-- one more reload answers when all is done
		assert.equal(0, h:run("reload").code)
		-- The sanitizer keeps what was freed.
		if not os.getenv("SENSORHOST_SPEC_ASAN") then
			assert.is_true(resident(run.pid) < before + 16 * 1024)
		end
		process.eventually(function()
			return versions(h)["a.tick"] == 1000
		end, "a dispatch of the last version")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		assert.equal(0, versions(h)["b.tick"])
		-- the others were left alone
		for _, record in ipairs(h:internal("sensor.process_spawn")) do
			local object = record.payload.object
			assert.is_true(object.ref == "a.S" or object.generation == 1)
		end
		paired(h)
	end))

	it("may come during the start and the stop", host.with(function(h)
		for i = 1, 10 do
			h:write_sensor("p" .. i, "S", counter("p" .. i, 0), TICK)
		end
		for round = 1, 6 do
			local run = h:start("serve")
			handles_signals(run)
			for _ = 1, 20 do
				run:signal("HUP")
			end
			if round % 2 == 0 then
				run:wait_for("^ready")
			end
			h:write_sensor("p1", "S", counter("p1", round), TICK)
			for i = 1, 20 do
				run:signal("HUP")
				if i == 10 then
					run:signal("TERM")
				end
			end
			assert.same({ "exited", 0 }, { run:wait() })
		end
		versions(h)
		assert.is_true(paired(h) <= 6 * 10 + 6)
	end))
end)

describe("a SIGHUP", function()
	it("at any instant from the first line of main on ends nothing",
		host.with(function(h)
		h:write_sensor("p", "S", counter("p", 0), TICK)
		for round = 1, 40 do
			local run = h:start("serve")
			handles_signals(run)
			process.run({ "sleep", ("%.4f"):format((round / 40) ^ 3 * 0.1) })
			run:signal("HUP")
			if round % 4 == 0 then
				run:wait_for("^ready")
			end
			-- Asked to stop, it must do so by itself.
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
		end
		versions(h)
		paired(h)
	end))
end)

describe("a stop", function()
	-- Ignores all that asks it to stop.
	local STUBBORN = [[
local time = require("sensorhost.time")
local S = require("sensorhost.sensor"):extend()
local function stay()
	while true do
		pcall(time.sleep, 3600)
	end
end
S.run, S.cleanup = stay, stay
return S]]

	it("of 200 sensors that ignore it takes stop_timeout",
		host.with(function(h)
		for i = 1, 200 do
			h:write("packs/many/sensors/s" .. i .. ".yaml",
				"class_name: S" .. i .. "\nentry_point: stay.lua\n")
		end
		h:write("packs/many/sensors/stay.lua", STUBBORN)
		local run = h:start("serve", "--config", h:write("sensorhost.yaml",
			"stop_timeout: 2s\n"))
		run:wait_for("ready: 200 sensors")
		-- half of them do not even get to read the message
		for i, worker in ipairs(host.family(run.pid).workers) do
			if i % 2 == 0 then
				signal.kill(worker, signal.SIGSTOP)
			end
		end
		local began = process.now()
		run:signal("TERM")
		-- one after the other would take minutes
		assert.same({ "exited", 0 }, { run:wait() })
		local took = process.now() - began
		print(("\n200 stubborn sensors stopped in %.2f s"):format(took))
		assert.is_true(took > 0.9)
		local exits = h:internal("sensor.process_exit")
		assert.equal(200, #exits)
		local killed = 0
		for _, record in ipairs(exits) do
			local object = record.payload.object
			assert.equal("shutdown", object.reason)
			if object.signal == 9 then
				killed = killed + 1
				assert.equal("did not stop within stop_timeout",
					object.message)
			end
		end
		assert.is_true(killed >= 100)
	end))
end)
