-- Many sensors at once under one core.

local stdlib = require("posix.stdlib")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local process = require("spec.support.process")

local IDLE = [[
local Idle = require("sensorhost.polling_sensor"):extend()
function Idle:poll() end
return Idle
]]

local function write_idle(h, count)
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
end

-- Starts `serve` through a shell that does something before.
local function serve_after(h, command)
	local program = host.program
	host.program = h:write("limited", "#!/bin/sh\n" .. command .. " "
		.. stdlib.realpath(program) .. ' "$@"\n')
	os.execute("chmod +x " .. host.program)
	local run = h:start("serve")
	host.program = program
	return run
end

describe("serve", function()
	-- More requests for workers than the spawner's socket holds once made
	-- core and spawner wait for each other for ever.
	it("starts hundreds of sensors, and stops them", host.with(function(h)
		local count = 400
		write_idle(h, count)
		local run = h:start("serve")

		assert.equal(tostring(count), (run:wait_for("^ready: (%d+)", 120)))
		assert.equal(count, #host.family(run.pid).workers)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait(120) })
	end))

	-- Those that waited for the spawner once held five each.
	it("needs three descriptors a sensor", host.with(function(h)
		write_idle(h, 60)
		local run = serve_after(h, "ulimit -n 280\nexec")
		assert.equal("60", (run:wait_for("^ready: (%d+)")))
		assert.is_nil(run:text("stderr"):find("descriptors, and", 1, true))
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("runs as many sensors as descriptors allow, says so, and keeps some "
	    .. "for itself", host.with(function(h)
		write_idle(h, 60)
		local run = serve_after(h, "ulimit -n 100\nexec")
		run:wait_for("60 sensors take 180 descriptors, but this process "
			.. "may have only 100: .*LimitNOFILE")
		run:wait_for("no worker could be started: this process may have 100 "
			.. "descriptors, and a sensor takes 3; raise RLIMIT_NOFILE")
		local running = tonumber((run:wait_for("^ready: (%d+)")))
		assert.is_true(running > 10 and running < 30)
		assert.matches("\n" .. running .. " unchanged", h:run("reload").stdout)
		-- With fewer sensors there is room for each.
		os.execute("rm " .. h.packs .. "/many/sensors/idle[2345]*.yaml")
		h:run("reload")
		process.eventually(function()
			return #host.family(run.pid).workers == 16
		end, "every sensor running")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("says which limit of processes it has reached", host.with(function(h)
		if unistd.geteuid() ~= 0 then
			return pending("only root can become another user")
		end
		write_idle(h, 60)
		os.execute("chmod 777 " .. h.dir)
		local run = serve_after(h, "exec setpriv --reuid 65534 "
			.. "--clear-groups prlimit --nproc=30")
		run:wait_for("no worker could be started: the limit of processes "
			.. "is reached; raise RLIMIT_NPROC")
		run:wait_for("^ready: %d+")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))
end)
