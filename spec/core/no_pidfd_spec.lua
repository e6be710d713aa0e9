-- A system without descriptors of processes: births, deaths and stops are seen
-- all the same.

local host = require("spec.support.host")
local process = require("spec.support.process")
local sensors = require("spec.support.sensors")
local shim = require("spec.support.shim")
local signal = require("posix.signal")

describe("without pidfds", function()
	it("workers and spawner are made, seen to end, and stopped",
		host.with(function(h)
		h:write_sensor("demo", "S", sensors.COUNTER, sensors.COUNTS)
		local core = h:start({ "serve", env = { LD_PRELOAD = shim.preload(
			shim.compile(h.dir, shim.no_pidfds())) } })
		core:wait_for("^ready")
		for _ = 1, 3 do
			local family = process.eventually(function()
				local now = host.family(core.pid)
				return now.spawner and #now.workers == 1 and now
			end, "a spawner and a worker")
			signal.kill(family.spawner, signal.SIGKILL)
			core:wait_for("the spawner ended")
			signal.kill(family.workers[1], signal.SIGKILL)
			core:wait_for("killed by signal 9 .* starts again")
			assert.equal(0, h:run("sensor", "restart", "demo.S").code)
			process.eventually(function()
				local now = host.family(core.pid).workers
				return #now == 1 and now[1] ~= family.workers[1]
			end, "another worker")
		end
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
		for n, record in ipairs(h:journal()) do
			assert.equal(n, record.payload.n)
		end
	end))
end)
