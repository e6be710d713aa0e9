-- What a sensor or its worker may do to the host: whatever it is, core goes
-- on, the message says what and where, and nothing acknowledged is lost.

local hostile = require("spec.support.hostile")
local host = require("spec.support.host")
local process = require("spec.support.process")
local seam = require("spec.support.seam")
local signal = require("posix.signal")

local EVENT = [[
poll_interval: 0.02
trigger_types:
  - name: tick
    payload_schema: {type: object}
]]

local COUNTER = [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	local n = self.sensor_service:get_number("n", 0) + 1
	self.sensor_service:dispatch("demo.tick", { n = n })
	self.sensor_service:set_value("n", n)
end
return C
]]

local function in_order(journal)
	for n, instance in ipairs(journal) do
		assert.equal(n, instance.payload.n)
	end
end

local frame, le32 = hostile.frame, seam.u32

-- Whether the worker's link takes all of the bytes.
local function write_as(pid, bytes)
	return hostile.write_as(pid, bytes) == #bytes
end

-- So many bytes of operations that are in order: keys to delete.
local function deletes(bytes)
	return ("\3\0\1\0k"):rep(math.ceil(bytes / 5))
end

describe("a worker that means ill", function()
	local garbage = {
		["random bytes"] = ("\255"):rep(64),
		["a frame of 4 GB"] = "\255\255\255\255" .. ("\1"):rep(8),
		["an unknown message"] = frame(200, 1, "x"),
		["a message that only core sends"] = frame("QUIET", 1, ""),
		["a unit for a trigger that is not there"] = frame("COMMIT", 9,
			"\0" .. "\1\0\0\0" .. le32(4000) .. le32(2) .. "{}"),
		["a unit that is cut"] = frame("COMMIT", 9,
			"\0\1\0\0"),
		["a part of a unit that is cut"] = frame("PART", 0,
			"\0" .. deletes(5000) .. "\1\0\0"),
		["a part of a unit that is too small"] = frame("PART", 0,
			"\0" .. deletes(100)),
		["a part without its flags"] = frame("PART", 0, ""),
		["a state out of nowhere"] = frame("STATE", 0, "\99" .. le32(2) .. "{}"),
		["a state of 70 KB"] = frame("STATE", 0, "\1"
			.. seam.str('{"failing":true,"error":"' .. ("x"):rep(70000) .. '"}')),
		["a log line that lies about its length"] =
			frame("LOG", 0, "\1" .. le32(0) .. le32(999999)),
	}
	for what, bytes in pairs(garbage) do
		it("is ended for " .. what, host.with(function(h)
			h:write_sensor("demo", "C", COUNTER, EVENT)
			local run = h:start("run", "demo.C")
			run:json()
			local worker = host.family(run.process.pid).workers[1]
			assert.is_true(write_as(worker, bytes))
			run:wait_for("sent what is no message, and is ended")
			run:wait_for("starts again in")
			local generation
			repeat
				generation = run:json().generation
			until generation == 2
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
			in_order(h:journal())
		end))
	end
end)

