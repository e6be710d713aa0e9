-- One sensor of a few lines on the real program, for specs of what its author
-- gets to read.
--
--	local try = require("spec.support.try")
--
--	it("names the line", try.with(function(h)
--		local said = try.poll(h, 'self.sensor_service:dispatch("no.such")')
--		assert.matches("sensors/try.lua:%d+: ", said.stderr)
--	end))

local cjson = require("cjson")
local host = require("spec.support.host")

local try = { with = host.with }

local MODULES = "cursor seen spawn channel json time errors snapshot regex"

-- The first line of the sensor's file; what a spec says begins on the second.
local function prelude(base)
	local names, values = {}, {}
	for name in MODULES:gmatch("%S+") do
		names[#names + 1] = name
		values[#values + 1] = ('require("sensorhost.%s")'):format(name)
	end
	return ('local Try = require("sensorhost.%s"):extend() local %s = %s '
		.. "local null = json.null\n"):format(base, table.concat(names, ", "),
		table.concat(values, ", "))
end

-- Writes pack t with the sensor Try. options: body, the text of its file
-- behind a line with the class Try and the usual modules by their names; base
-- ("polling_sensor"), metadata, schema, config.
function try.write(h, options)
	h:write_pack("t", {
		["config.schema.yaml"] = options.schema,
		["config.yaml"] = options.config,
	})
	h:write_sensor("t", "Try", prelude(options.base or "polling_sensor")
		.. options.body .. "\nreturn Try\n", options.metadata
			or "trigger_types:\n  - name: event\n")
end

-- Writes it and runs it to its end, once unless options.args says how. The
-- result of host.run with `instances`, the lines of stdout decoded.
function try.run(h, options)
	try.write(h, options)
	local words = { "run", "t.Try", unpack(options.args or { "--once" }) }
	local result = h:run(words)
	result.instances = {}
	for line in result.stdout:gmatch("[^\n]+") do
		table.insert(result.instances, cjson.decode(line))
	end
	return result
end

-- The same of the body of a poll; `service` is self.sensor_service.
function try.poll(h, body, options)
	options = options or {}
	options.body = "function Try:poll() local service = self.sensor_service "
		.. body .. "\nend\n" .. (options.beside or "")
	return try.run(h, options)
end

-- Fails unless text holds each of the texts, as they are and in this order.
function try.says(text, ...)
	local from = 1
	for i = 1, select("#", ...) do
		local want = select(i, ...)
		local _, last = text:find(want, from, true)
		if not last then
			error(("%q is not in its place in:\n%s"):format(want, text), 2)
		end
		from = last + 1
	end
end

-- A manual's text, on one line and without marks.
function try.manual(path)
	local file = assert(io.open(path))
	local text = file:read("*a")
	file:close()
	return (text:gsub("[*`]", ""):gsub("%s+", " "))
end

return try
