-- What a new version does before it has taken over: nothing of it counts
-- until the flip, and none of it can spoil the handover.

local hostile = require("spec.support.hostile")
local host = require("spec.support.host")
local process = require("spec.support.process")
local seam = require("spec.support.seam")
local signal = require("posix.signal")

local TICK = "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n"

-- A sensor that dispatches its version with each poll; `more` is Lua between
-- the class and its return.
local function version(v, more)
	return ([[
local spawn = require("sensorhost.spawn")
local time = require("sensorhost.time")
local channel = require("sensorhost.channel")
local S = require("sensorhost.polling_sensor"):extend()
local VERSION = "%s"
local function tell(self, what)
	self.sensor_service:dispatch("demo.tick", { v = VERSION, what = what })
end
function S:poll() tell(self, "poll") end
%s
return S, spawn, time, channel]]):format(v, more or "")
end

-- demo.S runs as version one; fn(h, core, change) where change(more) makes
-- it version two and asks for a reload.
local function running(fn, first, config)
	return host.with(function(h)
		h:write_sensor("demo", "S", version("one", first), TICK)
		local core = h:start("serve", "--config",
			h:write("sensorhost.yaml", config or "stop_timeout: 4s\n"))
		core:wait_for("^ready")
		fn(h, core, function(more, v)
			h:write_sensor("demo", "S", version(v or "two", more), TICK)
			return h:run("reload")
		end)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end)
end

-- What version `v` has dispatched beside its polls, in order.
local function told(h, v)
	local list = {}
	for _, record in ipairs(h:journal()) do
		if record.payload.v == v and record.payload.what ~= "poll" then
			table.insert(list, record.payload.what)
		end
	end
	return list
end

-- Once version v dispatches, no other does.
local function flips_once(h, v)
	process.eventually(function()
		local seen = false
		for _, record in ipairs(h:journal()) do
			seen = seen or record.payload.v == v
			assert.is_true(not seen or record.payload.v == v)
		end
		return seen
	end, "a dispatch of version " .. v)
end

local function reloaded(result)
	assert.equal(0, result.code, result.stdout .. result.stderr)
end

