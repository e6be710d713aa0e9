-- The unit file, read by systemd's own checker.

local files = require("spec.support.files")
local host = require("spec.support.host")
local process = require("spec.support.process")

describe("sensorhost.service", function()
	local unit = files.read("tools/packaging/sensorhost.service")

	it("is what systemd accepts", host.with(function(h)
		if os.execute("command -v systemd-analyze >/dev/null") ~= 0 then
			return pending("there is no systemd-analyze here")
		end
		local program = host.program:match("^/") and host.program
			or os.getenv("PWD") .. "/" .. host.program
		local path = h:write("sensorhost.service", (unit:gsub(
			"\nExecStart=sensorhost ", "\nExecStart=" .. program .. " ")))
		local result = process.run({ "systemd-analyze", "verify", "--man=no",
			path, env = { LD_PRELOAD = false } })
		assert.same({ 0, "" }, { result.code, result.stderr })
	end))

	it("leaves time to stop, and lets Lua be compiled", function()
		local seconds = tonumber(unit:match("\nTimeoutStopSec=(%d+)\n"))
		assert.truthy(seconds > 10) -- the default of stop_timeout
		assert.falsy(unit:find("\nMemoryDenyWriteExecute", 1, true))
	end)
end)
