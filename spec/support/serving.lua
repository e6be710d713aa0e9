-- A host under `serve` with a few small sensors, for the specs of its API
-- and of the commands that use it.
--
--	local serving = require("spec.support.serving")
--	it("...", serving(function(h) h:ask("GET", "/v1/status") end))

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")

local PACK = [[
name: demo
version: 1.0.0
description: for specs
author: specs
email: specs@example.org
]]

-- The Lua source of a polling sensor whose poll is `body`.
local function source(class, body, extra)
	return 'local S = require("sensorhost.polling_sensor"):extend()\n'
		.. "function S:poll()\n" .. body .. "\nend\n" .. (extra or "")
		.. "return S -- " .. class .. "\n"
end

local Serving = {}

-- Writes or rewrites a sensor of the pack demo.
function Serving.sensor(h, class, body, extra, metadata)
	h:write_pack("demo", {
		["pack.yaml"] = PACK,
		["sensors/" .. class:lower() .. ".yaml"] = "class_name: " .. class
			.. "\nentry_point: " .. class:lower() .. "/main.lua\n"
			.. "description: sensor " .. class .. "\n"
			.. (metadata or "poll_interval: 3600\n"),
		["sensors/" .. class:lower() .. "/main.lua"] =
			source(class, body, extra),
	})
end

function Serving.ask(h, ...)
	return http.ask(h.data .. "/api.sock", ...)
end

-- What GET says of a sensor.
function Serving.get(h, class)
	return h:ask("GET", "/v1/sensortypes/demo." .. class).json
end

-- Waits until the sensor is in a state; returns what GET says of it.
function Serving.await(h, class, state)
	return process.eventually(function()
		local s = h:get(class)
		return s.state == state and s
	end, "demo." .. class .. " being " .. state)
end

-- The host serves demo.Tick, demo.Tock and demo.Idle (disabled by its YAML),
-- and what prepare(h) has written besides; fn(h) when it is ready. It must
-- stop in order at the end.
return function(fn, prepare)
	return host.with(function(h)
		for name, method in pairs(Serving) do
			h[name] = method
		end
		h:sensor("Tick", 'self.sensor_service:dispatch("demo.tick", {})', nil,
			"poll_interval: 3600\ntrigger_types: [{name: tick}]\n")
		h:sensor("Tock", "")
		h:sensor("Idle", "", nil, "enabled: false\n")
		if prepare then
			prepare(h)
		end
		h.core = h:start("serve")
		h.core:wait_for("ready: ")
		fn(h)
		h.core:signal("TERM")
		assert(select(2, h.core:wait()) == 0, "serve did not exit with 0")
	end)
end
