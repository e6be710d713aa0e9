-- `sensorhost run` as contracts say it: what is printed when, how it ends,
-- and what each option does.

local cjson = require("cjson")
local host = require("spec.support.host")
local process = require("spec.support.process")

local EVENT = [[
poll_interval: 0.05
trigger_types:
  - name: tick
    payload_schema:
      type: object
      properties:
        n: {type: integer, required: true}
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

local function counter(h)
	h:write_sensor("demo", "Counter", COUNTER, EVENT)
end

-- A polling sensor whose poll is `body`.
local function poller(h, body, metadata)
	h:write_sensor("demo", "P", ([[
local P = require("sensorhost.polling_sensor"):extend()
local time = require("sensorhost.time")
function P:poll()
	local svc = self.sensor_service
	%s
end
return P, time
]]):format(body), metadata or EVENT)
end

-- A passive sensor whose run is `body`.
local function runner(h, body, metadata)
	h:write_sensor("demo", "R", ([[
local R = require("sensorhost.sensor"):extend()
local time = require("sensorhost.time")
function R:run()
	local svc = self.sensor_service
	%s
end
return R, time
]]):format(body), metadata or EVENT:gsub("poll_interval: 0.05\n", ""))
end

describe("sensorhost run", function()
	it("prints each instance as a JSON line, and what is printed is in the "
		.. "journal", host.with(function(h)
		counter(h)
		local run = h:start("run", "demo.Counter", "--count", "3")
		for n = 1, 3 do
			local line = run:json()
			assert.equal("demo.tick", line.trigger)
			assert.same({ n = n }, line.payload)
			assert.equal("demo.Counter", line.sensor)
			assert.equal(1, line.generation)
			assert.equal("processed", line.status)
			assert.truthy(line.id:match("^%x+$"))
			assert.equal(24, #line.id)
			assert.truthy(line.occurrence_time:match(
				"^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$"))
			assert.equal(cjson.null, line.trace_context)
		end
		assert.same({ "exited", 0 }, { run:wait() })
		assert.is_nil(run:line(0.1))
		local journal = h:journal()
		for n = 1, 3 do
			assert.equal(n, journal[n].payload.n)
		end
	end))

	it("goes on where it was, under a new generation", host.with(function(h)
		counter(h)
		h:run("run", "demo.Counter", "--count", "2")
		local run = h:start("run", "demo.Counter", "--count", "1")
		local line = run:json()
		assert.equal(2, line.generation)
		run:wait()
		local journal = h:journal()
		for n, instance in ipairs(journal) do
			assert.equal(n, instance.payload.n)
		end
	end))

	it("stops in order on SIGTERM and SIGINT", host.with(function(h)
		runner(h, [[svc:dispatch("demo.tick", { n = 1 })
	self:wait()
end
function R:cleanup(reason)
	self.sensor_service:dispatch("demo.tick", { n = 2 })
	self.log:info("cleanup: %s", reason)]])
		for _, signal in ipairs({ "TERM", "INT" }) do
			local run = h:start("run", "demo.R")
			assert.equal(1, run:json().payload.n)
			run:signal(signal)
			assert.equal(2, run:json().payload.n)
			assert.same({ "exited", 0 }, { run:wait() })
		end
	end))

	it("stops in order when stdout is closed", host.with(function(h)
		counter(h)
		local r = process.run({ "bash", "-c", ([[
			"%s" run demo.Counter --data "%s" --packs "%s" | head -n 1
			exit ${PIPESTATUS[0]}]]):format(host.program, h.data, h.packs),
			timeout = 10 })
		assert.equal(0, r.code, r.stderr)
	end))

	it("ends after --for", host.with(function(h)
		counter(h)
		local r = h:run("run", "demo.Counter", "--for", "300ms")
		assert.equal(0, r.code)
		assert.truthy(#r.stdout > 0)
	end))

	describe("--once", function()
		it("polls once", host.with(function(h)
			counter(h)
			local r = h:run("run", "demo.Counter", "--once")
			assert.equal(0, r.code)
			local _, lines = r.stdout:gsub("\n", "")
			assert.equal(1, lines)
		end))

		it("runs until run returns", host.with(function(h)
			runner(h, 'svc:dispatch("demo.tick", { n = 7 })')
			local r = h:run("run", "demo.R", "--once")
			assert.equal(0, r.code)
			assert.equal(7, cjson.decode(r.stdout).payload.n)
		end))

		it("exits 1 after an error, which undoes the unit",
			host.with(function(h)
			poller(h, 'svc:dispatch("demo.tick", { n = 1 }) error("no luck")')
			local r = h:run("run", "demo.P", "--once")
			assert.equal(1, r.code)
			assert.equal("", r.stdout)
			assert.truthy(r.stderr:find("no luck", 1, true))
			assert.truthy(r.stderr:find("unit undone (1 dispatch", 1, true))
			assert.equal(0, #h:journal())
		end))

		it("exits 1 after a failed poll", host.with(function(h)
			poller(h, 'return nil, "upstream is down"')
			local r = h:run("run", "demo.P", "--once")
			assert.equal(1, r.code)
			assert.truthy(r.stderr:find("upstream is down", 1, true))
		end))
	end)

	describe("--dry-run", function()
		it("shows what it would write and writes nothing",
			host.with(function(h)
			counter(h)
			local r = h:run("run", "demo.Counter", "--dry-run", "--count", "2")
			assert.equal(0, r.code)
			assert.truthy(r.stderr:find(
				'dry run: would set "demo.Counter:n" = 1', 1, true))
			local _, lines = r.stdout:gsub("\n", "")
			assert.equal(2, lines)
			assert.is_nil(h:read("data/data.mdb"))
		end))

		it("runs beside a running core", host.with(function(h)
			counter(h)
			local run = h:start("run", "demo.Counter")
			run:json()
			local r = h:run("run", "demo.Counter", "--dry-run", "--once")
			assert.equal(0, r.code)
			assert.truthy(r.stderr:find("would set", 1, true))
			run:signal("TERM")
			run:wait()
			for n, instance in ipairs(h:journal()) do
				assert.equal(n, instance.payload.n)
			end
		end))
	end)

	it("finish() ends it with 0, reject() with 1", host.with(function(h)
		runner(h, 'self:finish("all done")')
		local r = h:run("run", "demo.R")
		assert.equal(0, r.code)
		assert.truthy(r.stderr:find("finished: all done", 1, true))
		runner(h, 'self:reject("wrong password")')
		r = h:run("run", "demo.R")
		assert.equal(1, r.code)
		assert.truthy(r.stderr:find("rejected: wrong password", 1, true))
	end))

	it("starts again after an error, with backoff, and says so",
		host.with(function(h)
		poller(h, 'error({ code = 5 })')
		local run = h:start("run", "demo.P")
		run:wait_for("failed in poll.*starts again in 1%S* s %(1st time since")
		run:wait_for("starts again in 2%S* s %(2nd time since")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("starts run() again when it returns", host.with(function(h)
		runner(h, "time.sleep(0.01)")
		local run = h:start("run", "demo.R")
		run:wait_for("run%(%) returned after.*call self:finish%(%) if it is done")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("runs a disabled sensor", host.with(function(h)
		h:write_sensor("demo", "Counter", COUNTER, "enabled: false\n" .. EVENT)
		assert.equal(0, h:run("run", "demo.Counter", "--once").code)
	end))

	it("names the nearest sensor for a typo", host.with(function(h)
		counter(h)
		local r = h:run("run", "demo.Conter")
		assert.equal(1, r.code)
		assert.truthy(r.stderr:find('did you mean "demo.Counter"', 1, true))
	end))

	it("refuses a second core on the same data", host.with(function(h)
		counter(h)
		local run = h:start("run", "demo.Counter")
		run:json()
		local r = h:run("run", "demo.Counter")
		assert.equal(1, r.code)
		assert.truthy(r.stderr:find(tostring(run.process.pid), 1, true), r.stderr)
		assert.truthy(r.stderr:find("--data", 1, true))
		assert.truthy(r.stderr:find("--dry-run", 1, true))
	end))

	it("has usage errors with code 2", host.with(function(h)
		counter(h)
		for _, case in ipairs({
			{ { "run" }, "needs pack.Sensor" },
			{ { "run", "demo.Counter", "--cuont", "3" }, '"--count"' },
			{ { "run", "demo.Counter", "--count", "x" }, "whole number" },
			{ { "run", "demo.Counter", "--count", "0" }, "at least 1" },
			{ { "run", "demo.Counter", "--for", "soon" }, "--for" },
			{ { "run", "demo.Counter", "--for", "0" }, "more than 0" },
			{ { "run", "demo.Counter", "--trigger-parameters", "{" },
				"JSON object" },
		}) do
			local r = h:run(unpack(case[1]))
			assert.equal(2, r.code)
			assert.truthy(r.stderr:find("^sensorhost: "))
			assert.truthy(r.stderr:find(case[2], 1, true), r.stderr)
		end
	end))

	it("gives a sensor a parameterised trigger", host.with(function(h)
		h:write_sensor("demo", "W", [[
local W = require("sensorhost.sensor"):extend()
function W:add_trigger(t)
	self.mine = t
end
function W:run()
	self.sensor_service:dispatch(self.mine.ref, { at = self.mine.parameters.at })
	self:finish()
end
return W
]], [[
trigger_types:
  - name: at
    parameters_schema:
      type: object
      properties: {at: {type: string, required: true}}
      additionalProperties: false
    payload_schema: {type: object}
]])
		local r = h:run("run", "demo.W", "--trigger-parameters", '{"at":"x"}')
		assert.equal(0, r.code, r.stderr)
		local first = cjson.decode(r.stdout)
		assert.same({ at = "x" }, first.payload)
		assert.truthy(first.trigger:match("^demo%.%x+%-%x+%-4%x+%-%x+%-%x+$"))
		r = h:run("run", "demo.W", "--trigger-parameters", '{"at":"x"}')
		assert.equal(first.trigger, cjson.decode(r.stdout).trigger)
		assert.is_nil(r.stderr:find("has no trigger", 1, true))
		r = h:run("run", "demo.W", "--dry-run", "--for", "0.2s")
		assert.matches("info demo%.W has no trigger to watch for: demo%.at takes "
			.. "parameters %(.*demo/sensors/w%.yaml:%d+%), give some with "
			.. "%-%-trigger%-parameters '{%.%.%.}'", r.stderr)
		r = h:run("run", "demo.W", "--trigger-parameters", '{"et":"x"}')
		assert.equal(1, r.code)
		assert.truthy(r.stderr:find("fit no trigger type", 1, true), r.stderr)
	end))

	it("-v prints each unit and what ended it", host.with(function(h)
		runner(h, [[svc:dispatch("demo.tick", { n = 1 })
	time.sleep(0.01)
	svc:set_value("a", 1)
	self:finish()]])
		local r = h:run("run", "demo.R", "-v")
		assert.truthy(r.stderr:find(
			"unit %d+: 1 dispatch, ended by [%w.]*sleep at [^\n]*:%d+"), r.stderr)
	end))
end)
