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

local new = worker.new

local function start(source, spec, options)
	options = options or {}
	options.source = source .. END
	options.spec = spec
	return new(options):start()
end

after_each(worker.close_all)

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
		w = new({ source = PASSIVE .. [[function Checker:poll()
			print("polled", self.get_poll_interval and self:get_poll_interval())
			end return Checker]] }):start()
		assert(w:run_until(function() return w:logged("polled\t5") end))
		w = new({ source = [[
			local class = setmetatable({}, {__index = function() end})
			class.__index = class
			function class:run() self:finish("by " .. self.ref) end
			return class]] }):start()
		assert.equal("by demo.Checker", assert(w:wait_state("finished")).why)
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
			"add\tdemo.p-1\tnil", "run", "cleanup\treturned" }, w:texts())
		assert.equal("running", w.states[1].state)
		assert.equal(1, w.units[1].flags)
		assert.equal(0, w:close())
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
		assert.same({ "cleanup\tfailed" }, w:texts())
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
			["error({1})"] = "^an error without a message: %[1%]$",
			["error(nil)"] = "^an error without a message: null$",
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
		assert.truthy(w:logged("add_trigger failed, unit undone (1 value); "
			.. "the sensor goes on: sensors/x.lua:7: no demo.event"))
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
		assert.same({ "poll", "polled", "cleaned" }, w:texts())
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
			w:texts())
	end)
end)
