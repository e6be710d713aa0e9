-- Many sensors at once under one core.

local host = require("spec.support.host")

local IDLE = [[
local Idle = require("sensorhost.polling_sensor"):extend()
function Idle:poll() end
return Idle
]]

describe("serve", function()
	-- More requests for workers than the spawner's socket holds once made
	-- core and spawner wait for each other for ever.
	it("starts hundreds of sensors, and stops them", host.with(function(h)
		local count = 400
		local files = {
			["pack.yaml"] = "name: many\ndescription: for a spec\n"
				.. "version: 1.0.0\nauthor: the spec\n",
			["sensors/idle.lua"] = IDLE,
		}
		for i = 1, count do
			files["sensors/idle" .. i .. ".yaml"] = "class_name: Idle" .. i
				.. "\nentry_point: idle.lua\npoll_interval: 30\n"
		end
		h:write_pack("many", files)
		local run = h:start("serve")

		assert.equal(tostring(count), (run:wait_for("^ready: (%d+)", 120)))
		assert.equal(count, #host.family(run.pid).workers)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait(120) })
	end))
end)
