-- A limit on the size of files is met as a full disk: by waiting.

local host = require("spec.support.host")
local notify = require("spec.support.notify")
local process = require("spec.support.process")

local FILLER = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	local n = self.sensor_service:get_number("n", 0)
	for i = 1, 5 do
		self.sensor_service:dispatch("demo.tick", { n = n + i,
			text = ("x"):rep(4000) })
	end
	self.sensor_service:set_value("n", n + 5)
end
return S
]]

describe("a file-size limit", function()
	it("makes sensors wait, and loses nothing", host.with(function(h)
		local manager = notify.listen(h.dir .. "/notify")
		h:write_sensor("demo", "Filler", FILLER,
			"poll_interval: 0.01\ntrigger_types: [{name: tick}]\n")
		local core = h:start({ "serve", env = {
			NOTIFY_SOCKET = manager.name, WATCHDOG_USEC = "1000000" } })
		local function limit(bytes)
			local result = process.run({ "prlimit", "--fsize=" .. bytes,
				"--pid", tostring(core.pid) })
			assert.equal(0, result.code, result.stderr)
		end
		local ok, err = pcall(function()
			manager:wait_for("^STATUS=1 of 1 sensor run$")
			limit("16384:unlimited") -- not the meta pages
			core:wait_for("sensors wait, nothing is lost")
			manager:wait_for("^STATUS=1 of 1 sensor run; waits for room: ")
			-- A restart would not help: it is alive.
			manager:wait_for("^WATCHDOG=1$")
			manager:wait_for("^WATCHDOG=1$")
			limit("unlimited:unlimited")
			core:wait_for("there is room again")
			local before = #h:journal()
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
			assert.truthy(before > 0)
		end)
		manager:close()
		assert(ok, err)
		local last = 0
		for _, record in ipairs(h:journal()) do
			assert.equal(last + 1, record.payload.n)
			last = record.payload.n
		end
		local again = h:start("run", "demo.Filler", "--count", "5")
		assert.equal(last + 1, again:json().payload.n)
		assert.same({ "exited", 0 }, { again:wait() })
	end))
end)
