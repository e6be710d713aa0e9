-- What systemd is told over $NOTIFY_SOCKET.

local host = require("spec.support.host")
local notify = require("spec.support.notify")
local process = require("spec.support.process")
local shim = require("spec.support.shim")

local IDLE = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() end
return S
]]
local SLOW = [[
local S = require("sensorhost.sensor"):extend()
function S:run() self:wait() end
function S:cleanup() require("sensorhost.time").sleep(2.5) end
return S
]]

-- A host with a manager, and demo.Idle; fn(h, manager, start).
local function managed(fn, name)
	return host.with(function(h)
		local manager = notify.listen(name or (h.dir .. "/notify"))
		h:write_sensor("demo", "Idle", IDLE)
		local ok, err = pcall(fn, h, manager, function(env)
			env = env or {}
			env.NOTIFY_SOCKET = manager.name
			return h:start({ "serve", env = env })
		end)
		manager:close()
		assert(ok, err)
	end)
end

describe("a service manager", function()
	it("hears of ready, reload and stop in their order",
		managed(function(h, manager, start)
			h:write_sensor("demo", "Slow", SLOW)
			local core = start()
			manager:wait_for("^READY=1$")
			manager:wait_for("^STATUS=2 of 2 sensors run$")
			h:write("packs/demo/sensors/idle.lua", IDLE .. "-- changed\n")
			local before = process.now()
			core:signal("HUP")
			local usec = manager:wait_for("^RELOADING=1\nMONOTONIC_USEC=(%d+)$")
			assert.truthy(tonumber(usec) / 1e6 >= before)
			assert.truthy(tonumber(usec) / 1e6 <= process.now())
			manager:wait_for("^READY=1$")
			core:wait_for("demo%.Idle%[2%]: reloaded")
			core:signal("TERM")
			local extra = manager:wait_for(
				"^STOPPING=1\nEXTEND_TIMEOUT_USEC=(%d+)$")
			assert.truthy(tonumber(extra) > 1e6)
			manager:wait_for("^STATUS=stopping: ")
			manager:wait_for("^EXTEND_TIMEOUT_USEC=%d+$")
			manager:wait_for("^EXTEND_TIMEOUT_USEC=%d+$")
			assert.same({ "exited", 0 }, { core:wait() })
			for _, text in ipairs(manager.seen) do
				assert.falsy(text:find("WATCHDOG", 1, true))
			end
		end))

	it("is asked for patience while setup takes long",
		managed(function(h, manager, start)
			h:write_sensor("demo", "Late", [[
local S = require("sensorhost.sensor"):extend()
function S:setup() require("sensorhost.time").sleep(2.5) end
function S:run() self:wait() end
return S
]])
			local core = start()
			manager:wait_for("^STATUS=starting: 1 of 2 sensors run, 1 starting$")
			manager:wait_for("^EXTEND_TIMEOUT_USEC=%d+$")
			manager:wait_for("^READY=1$")
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
		end))

	it("is ready again once, however many reloads were asked for",
		managed(function(_, manager, start)
			local core = start()
			manager:wait_for("^READY=1$")
			for _ = 1, 50 do
				core:signal("HUP")
			end
			manager:wait_for("^RELOADING=1")
			manager:wait_for("^READY=1$")
			core:signal("TERM")
			manager:wait_for("^STOPPING=1")
			assert.same({ "exited", 0 }, { core:wait() })
			local order = {}
			while manager:next(0) do end
			for _, text in ipairs(manager.seen) do
				local word = text:match("^(%u+)=1")
				if word and word ~= "STATUS" then
					table.insert(order, word)
				end
			end
			-- Each RELOADING is followed by its READY or by the end.
			local text = table.concat(order, " ")
			assert.truthy(text:match("^READY RELOADING"), text)
			assert.truthy(text:match("STOPPING$"), text)
			assert.falsy(text:find("RELOADING RELOADING", 1, true), text)
			assert.falsy(text:find("READY READY", 1, true), text)
		end))

	it("may be at an abstract socket", managed(function(_, manager, start)
		local core = start()
		manager:wait_for("^READY=1$")
		core:signal("TERM")
		manager:wait_for("^STOPPING=1")
		assert.same({ "exited", 0 }, { core:wait() })
	end, "@sensorhost-spec-" .. os.time()))

	it("gets a sign of life twice an interval",
		managed(function(_, manager, start)
			local core = start({ WATCHDOG_USEC = "600000" })
			manager:wait_for("^READY=1$")
			manager:wait_for("^WATCHDOG=1$")
			-- A busy machine may delay any of them, but not for ever.
			local began, signs = process.now(), 0
			process.eventually(function()
				local before = process.now()
				manager:wait_for("^WATCHDOG=1$")
				signs = signs + 1
				return signs >= 5 and process.now() - before < 0.45
			end, "a sign of life after 0.3 s")
			assert.is_true(process.now() - began > signs * 0.3 - 0.35)
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
		end))

	-- sick() makes the host so, well() ends it: no sign comes between.
	local function needs_health(core, manager, sick, well)
		manager:wait_for("^READY=1$")
		manager:wait_for("^WATCHDOG=1$")
		sick()
		-- What was on its way.
		process.eventually(function()
			return not manager:next(3)
		end, "an end of the signs of life")
		assert.is_nil(manager:next(2))
		well()
		manager:wait_for("^WATCHDOG=1$")
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end

	it("gets no sign of life while the disk is stuck",
		managed(function(h, manager, start)
			local stuck = h.dir .. "/stuck"
			h:write_sensor("demo", "Busy", [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() self.sensor_service:set_value("at", os.time()) end
return S
]], "poll_interval: 0.1\n")
			local core = start({ WATCHDOG_USEC = "1000000", LD_PRELOAD =
				shim.preload(shim.compile(h.dir, shim.stuck_disk(stuck))) })
			needs_health(core, manager, function() h:write("stuck", "") end,
				function() os.remove(stuck) end)
		end))

	it("gets no sign of life while the loop is stuck",
		managed(function(_, manager, start)
			local core = start({ WATCHDOG_USEC = "1000000" })
			needs_health(core, manager, function() core:signal("STOP") end,
				function() core:signal("CONT") end)
		end))

	it("gets none that it asked of another process",
		managed(function(_, manager, start)
			local core = start({ WATCHDOG_USEC = "100000", WATCHDOG_PID = "1" })
			manager:wait_for("^READY=1$")
			while manager:next(0.5) do end
			assert.falsy(table.concat(manager.seen, "\n"):find("WATCHDOG", 1,
				true))
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
		end))

	it("may be deaf", managed(function(_, _, start)
		local core = start({ WATCHDOG_USEC = "2000" })
		core:wait_for("ready: 1 sensor")
		-- Long enough for the socket to fill; then the host still stops.
		process.run({ "sleep", "2" })
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end))

	it("is told by nobody but core", managed(function(_, manager, start)
		local core = start()
		manager:wait_for("^READY=1$")
		local family = host.family(core.pid)
		for _, pid in ipairs({ family.spawner, family.workers[1] }) do
			local f = assert(io.open("/proc/" .. pid .. "/environ"))
			assert.falsy(f:read("*a"):find("NOTIFY", 1, true))
			f:close()
		end
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end))

	it("must be at an address", host.with(function(h)
		h:write_sensor("demo", "Idle", IDLE)
		local core = h:start({ "serve", env = { NOTIFY_SOCKET = "vsock:1:2" } })
		core:wait_for("warning %$NOTIFY_SOCKET is \"vsock:1:2\"")
		core:wait_for("ready: 1 sensor")
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end))
end)
