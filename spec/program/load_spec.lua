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
