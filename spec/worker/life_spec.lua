-- A sensor's life: load, init, setup, triggers, run or poll, quiet, the end.

local worker = require("spec.support.worker")
local seam = require("spec.support.seam")
local dkjson = require("dkjson")

local POLLING = [[
	local P = require("sensorhost.polling_sensor")
	local time = require("sensorhost.time")
	local Checker = P:extend()
]]
local PASSIVE = [[
	local S = require("sensorhost.sensor")
	local time = require("sensorhost.time")
	local spawn = require("sensorhost.spawn")
	local Checker = S:extend()
]]
local END = "\n return Checker"

local running = {}

local function new(options)
	local w = worker.new(options)
	running[#running + 1] = w
	return w
end

local function start(source, spec, options)
	options = options or {}
	options.source = source .. END
	options.spec = spec
	return new(options):start()
end

after_each(function()
	for _, w in ipairs(running) do
		w:close()
	end
	running = {}
end)

local function texts(w)
	local list = {}
	for _, line in ipairs(w.logs) do
		if line.level == 1 then
			list[#list + 1] = line.text
		end
	end
	return list
end

describe("loading", function()
	local function refusal(source, spec)
		local ok, why = new({ source = source, spec = spec }):load()
		assert.is_nil(ok)
		return why
	end

	it("says what is wrong with the file", function()
		assert.truthy(refusal("x = = 1"):find("sensors/x.lua:1:", 1, true))
		assert.truthy(refusal("local x"):find('demo.Checker: the file returned '
			.. 'nothing; end it with "return Checker"', 1, true))
		assert.truthy(refusal("return 5"):find("returned a number", 1, true))
		assert.truthy(refusal("return {pol = print, setup = print}"):find(
			"returned a class without run or poll (it has: pol, setup)", 1, true))
		assert.truthy(refusal("local x = nil; x.y = 1"):find(
			"sensors/x.lua:1: attempt to index local 'x'", 1, true))
		assert.truthy(refusal("\27LJ\2"):find("sensors/x.lua", 1, true))
		assert.truthy(refusal("count = 1"):find('assignment to undeclared '
			.. 'global "count": write "local count"', 1, true))
		assert.truthy(refusal('require("sensorhost.time").sleep(1)'):find(
			"cannot wait inside the sensor's file itself", 1, true))
		assert.truthy(refusal('require("sensorhost.spawn")(print)'):find(
			"spawn works in setup", 1, true))
	end)

	it("takes a class, a table of classes, a plain table", function()
		assert(new({ source = PASSIVE
			.. "function Checker:run() end return {Checker = Checker}" }):load())
		assert(new({ source = "return {run = function() end}" }):load())
		local w = new({ source = [[return {poll = function(self)
			self.log:info("polled %s", self:get_poll_interval()) end}]],
			spec = { poll_interval = 0.05 } }):start()
		assert(w:run_until(function() return w:logged("polled 0.05") end))
	end)
end)

describe("a start", function()
	it("goes load, init, setup, add_trigger, run, in this order", function()
		local w = start(PASSIVE .. [[
			function Checker:init() print("init", self.ref, self.pack) end
			function Checker:setup() print("setup") end
			function Checker:add_trigger(t) print("add", t.ref, t.number) end
			function Checker:run() print("run") end
			function Checker:cleanup(why) print("cleanup", why) end
		]])
		assert(w:wait_state("returned"))
		assert.same({ "init\tdemo.Checker\tdemo", "setup", "add\tdemo.event\tnil",
			"add\tdemo.p-1\tnil", "run", "cleanup\treturned" }, texts(w))
		assert.equal("running", w.states[1].state)
		assert.equal(1, w.units[1].flags)
		assert.equal(0, w:close())
		running = {}
	end)

	it("runs setup as one transaction, and holds what follows", function()
		local w = start(PASSIVE .. [[
			function Checker:setup()
				self.sensor_service:set_value("a", 1)
				time.sleep(0.01)
				self.sensor_service:set_value("b", 2)
				print(pcall(self.sensor_service.commit, self.sensor_service))
			end
			function Checker:run() print("run") self:wait() end
		]], nil, { hold = true })
		assert(w:run_until(function() return #w.units == 1 end))
		assert.equal(2, #w.units[1])
		assert.equal(1, w.units[1].flags)
		w:run_for(0.1)
		assert.falsy(w:logged("run"))
		assert.same({}, w.states)
		assert.truthy(w:logged("commit() inside setup"))
		w:ack()
		assert(w:wait_state("running"))
		assert(w:run_until(function() return w:logged("run") end))
	end)

	it("ends a setup that takes too long, with the place", function()
		local w = start(PASSIVE .. [[
			function Checker:setup()
				pcall(time.sleep, 100)
			end
			function Checker:run() end
			function Checker:cleanup(why) print("cleanup", why) end
		]], { setup_timeout = 0.1 })
		local failed = assert(w:wait_state("failed"))
		assert.equal("setup", failed.entry)
		assert.truthy(failed.error:find("sensors/x.lua:6: setup has not ended "
			.. "within setup_timeout (0.1 s); it waits in time.sleep", 1, true))
		assert.truthy(failed.traceback:find("sensors/x.lua:6", 1, true))
		assert.same({ "cleanup\tfailed" }, texts(w))
	end)
end)

describe("an error", function()
	it("is reported with the sensor's frames first", function()
		local w = start(PASSIVE .. [[
			local function deeper() error("deep") end
			function Checker:helper() deeper() end
			function Checker:run()
				self.sensor_service:dispatch("demo.event", {id = 1})
				self:helper()
			end
			function Checker:cleanup() error("cleanup, too") end
		]])
		local failed = assert(w:wait_state("failed"))
		assert.equal("run", failed.entry)
		assert.equal("sensors/x.lua:5: deep", failed.error)
		assert.truthy(failed.traceback:find("^sensors/x.lua:5: in upvalue "
			.. "'deeper'\nsensors/x.lua:6: in method 'helper'\n"
			.. "sensors/x.lua:9: in method 'run'\n%(1 of the host"))
		assert.same({ dispatches = 1, values = 0 }, failed.undone)
		assert.truthy(failed.cleanup_error:find("cleanup, too", 1, true))
	end)

	it("keeps the traceback through transactions and coroutines", function()
		local w = start(PASSIVE .. [[
			function Checker:inner() error("in there") end
			function Checker:run()
				self.sensor_service:transaction(function()
					coroutine.wrap(function() self:inner() end)()
				end)
			end
		]])
		local failed = assert(w:wait_state("failed"))
		assert.truthy(failed.traceback:find("in method 'inner'", 1, true))
		assert.truthy(failed.traceback:find("in method 'run'", 1, true))
	end)

	it("of any kind has words", function()
		for source, wanted in pairs({
			["error({1})"] = "^table: ",
			["error(nil)"] = "^nil",
			["error(require('sensorhost.errors').new('dns', 'no such name', "
				.. "{target = 'h', op = 'connect'}))"] =
				"^connect h: no such name\n%(kind: dns, target: h%)",
			["local x = nil; x()"] = "attempt to call local 'x'",
			["loadstring('return self.x')()"] =
				'write "function Class:method%(%)" with a colon',
			["error(setmetatable({}, {__tostring = function() error('x') end}))"] =
				"^sensors/x.lua:5: x",
		}) do
			local w = start(PASSIVE .. "function Checker:run() " .. source
				.. " end")
			local failed = assert(w:wait_state("failed"))
			assert.truthy(failed.error:find(wanted), failed.error)
		end
	end)

	it("in a callback is logged, and the sensor goes on", function()
		local w = start(PASSIVE .. [[
			function Checker:add_trigger(t)
				self.sensor_service:set_value("x", 1)
				error("no " .. t.ref)
			end
			function Checker:run() print("run") self:wait() end
		]])
		assert(w:run_until(function() return w:logged("run") end))
		assert.truthy(w:logged("a trigger callback failed, unit undone "
			.. "(1 value): sensors/x.lua:7: no demo.event"))
		assert.equal(1, #w.units)
	end)

	it("hides secrets", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				self.log:info("the token is %s", self.config.token)
				error("refused: " .. self.config.token)
			end
		]], { secrets = { "s3cr3t-token" }, config = { token = "s3cr3t-token" } })
		local failed = assert(w:wait_state("failed"))
		assert.equal("sensors/x.lua:7: refused: ********", failed.error)
		assert.truthy(w:logged("the token is ********"))
	end)
end)

describe("an end", function()
	it("is what finish and reject say, whatever comes after", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				self.sensor_service:set_value("done", true)
				self:finish("all done")
				time.sleep(10)
				print("never")
			end
		]])
		local finished = assert(w:wait_state("finished"))
		assert.equal("all done", finished.why)
		assert.equal("done", w.units[2][1].key:match(":(.*)"))
		assert.falsy(w:logged("never"))
		w = start(PASSIVE .. [[
			function Checker:setup()
				self:reject("wrong password")
				local x = nil
				return x.y
			end
			function Checker:run() end
		]])
		assert.equal("wrong password", assert(w:wait_state("rejected")).why)
	end)

	it("by STOP lets polls finish and drops the rest", function()
		local w = start(POLLING .. [[
			function Checker:setup()
				require("sensorhost.spawn")(function()
					pcall(time.sleep, 100)
					print("resumed")
				end)
			end
			function Checker:poll()
				print("poll")
				time.sleep(0.2)
				self.sensor_service:set_value("end", 1)
				print("polled")
			end
			function Checker:cleanup(why)
				self.sensor_service:set_value("bye", why)
				time.sleep(0.01)
				print("cleaned")
			end
		]], { poll_interval = 10 })
		assert(w:run_until(function() return w:logged("poll") end))
		w:stop("stop", 2000, 1000)
		assert(w:wait_state("stopped"))
		assert.same({ "poll", "polled", "cleaned" }, texts(w))
		assert.equal(2, w.units[#w.units].flags)
		assert.equal('"stop"', w.units[#w.units][1].value)
	end)

	it("by STOP has deadlines for polls and for cleanup", function()
		local w = start(POLLING .. [[
			function Checker:poll() print("poll") time.sleep(100) end
			function Checker:cleanup() time.sleep(100) end
		]])
		assert(w:run_until(function() return w:logged("poll") end))
		w:stop("stop", 100, 100)
		local stopped = assert(w:wait_state("stopped"))
		assert.truthy(stopped.cleanup_error:find("sensors/x.lua:5: cleanup has "
			.. "not ended within 0.1 s", 1, true))
	end)

	it("comes with core's", function()
		local w = start(PASSIVE .. "function Checker:run() self:wait() end")
		assert(w:wait_state("running"))
		assert.equal(0, w:close())
		running = {}
	end)
end)

describe("polls", function()
	it("come at a fixed rate, and skip the ticks they miss", function()
		local w = start(POLLING .. [[
			function Checker:init() self.n, self.t0 = 0, time.monotonic() end
			function Checker:poll()
				self.n = self.n + 1
				print(self.n, math.floor((time.monotonic() - self.t0) * 10 + 0.2))
				if self.n == 2 then time.sleep(0.25) end
				if self.n == 4 then self:finish() end
			end
		]], { poll_interval = 0.1 })
		assert(w:wait_state("finished"))
		local t = texts(w)
		assert.equal("1\t0", t[1])
		assert.equal("2\t1", t[2])
		assert.equal("3\t4", t[3]) -- ticks 2 and 3 were missed
		assert.truthy(w:logged("longer than poll_interval 0.1 s: 2 ticks "
			.. "skipped; it waited last at sensors/x.lua:8"))
	end)

	it("that fail are undone, said once, and tried again", function()
		local w = start(POLLING .. [[
			local errors = require("sensorhost.errors")
			function Checker:init() self.n = 0 end
			function Checker:poll()
				self.n = self.n + 1
				self.sensor_service:set_value("n", self.n)
				if self.n < 4 then
					return nil, errors.new("refused", "no answer", {target = "h"})
				end
			end
		]], { poll_interval = 0.02 })
		assert(w:run_until(function() return #w.units >= 2 end))
		assert.equal("4", w.units[2][1].value)
		assert(w:run_until(function() return w.state.failing == false end))
		local said = 0
		for _, line in ipairs(w.logs) do
			if line.text:find("poll failed", 1, true) then
				said = said + 1
			end
		end
		assert.equal(1, said)
		assert.truthy(w:logged("poll works again, after 3 that failed"))
		local polled = {}
		for _, state in ipairs(w.states) do
			if state.state == "polled" then
				polled[#polled + 1] = { state.failing, state.streak, state.kind,
					state.error }
			end
		end
		assert.same({ { true, 1, "refused", "h: no answer" },
			{ true, 2, "refused", "h: no answer" },
			{ true, 3, "refused", "h: no answer" }, { false, 0 } }, polled)
	end)

	it("can change their interval", function()
		local w = start(POLLING .. [[
			function Checker:init() self.n = 0 end
			function Checker:poll()
				self.n = self.n + 1
				self:set_poll_interval(0.01)
				print(pcall(self.set_poll_interval, self, 0))
				if self.n == 3 then self._poll_interval = "x" end
				if self.n == 5 then self:finish() end
			end
		]], { poll_interval = 1000 })
		assert(w:wait_state("finished"))
		assert.truthy(w:logged("the interval must be a number of seconds"))
		assert.truthy(w:logged("_poll_interval is no number"))
	end)

	it("come once with once, and say how it went", function()
		local source = POLLING .. "function Checker:poll() return %s end"
		local w = start(source:format("true"), { once = true })
		assert.same({ state = "once", failed = false },
			assert(w:wait_state("once")) and w.state)
		w = start(source:format("nil, 'no'"), { once = true })
		local once = assert(w:wait_state("once"))
		assert.same({ true, "no" }, { once.failed, once.error })
	end)

	it("keep their time where the first is scheduled", function()
		local now = os.time()
		local w = start(POLLING .. [[
			function Checker:poll() print("poll") end
		]], { first_poll = "scheduled", last_poll = now - 9.7,
			poll_interval = 10 })
		assert(w:wait_state("running"))
		assert.falsy(w:logged("poll"))
		assert(w:run_until(function() return #w.units == 2 end))
		assert.equal("polled", w.units[2][1].op)
		assert.truthy(math.abs(w.units[2][1].at / 1e6 - now) < 5)
	end)
end)

describe("triggers", function()
	local source = PASSIVE .. [[
		function Checker:add_trigger(t) print("add", t.ref, t.parameters.path) end
		function Checker:update_trigger(t)
			time.sleep(0.01)
			print("update", t.ref, t.parameters.path)
		end
		function Checker:remove_trigger(t) print("remove", t.ref) end
		function Checker:run() print("run") self:wait() end
	]]
	local function trigger(change, path, id)
		return seam.u8(change) .. seam.str(dkjson.encode({ number = 3,
			id = id or "b1", uid = "u", ref = "demo.new", name = "new",
			pack = "demo", type = "demo.param", parameters = { path = path } }))
	end

	it("that come and go are told in their order", function()
		local w = start(source)
		assert(w:run_until(function() return w:logged("run") end))
		w:send("TRIGGER", trigger(0, "/a"))
		w:send("TRIGGER", trigger(1, "/b"))
		w:send("TRIGGER", trigger(2))
		w:send("TRIGGER", trigger(2, nil, "never-seen"))
		assert(w:run_until(function() return w:logged("remove") end))
		w:run_for(0.05)
		assert.same({ "add\tdemo.event\tnil", "add\tdemo.p-1\t/var/log/x", "run",
			"add\tdemo.new\t/a", "update\tdemo.new\t/b", "remove\tdemo.new" },
			texts(w))
	end)
end)

describe("quiet", function()
	it("halts run at its next wait, lets polls finish, and resumes", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				for i = 1, 1000 do
					self.sensor_service:set_value("i", i)
					time.sleep(0.01)
				end
			end
		]])
		assert(w:run_until(function() return #w.units > 3 end))
		local reply = w:call("QUIET", seam.u32(1000))
		assert.equal(0, reply:byte(1))
		local n = #w.units
		w:run_for(0.1)
		assert.equal(n, #w.units)
		w:send("RESUME", "")
		assert(w:run_until(function() return #w.units > n + 3 end))
	end)

	it("waits for a poll, and halts it after its time", function()
		local w = start(POLLING .. [[
			function Checker:poll()
				print("poll") time.sleep(0.1) print("middle") time.sleep(0.3)
				print("done")
			end
		]], { poll_interval = 0.01 })
		assert(w:run_until(function() return w:logged("poll") end))
		assert(w:call("QUIET", seam.u32(200)))
		assert.truthy(w:logged("middle"))
		assert.falsy(w:logged("done"))
		w:run_for(0.4)
		assert.falsy(w:logged("done"))
		w:send("RESUME", "")
		assert(w:run_until(function() return w:logged("done") end))
	end)

	it("ends by STOP, too", function()
		local w = start(PASSIVE .. [[
			function Checker:run() self:wait() end
			function Checker:cleanup(why) print("cleanup", why) end
		]])
		assert(w:wait_state("running"))
		assert(w:call("QUIET", seam.u32(1000)))
		w:stop("reload")
		assert(w:wait_state("stopped"))
		assert.truthy(w:logged("cleanup\treload"))
	end)
end)

describe("the page", function()
	it("shows what runs, and where it waited last", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				time.sleep(0.01)
				while true do end
			end
		]])
		assert(w:wait_state("running"))
		w:run_for(0.2)
		local turn, busy, entry, place = w:read_page()
		assert.equal(1, busy)
		assert.equal("run", entry)
		assert.equal("sensors/x.lua:6", place)
		w:run_for(0.1)
		assert.equal(turn, (w:read_page()))
		require("ffi").C.kill(w.pid, 9)
	end)

	it("lets an interpreted run name the line of an endless loop", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				while true do
					pcall(function() while true do end end)
				end
			end
		]], { interpreted = true, limits = { memory = 64e6, slice = 0.2,
			unit = 8e6 } })
		local failed = assert(w:wait_state("failed"))
		assert.truthy(failed.error:find("sensors/x.lua:%d+: ran 0.2 s without "
			.. "waiting"), failed.error)
	end)
end)
