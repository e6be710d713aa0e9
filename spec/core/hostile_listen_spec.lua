-- LISTEN and UNLISTEN from a worker that means ill: each ends that worker or
-- is answered with an error; core opens nothing that it must not, and not
-- without end.

local signal = require("posix.signal")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local hostile = require("spec.support.hostile")
local listening = require("spec.support.listening")
local process = require("spec.support.process")
local seam = require("spec.support.seam")
local sensors = require("spec.support.sensors")

local LISTEN, UNLISTEN = seam.TYPES.LISTEN, seam.TYPES.UNLISTEN
-- As many as core opens for a sensor.
local PER_SENSOR = 32

local METADATA, IDLE = sensors.COUNTS, sensors.COUNTER

local function address(where, port)
	return seam.str(where) .. seam.u16(port)
end

-- fn(run, worker): demo.S runs, and goes on afterwards in a new worker.
local function attacked(fn)
	return host.with(function(h)
		h:write_sensor("demo", "S", IDLE, METADATA)
		local run = h:start("run", "demo.S")
		run:json()
		fn(run, host.family(run.pid).workers[1], h)
		local generation
		repeat
			generation = run:json().generation
		until generation > 1
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		for n, record in ipairs(h:journal()) do
			assert.equal(n, record.payload.n)
		end
	end)
end

-- How many sockets of a process listen for TCP.
local function listeners(pid)
	local open, n = {}, 0
	for _, name in ipairs({ "tcp", "tcp6" }) do
		for line in io.lines("/proc/net/" .. name) do
			local state, inode = line:match(
				"^%s*%d+: %x+:%x+ %x+:%x+ (%x+) %S+ %S+ %S+%s+%d+%s+%d+ (%d+)")
			if state == "0A" then
				open["socket:[" .. inode .. "]"] = true
			end
		end
	end
	local ls = assert(io.popen("ls -l /proc/" .. pid .. "/fd"))
	for line in ls:lines() do
		if open[line:match("socket:%[%d+%]$") or ""] then
			n = n + 1
		end
	end
	ls:close()
	return n
end

describe("a worker is ended for", function()
	local malformed = {
		["no body"] = "",
		["a host that is cut"] = seam.u32(9) .. "127.0",
		["a length of 4 GB"] = "\255\255\255\255" .. "x",
		["no port"] = seam.str("127.0.0.1"),
		["more than there is to say"] = address("127.0.0.1", 8080) .. "x",
		["a NUL in the host"] = address("127.0.0.1\0x", 8080),
	}
	for what, body in pairs(malformed) do
		for name, kind in pairs({ LISTEN = LISTEN, UNLISTEN = UNLISTEN }) do
			it(name .. " with " .. what, attacked(function(run, worker)
				hostile.write_as(worker, hostile.frame(kind,
					kind == LISTEN and 77 or 0, body))
				run:wait_for("what is no message.*a malformed " .. name)
			end))
		end
	end

	it("LISTEN without an id", attacked(function(run, worker)
		hostile.write_as(worker, hostile.frame(LISTEN, 0,
			address("127.0.0.1", 0)))
		run:wait_for("what is no message.*LISTEN without an id")
	end))
end)

describe("a worker gets no socket", function()
	-- A worker that has stopped takes no answers, which would end it.
	local function ask(run, worker, frames)
		signal.kill(worker, signal.SIGSTOP)
		assert.equal(#frames, hostile.write_as(worker, frames))
		signal.kill(worker, signal.SIGKILL)
		-- What it sent before counts.
		run:wait_for("starts again in")
		return listeners(run.pid)
	end

	it("where the host does not allow it", attacked(function(run, worker)
		local frames = {}
		for i, where in ipairs({ { "0.0.0.0", 8080 }, { "127.0.0.1", 80 },
			{ "127.0.0.1", 1023 }, { "::", 8080 }, { "::ffff:127.0.0.1", 80 },
			{ "unix:/tmp/x", 0 }, { "unix:" .. ("x"):rep(5000), 0 },
			{ "unix:", 0 }, { "", 8080 }, { ("1"):rep(60000), 8080 },
			{ "127.0.0.1%lo", 8080 }, { "\255\254", 8080 },
			{ "10.255.255.1", 0 }, { "0.0.0.0", 0 }, { "0x7f.1", 80 } }) do
			frames[i] = hostile.frame(LISTEN, 1000 + i, address(unpack(where)))
		end
		assert.equal(0, ask(run, worker, table.concat(frames)))
	end))

	it("twice, nor one that another has", attacked(function(run, worker)
		local fd, port = listening.open(0)
		local free_fd, free = listening.open(0)
		unistd.close(free_fd)
		local function ask_for(id, where)
			return hostile.frame(LISTEN, id, address("127.0.0.1", where))
		end
		assert.equal(1, ask(run, worker, ask_for(1001, port)
			.. ask_for(1002, free) .. ask_for(1003, free)))
		unistd.close(fd)
	end))

	it("without end: any port", attacked(function(run, worker)
		local frames = {}
		for i = 1, 300 do
			frames[i] = hostile.frame(LISTEN, 1000 + i,
				address("127.0.0.1", 0))
		end
		-- The same request is the same socket.
		assert.equal(1, ask(run, worker, table.concat(frames)))
	end))

	it("without end: each address", attacked(function(run, worker)
		local frames = {}
		for i = 1, 300 do
			frames[i] = hostile.frame(LISTEN, 1000 + i,
				address("127.0.0.1", 30000 + i))
		end
		local opened = ask(run, worker, table.concat(frames))
		assert.is_true(opened > 0 and opened <= PER_SENSOR, tostring(opened))
	end))

	it("by closing and opening for ever", attacked(function(run, worker)
		local frames = {}
		for i = 1, 300 do
			frames[i] = hostile.frame(LISTEN, 1000 + i,
				address("127.0.0.1", 30000 + i)) .. hostile.frame(UNLISTEN, 0,
				address("127.0.0.1", 30000 + i))
		end
		assert.is_true(ask(run, worker, table.concat(frames)) <= 1)
		-- nor is the log full of it
		local _, lines = run:text("stderr"):gsub(": listens on ", "")
		assert.is_true(lines > 0 and lines <= 64, lines)
	end))

	it("by giving up what is another's", host.with(function(h)
		local _, port = listening.open(0)
		unistd.close(_)
		h:write_sensor("demo", "S", IDLE, METADATA)
		h:write_sensor("other", "T", ([[
local S = require("sensorhost.sensor"):extend()
local socket = require("sensorhost.socket")
function S:run()
	assert(socket.listen("127.0.0.1", %d))
	print("listens")
	self:wait()
end
return S]]):format(port))
		local core = h:start("serve")
		core:wait_for("listens")
		for _, worker in ipairs(host.family(core.pid).workers) do
			local comm = io.open("/proc/" .. worker .. "/comm"):read("*a")
			if comm:match("^demo") then
				hostile.write_as(worker, hostile.frame(UNLISTEN, 0,
					address("127.0.0.1", port)))
			end
		end
		assert.equal(0, h:run("status").code)
		local fd = process.eventually(function()
			return listening.connect(port)
		end)
		unistd.close(fd)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
		-- Neither was ended for it.
		assert.equal(2, #h:internal("sensor.process_spawn"))
	end))
end)
