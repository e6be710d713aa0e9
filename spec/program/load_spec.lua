-- A sensor whose file does not load: what `run` says, and when.

local host = require("spec.support.host")
local process = require("spec.support.process")

describe("a sensor that does not load", function()
	it("is reported at once, and ends its worker", host.with(function(h)
		h:write_sensor("demo", "S", "error('no luck')")
		local began = process.now()
		local r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.truthy(r.stderr:find("sensors/s.lua:1: no luck", 1, true))
		assert.is_true(process.now() - began < 0.8 * process.slowness)
	end))

	it("can be stopped while it waits for its next start",
		host.with(function(h)
		h:write_sensor("demo", "S", "error('no luck')")
		local run = h:start("run", "demo.S")
		run:wait_for("failed in load")
		run:wait_for("starts again in 2%S* s %(2nd time since")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		assert.is_nil(run:text("stderr"):find("no message", 1, true))
	end))
end)

describe("a sensor's mistakes", function()
	local sensors = require("spec.support.sensors")

	it("in what poll returns are said, once", host.with(function(h)
		sensors.polls(h, 'svc:dispatch("demo.any", {}) return false, "x"')
		local run = h:start("run", "demo.S", "--count", "4")
		assert.same({ "exited", 0 }, { run:wait() })
		local _, n = run:text("stderr"):gsub("poll returned false, which "
			.. "means nothing here: .*returns nil and an error", "")
		assert.equal(1, n)
	end))

	it("are told with the message of a table", host.with(function(h)
		sensors.polls(h, 'return nil, { kind = "timeout", message = "late" }')
		local r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.matches("poll failed, its unit is undone: late", r.stderr)
		sensors.polls(h, 'error({ message = "thrown" })')
		r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.matches("failed in poll: thrown", r.stderr)
	end))

	it("in the name of a module are put right", host.with(function(h)
		local said = sensors.said(h, {
			json = 'require("json")',
			typo = 'require("sensorhost.polling_senser")',
			far = 'require("nothing_near")',
		})
		assert.matches('module "json" not found: did you mean '
			.. '"sensorhost%.json"%?; searched: ', said.json.first)
		assert.matches('did you mean "sensorhost.polling_sensor"',
			said.typo.first)
		assert.is_nil(said.far.first:find("did you mean", 1, true))
	end))
end)