describe("parts of a unit that never comes", function()
	local function dispatch(payload)
		return "\1\0\0\0" .. le32(1) .. le32(#payload) .. payload
	end

	it("are not in the next one", host.with(function(h)
		h:write_sensor("demo", "C", COUNTER, EVENT)
		local run = h:start("run", "demo.C")
		run:json()
		local worker = host.family(run.process.pid).workers[1]
		assert.is_true(write_as(worker, frame("PART", 0, "\0"
			.. dispatch('{"n":99999}'):rep(200))))
		local last = run:json().payload.n
		repeat until run:json().payload.n >= last + 10
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		in_order(h:journal())
	end))

	it("may not be larger than one", host.with(function(h)
		h:write_sensor("demo", "C", COUNTER,
			"limits: {unit: 64K}\n" .. EVENT)
		local run = h:start("run", "demo.C")
		run:json()
		local worker = host.family(run.process.pid).workers[1]
		assert.is_true(write_as(worker, frame("PART", 0, "\4"
			.. deletes(20000)):rep(56)))
		run:wait_for("sent what is no message, and is ended: "
			.. "a unit that is too large")
		repeat until run:json().generation == 2
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		in_order(h:journal())
	end))
end)

describe("a worker that floods core", function()
	-- fn(run, worker, log): demo.C is stopped, so that it takes no answers.
	local function flooding(fn)
		return host.with(function(h)
			h:write_sensor("demo", "C", COUNTER, EVENT)
			h:write("sensorhost.yaml", "log: {file: log}\n")
			local run = h:start("serve", "--config",
				h.dir .. "/sensorhost.yaml")
			run:wait_for("^ready: 1 sensor")
			local worker = host.family(run.process.pid).workers[1]
			signal.kill(worker, signal.SIGSTOP)
			fn(run, worker, function()
				return h:read("log") or ""
			end)
			run:signal("KILL")
			run:wait()
		end)
	end

	-- Writes as often as that, as fast as core takes it.
	local function flood(worker, bytes, times)
		for _ = 1, times do
			hostile.write_as(worker, bytes)
		end
	end

	-- The most memory that a process has had, in MB.
	local function peak(pid)
		local status = io.open(("/proc/%d/status"):format(pid))
		local kb = status:read("*a"):match("VmHWM:%s*(%d+)")
		status:close()
		return tonumber(kb) / 1024
	end

	-- A message larger than a frame.
	local function large(kind, id, body)
		local parts, size = {}, 1024 * 1024
		for at = 1, #body, size do
			local piece = body:sub(at, at + size - 1)
			parts[#parts + 1] = le32(#piece) .. string.char(seam.TYPES[kind],
				at + size <= #body and 1 or 0, 0, 0) .. le32(id) .. piece
		end
		return table.concat(parts)
	end

	for _, kind in ipairs({ "SOURCE", "LOOKUP" }) do
		it("with names of 7 MB costs it little: " .. kind,
			flooding(function(run, worker)
			local before = peak(run.process.pid)
			local message = large(kind, 77, seam.str(("x"):rep(7000000)))
			local began = process.now()
			flood(worker, message, 3)
			-- all was read when the next write is taken
			hostile.write_as(worker, frame("STATE", 0, "\1" .. seam.str("{}")))
			assert.is_true(process.now() - began < 2 * process.slowness)
			if not os.getenv("SENSORHOST_SPEC_ASAN") then
				assert.is_true(peak(run.process.pid) < before + 30)
			end
		end))
	end

	it("with log lines fills no disk, and what is missing is told",
		flooding(function(_, worker, log)
		flood(worker, frame("LOG", 0, "\3" .. seam.str("")
			.. seam.str(("y"):rep(100))):rep(500), 20)
		local missing = process.eventually(function()
			return log():match("(%d+) of its log lines suppressed: more than "
				.. "1000 lines or 1 MB in 5 s")
		end, "word of what is missing")
		local _, lines = log():gsub("yyyyyyyyyy\n", "")
		assert.is_true(lines >= 1000 and lines + missing <= 10000)
		assert.is_true(#log() < 500000)
	end))

	it("with huge log lines neither", flooding(function(_, worker, log)
		flood(worker, large("LOG", 0, "\3" .. seam.str(("n"):rep(5000))
			.. seam.str(("y"):rep(2000000))), 40)
		process.eventually(function()
			return log():find("of its log lines suppressed", 1, true)
		end, "word of what is missing")
		assert.matches("%.n+%[1%]: y+ %.%.%. %(%d+ bytes cut%)", log())
		assert.is_true(#log() < 3000000)
	end))
end)

describe("processes that die", function()
	it("a worker starts afresh", host.with(function(h)
		h:write_sensor("demo", "C", COUNTER, EVENT)
		local run = h:start("run", "demo.C")
		run:json()
		os.execute("kill -9 " .. host.family(run.process.pid).workers[1])
		run:wait_for("killed by signal 9.*starts again in")
		repeat until run:json().generation == 2
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		in_order(h:journal())
	end))

	it("a spawner is replaced, and takes no worker with it",
		host.with(function(h)
		h:write_sensor("demo", "C", COUNTER, EVENT)
		local run = h:start("run", "demo.C")
		run:json()
		local family = host.family(run.process.pid)
		os.execute("kill -9 " .. family.spawner)
		run:wait_for("the spawner ended.*starting another")
		run:json()
		local after = process.eventually(function()
			local now = host.family(run.process.pid)
			return now.spawner and now.spawner ~= family.spawner and now
		end, "another spawner")
		assert.same(family.workers, after.workers)
		os.execute("kill -9 " .. family.workers[1])
		repeat until run:json().generation == 2
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		in_order(h:journal())
	end))

	it("core takes all of them with it", host.with(function(h)
		h:write_sensor("demo", "C", COUNTER, EVENT)
		local run = h:start("run", "demo.C")
		run:json()
		local family = host.family(run.process.pid)
		run:signal("KILL")
		run:wait()
		for _, pid in ipairs({ family.spawner, family.workers[1] }) do
			process.eventually(function()
				local file = io.open(("/proc/%d/stat"):format(pid))
				local state = file and (file:read("*a") or "")
					:match("%) (%u)")
				if file then
					file:close()
				end
				return not state or state == "Z"
			end, "the end of process " .. pid)
		end
		in_order(h:journal())
	end))
end)

describe("a sensor that", function()
	-- slice: in seconds, for what is to overrun it.
	local function polls(h, body, slice)
		h:write("sensorhost.yaml", ("limits: {memory: 16M, slice: %g}\n"
			.. "stop_timeout: 1\n"):format(slice or 60))
		h:write_sensor("demo", "P", ([[
local P = require("sensorhost.polling_sensor"):extend()
local time = require("sensorhost.time")
function P:poll()
	local svc = self.sensor_service
	%s
end
return P, time
]]):format(body), EVENT)
		return h:start("run", "demo.P", "--config",
			h.dir .. "/sensorhost.yaml")
	end

	it("loops for ever is killed, and named with its line the second time",
		host.with(function(h)
		local run = polls(h, "while true do end", 0.5)
		run:wait_for("poll ran for over 0.5 s %(limits.slice%)")
		run:wait_for("p%.lua:5: ran 0.5 s without waiting")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("loops for ever inside pcall is killed too", host.with(function(h)
		local run = polls(h,
			"while true do pcall(function() while true do end end) end", 0.5)
		run:wait_for("limits.slice")
		run:wait_for("starts again in 2")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("loops for ever while its error is shown is killed",
		host.with(function(h)
		local run = polls(h, [[error(setmetatable({}, {
			__tostring = function() while true do end end }))]], 0.5)
		run:wait_for("limits.slice")
		run:wait_for("starts again in")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("eats all memory is ended with an error", host.with(function(h)
		local run = polls(h,
			"local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end")
		run:wait_for("memory")
		run:wait_for("starts again in")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	for what, body in pairs({
		tasks = "local spawn = require('sensorhost.spawn') "
			.. "local function bomb() while true do spawn(bomb) end end bomb()",
		["tasks that wait"] = "local spawn = require('sensorhost.spawn') "
			.. "local function bomb() spawn(bomb) spawn(bomb) time.sleep(0) "
			.. "end bomb() self:wait()",
		coroutines = "local all = {} while true do all[#all + 1] = "
			.. "coroutine.create(function() end) end",
		["files it has open"] = "local all = {} while true do all[#all + 1] = "
			.. "assert(io.open('/dev/null')) end",
	}) do
		it("makes " .. what .. " without end is ended", host.with(function(h)
			local run = polls(h, body, 2)
			run:wait_for("starts again in", 60)
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
		end))
	end

	it("calls os.exit is told what to do instead", host.with(function(h)
		local run = polls(h, "os.exit(3)")
		run:wait_for("os%.exit.*finish")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("does not stop is killed at stop_timeout", host.with(function(h)
		local run = polls(h, [[svc:dispatch("demo.tick", { n = 1 })
	svc:commit()
	local until_ = time.monotonic() + 0.4
	while true do
		while time.monotonic() < until_ do end
		time.sleep(0)
		until_ = time.monotonic() + 0.4
	end]])
		run:json()
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("waits inside table.sort is told the way round", host.with(function(h)
		local run = polls(h,
			"table.sort({ 3, 1, 2 }, function() time.sleep(0) return true end)")
		run:wait_for("cannot wait inside table%.sort")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))
end)