describe("a new version", function()
	it("may start tasks in setup that dispatch at once",
		running(function(h, core, change)
		reloaded(change([[
function S:setup()
	spawn(function()
		tell(self, "first")
		time.sleep(0.01)
		tell(self, "second")
	end)
	time.sleep(0.2)
	tell(self, "setup")
end]]))
		core:wait_for("demo%.S%[2%]: reloaded")
		process.eventually(function()
			return #told(h, "two") == 3
		end, "what setup and its task say")
		assert.same({ "setup", "first", "second" }, told(h, "two"))
		flips_once(h, "two")
	end))

	it("may join tasks in setup that store and dispatch",
		running(function(h, _, change)
		reloaded(change([[
function S:setup()
	local sums = assert(spawn.map({ 1, 2, 3 }, 2, function(n)
		time.sleep(0.01)
		tell(self, "task " .. n)
		self.sensor_service:set_value("n", n)
		self.sensor_service:set_value("n" .. n, n)
		return n
	end))
	self.sensor_service:delete_value("n2")
	tell(self, ("%d %d %s"):format(#sums, self.sensor_service:get_value("n"),
		tostring(self.sensor_service:get_value("n2"))))
end]]))
		flips_once(h, "two")
		assert.same({ "task 1", "task 2", "task 3", "3 3 nil" },
			told(h, "two"))
	end))

	it("may dispatch and store in init", running(function(h, _, change)
		reloaded(change([[
function S:init()
	tell(self, "init")
	self.sensor_service:set_value("made", true)
	time.sleep(0.01)
end
function S:setup()
	tell(self, self.sensor_service:get_value("made") and "made" or "not")
end]]))
		assert.same({ "init", "made" }, told(h, "two"))
	end))

	it("takes nothing along when its setup fails",
		running(function(h, core, change)
		local result = change([[
function S:init() tell(self, "init") end
function S:setup()
	spawn(function() tell(self, "task") end)
	spawn(function() tell(self, "other") time.sleep(0) tell(self, "more") end)
	time.sleep(0.1)
	tell(self, "setup")
	error("no good")
end
function S:cleanup() tell(self, "cleanup") end]])
		assert.equal(1, result.code)
		assert.truthy(result.stdout:find("s.lua:16: no good", 1, true))
		core:wait_for("reload failed.*s%.lua:16: no good")
		assert.same({}, told(h, "two"))
		reloaded(change("", "three"))
		flips_once(h, "three")
	end))

	it("fails as itself when a task of its setup fails",
		running(function(h, core, change)
		local result = change([[
function S:setup()
	spawn(function() time.sleep(0.01) error("task no good") end)
	time.sleep(1)
	tell(self, "setup")
end
function S:cleanup() tell(self, "cleanup") end]])
		assert.equal(1, result.code)
		core:wait_for("reload failed.*s%.lua:11: task no good")
		assert.same({}, told(h, "two"))
	end))

	it("that fails while the old one cleans up is started again",
		running(function(h, core, change)
		reloaded(change([[
function S:setup()
	tell(self, "setup")
	if not self.sensor_service:get_value("again") then
		self.sensor_service:set_value("again", true)
		spawn(function()
			tell(self, "task")
			time.sleep(0)
			error("after setup")
		end)
	end
end
function S:cleanup(why) tell(self, "cleanup " .. why) end]]))
		core:wait_for("s%.lua:17: after setup; starts again in")
		process.eventually(function()
			return #told(h, "two") >= 3
		end, "the next start")
		local list = told(h, "two")
		assert.equal("setup", list[1])
		assert.equal("setup", list[#list])
		assert.truthy(table.concat(list, " "):find("cleanup failed", 1, true))
	end, "function S:cleanup() time.sleep(0.5) end"))

	it("may make much in a task of its setup", running(function(h, _, change)
		reloaded(change([[
function S:setup()
	spawn(function()
		for n = 1, 300 do tell(self, ("%04d"):format(n) .. ("x"):rep(1000)) end
	end)
	time.sleep(0)
	spawn(function()
		for n = 301, 600 do tell(self, ("%04d"):format(n) .. ("x"):rep(1000)) end
		time.sleep(0)
		tell(self, "0601")
	end)
	time.sleep(0.1)
end]]))
		process.eventually(function() return #told(h, "two") == 601 end)
		for n, text in ipairs(told(h, "two")) do
			assert.equal(n, tonumber(text:sub(1, 4)))
		end
		flips_once(h, "two")
	end))

	it("that says it runs before it does is ended",
		running(function(h, core, change)
		h:write_sensor("demo", "S", version("two", [[
function S:setup() print("in setup") time.sleep(5) end]]), TICK)
		core:signal("HUP")
		core:wait_for("in setup")
		hostile.write_as(host.family(core.pid).workers[2], hostile.frame(
			seam.TYPES.STATE, 0, seam.u8(0) .. seam.str("{}")))
		core:wait_for("no message, and is ended: it runs before its setup")
		core:wait_for("the running version goes on")
		reloaded(change("", "three"))
		flips_once(h, "three")
		assert.same({}, told(h, "two"))
	end))

	it("that sends setup's unit twice is ended, and started again",
		running(function(h, core)
		h:write_sensor("demo", "S", version("two", [[
function S:setup() tell(self, "setup") print("set up") end]]), TICK)
		core:signal("HUP")
		core:wait_for("cleans up")
		hostile.write_as(host.family(core.pid).workers[2], hostile.frame(
			seam.TYPES.COMMIT, 5000, seam.u8(1)))
		core:wait_for("no message, and is ended: a second unit of setup")
		core:wait_for("starts again in")
		process.eventually(function() return #told(h, "two") == 2 end)
		flips_once(h, "two")
	end, 'function S:cleanup() print("cleans up") time.sleep(1) end'))

	it("that joins what must wait for it is told so",
		running(function(h, core, change)
		local result = change([[
function S:setup()
	local task = spawn(function()
		tell(self, "task")
		time.sleep(0)
	end)
	task:join()
end]])
		assert.equal(1, result.code)
		core:wait_for("s%.lua:15: setup has not ended within setup_timeout "
			.. "%(1 s%); it waits in task:join, while a task that it started, "
			.. "and that has dispatched or stored, waits at .*s%.lua:13 for "
			.. "the end of setup")
		assert.same({}, told(h, "two"))
	end, nil, "setup_timeout: 1s\nstop_timeout: 4s\n"))
end)

describe("a start", function()
	it("is one unit, with all that ended before its setup",
		host.with(function(h)
		h:write_sensor("demo", "S", version("one", [[
function S:init()
	tell(self, "init")
	self.sensor_service:set_value("a", 1, 3600, true)
	self.sensor_service:dispatch("demo.tick", {}, "a trace")
	print(pcall(self.sensor_service.commit, self.sensor_service))
end
function S:setup()
	local done = channel.new()
	spawn(function()
		tell(self, "task")
		self.sensor_service:dispatch("demo.tick", { bad = 0 / 0 })
		spawn(function() done:send(true) end)
	end)
	assert(done:receive())
	tell(self, "setup " .. self.sensor_service:get_value("a"))
end]]), TICK)
		local run = h:start("run", "demo.S", "-v")
		run:wait_for("commit%(%) inside init")
		run:wait_for("unit 1: 4 dispatches, 1 value, 1 dead letter.*setup")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		local journal = h:journal()
		assert.equal("init", journal[1].payload.what)
		assert.equal("a trace", journal[2].trace_context.trace_tag)
		assert.equal("task", journal[3].payload.what)
		assert.equal("setup 1", journal[4].payload.what)
	end))
end)

describe("an old version", function()
	it("that does not become quiet is ended, and the new one takes over",
		running(function(h, core, change)
		local worker = host.family(core.pid).workers[1]
		signal.kill(worker, signal.SIGSTOP)
		reloaded(change(""))
		core:wait_for("did not become quiet within stop_timeout")
		flips_once(h, "two")
	end, nil, "stop_timeout: 1s\nlimits: {slice: 500ms}\n"))
end)

describe("a handover that outlasts its reload", function()
	it("makes way for the next one", running(function(h, core, change)
		local result = change("local stop = os.clock() + 3600 "
			.. "while os.clock() < stop do end")
		assert.equal(1, result.code)
		assert.matches("demo.S failed: it is still running, its new version "
			.. "still loads", result.stdout, 1, true)
		reloaded(change("", "three"))
		core:wait_for("demo%.S%[%d%]: reloaded")
		flips_once(h, "three")
		-- The end of the one that was given up is told as well.
		assert.equal(3, #h:internal("sensor.process_spawn"))
		process.eventually(function()
			return #h:internal("sensor.process_exit") == 2
		end, "two ends")
	end, nil, "stop_timeout: 1s\nsetup_timeout: 1s\nlimits: {slice: 1h}\n"))
end)
