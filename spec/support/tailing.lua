-- A sensor that follows a file below a host's folder, run by the real program:
-- made, started, fed and killed.

local assert = require("luassert")

local tailing = {}

local SENSOR = [[
local Sensor = require("sensorhost.sensor")
local tail = require("sensorhost.tail")
local Tailer = Sensor:extend()
function Tailer:run()
	local t = assert(tail.open(%q, { from = %q, max_line = %d,
		encoding = %q, name = %q }))
	self.log:info("open")
	for line, cut in t:lines() do
		self.sensor_service:dispatch("t.line", { line = line, cut = cut })
	end
end
return Tailer
]]

-- Declares t.line.
tailing.METADATA = [[
trigger_types:
  - name: line
    payload_schema:
      type: object
      properties:
        line: {type: string, required: true}
]]

-- Writes the sensor t.Tailer, and an empty folder x. Options: path below the
-- host's folder ("x.log"), and from ("end"), max_line, encoding and name (the
-- path) of tail.open.
function tailing.setup(h, options)
	options = options or {}
	local path = h.dir .. "/" .. (options.path or "x.log")
	h:write_sensor("t", "Tailer", SENSOR:format(path, options.from or "end",
		options.max_line or 1048576, options.encoding or "utf-8",
		options.name or path), tailing.METADATA)
	h:write("x/.keep", "")
end

-- Runs it; returns when the file is open, or awaited.
function tailing.start(h)
	local r = h:start("run", "t.Tailer")
	r:wait_for("open$")
	return r
end

function tailing.append(h, text, name)
	local file = assert(io.open(h.dir .. "/" .. (name or "x.log"), "a"))
	assert(file:write(text))
	file:close()
end

-- The next instances are these lines.
function tailing.expect(r, lines)
	for _, line in ipairs(lines) do
		assert.equal(line, r:json().payload.line)
	end
end

-- Kills core, and with it the sensor.
function tailing.kill(r)
	r:signal("KILL")
	r:wait()
end

return tailing
