-- Sensors for specs of the real program: a body of Lua as the poll or run of
-- a sensor demo.S, and what its calls raised or returned.
--
--	local said = sensors.errors(h, { bad = 'svc:set_value("", 1)' })
--	assert.matches("the name is empty", said.bad)

local cjson = require("cjson")

local sensors = {}

sensors.TYPES = [[
trigger_types:
  - name: any
  - name: strict
    payload_schema:
      type: object
      properties:
        n: {type: integer, required: true}
      additionalProperties: false
]]

-- A sensor that counts, every 50 ms, and its metadata.
sensors.COUNTER = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	local n = self.sensor_service:get_number("n", 0) + 1
	self.sensor_service:dispatch("demo.tick", { n = n })
	self.sensor_service:set_value("n", n)
end
return S]]
sensors.COUNTS = "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n"

local HEAD = [[
local S = require("sensorhost.%s"):extend()
local json, null = require("sensorhost.json"), require("sensorhost.null")
local time, spawn = require("sensorhost.time"), require("sensorhost.spawn")
function S:%s()
	local svc = self.sensor_service
	%s
end
%s
return S, json, null, time, spawn
]]

-- Writes demo.S with this run; more: further methods.
function sensors.runs(h, body, metadata, more)
	h:write_sensor("demo", "S", HEAD:format("sensor", "run", body, more or ""),
		metadata or sensors.TYPES)
end

-- The same with this poll, every 50 ms.
function sensors.polls(h, body, metadata, more)
	h:write_sensor("demo", "S", HEAD:format("polling_sensor", "poll", body,
		more or ""), "poll_interval: 0.05\n" .. (metadata or sensors.TYPES))
end

-- Runs each of the named pieces of code in a sensor, one after the other in
-- units of their own; what each raised or returned, as texts; and the result
-- of the command. Options of run follow.
function sensors.said(h, pieces, ...)
	local code, names = { "local out = {}" }, {}
	for name in pairs(pieces) do
		names[#names + 1] = name
	end
	table.sort(names)
	for _, name in ipairs(names) do
		code[#code + 1] = ([[
	do
		local ok, a, b = pcall(function() %s end)
		out[%q] = { ok = ok, first = tostring(a), second = tostring(b) }
		svc:commit()
	end]]):format(pieces[name], name)
	end
	code[#code + 1] = [[
	for name, o in pairs(out) do
		svc:dispatch("demo.any", { name = name, ok = o.ok,
			first = o.first, second = o.second })
	end
	self:finish()]]
	sensors.runs(h, table.concat(code, "\n"))
	local result, said = h:run("run", "demo.S", ...), {}
	for line in result.stdout:gmatch("[^\n]+") do
		local payload = cjson.decode(line).payload
		if payload.name then
			said[payload.name] = payload
		end
	end
	assert(result.code == 0, result.stderr)
	return said, result
end

return sensors
