-- SIGHUP on `run`: a changed sensor is handed over, a broken one is not, and
-- nothing that was acknowledged is lost or doubled on the way.

local host = require("spec.support.host")

local EVENT = [[
poll_interval: 0.02
trigger_types:
  - name: tick
    payload_schema:
      type: object
      properties:
        n: {type: integer, required: true}
        v: {type: string}
]]

local function counter(version)
	return ([[
local C = require("sensorhost.polling_sensor"):extend()
function C:setup()
	self.sensor_service:set_value("version", "%s")
end
function C:poll()
	local n = self.sensor_service:get_number("n", 0) + 1
	self.sensor_service:dispatch("demo.tick", { n = n, v = "%s" })
	self.sensor_service:set_value("n", n)
end
function C:cleanup(reason)
	self.log:info("cleanup %s: %%s", reason)
end
return C
]]):format(version, version, version)
end

-- The next instance whose version is v.
local function wait_version(run, v)
	for _ = 1, 5000 do
		if run:json().payload.v == v then
			return
		end
	end
	error("version " .. v .. " never came")
end

-- Waits until main has blocked SIGHUP, which is the first that it does.
local function handles_signals(run)
	repeat
		local status = io.open(("/proc/%d/status"):format(run.process.pid))
		local blocked = status:read("*a"):match("SigBlk:%s*(%x+)")
		status:close()
	until tonumber(blocked:sub(-1), 16) % 2 == 1
end

local function in_order(journal)
	for n, instance in ipairs(journal) do
		assert.equal(n, instance.payload.n)
	end
end

describe("reload", function()
	it("hands a changed sensor over, losing and doubling nothing",
		host.with(function(h)
		h:write_sensor("demo", "C", counter("one"), EVENT)
		local run = h:start("run", "demo.C")
		wait_version(run, "one")
		for _, v in ipairs({ "two", "three", "four" }) do
			h:write_sensor("demo", "C", counter(v), EVENT)
			run:signal("HUP")
			wait_version(run, v)
		end
		run:wait_for("cleanup three: reload")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		local journal = h:journal()
		in_order(journal)
		local generation = 0
		for _, instance in ipairs(journal) do
			assert.is_true(instance.generation >= generation)
			generation = instance.generation
		end
		assert.equal(4, generation)
	end))

	it("leaves an unchanged sensor alone", host.with(function(h)
		h:write_sensor("demo", "C", counter("one"), EVENT)
		local run = h:start("run", "demo.C")
		wait_version(run, "one")
		for _ = 1, 20 do
			run:signal("HUP")
		end
		run:wait_for("packs read again")
		wait_version(run, "one")
		run:signal("TERM")
		run:wait()
		assert.equal(1, h:journal()[1].generation)
		local journal = h:journal()
		assert.equal(1, journal[#journal].generation)
	end))

	local broken = {
		["a syntax error"] = "return return",
		["an error in setup"] = [[
local C = require("sensorhost.polling_sensor"):extend()
function C:setup()
	self.sensor_service:set_value("n", 1000)
	error("no setup")
end
function C:poll() end
return C]],
		["a class without poll"] = "return {}",
	}
	for what, source in pairs(broken) do
		it("goes on with the old one after " .. what, host.with(function(h)
			h:write_sensor("demo", "C", counter("one"), EVENT)
			local run = h:start("run", "demo.C")
			wait_version(run, "one")
			h:write_sensor("demo", "C", source, EVENT)
			run:signal("HUP")
			run:wait_for("reload failed, the running version goes on")
			wait_version(run, "one")
			h:write_sensor("demo", "C", counter("two"), EVENT)
			run:signal("HUP")
			wait_version(run, "two")
			run:signal("TERM")
			run:wait()
			in_order(h:journal())
		end))
	end

	it("goes on with the old one when the new setup hangs",
		host.with(function(h)
		h:write("sensorhost.yaml", "setup_timeout: 1\n")
		h:write_sensor("demo", "C", counter("one"), EVENT)
		local run = h:start("run", "demo.C", "--config",
			h.dir .. "/sensorhost.yaml")
		wait_version(run, "one")
		h:write_sensor("demo", "C", [[
local C = require("sensorhost.polling_sensor"):extend()
function C:setup()
	while true do end
end
function C:poll() end
return C]], EVENT)
		run:signal("HUP")
		run:wait_for("reload failed.*setup")
		wait_version(run, "one")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		in_order(h:journal())
	end))

	it("goes on with the old one when the metadata is broken",
		host.with(function(h)
		h:write_sensor("demo", "C", counter("one"), EVENT)
		local run = h:start("run", "demo.C")
		wait_version(run, "one")
		h:write_sensor("demo", "C", counter("two"), "poll_interval: soon\n")
		run:signal("HUP")
		run:wait_for("not reloaded, the running version goes on")
		wait_version(run, "one")
		run:signal("TERM")
		run:wait()
	end))

	it("stops first with reload: restart", host.with(function(h)
		local metadata = "reload: restart\n" .. EVENT
		h:write_sensor("demo", "C", counter("one"), metadata)
		local run = h:start("run", "demo.C")
		wait_version(run, "one")
		h:write_sensor("demo", "C", counter("two"), metadata)
		run:signal("HUP")
		run:wait_for("cleanup one: reload")
		wait_version(run, "two")
		run:signal("TERM")
		run:wait()
		in_order(h:journal())
	end))

	it("takes SIGHUP during start and stop", host.with(function(h)
		h:write_sensor("demo", "C", counter("one"), EVENT)
		local run = h:start("run", "demo.C")
		handles_signals(run)
		run:signal("HUP")
		wait_version(run, "one")
		run:signal("TERM")
		run:signal("HUP")
		assert.same({ "exited", 0 }, { run:wait() })
	end))
end)
