-- The texts of the sensors that edits.lua edits: good ones, that count up and
-- say which version they are, and all the ways in which one can be broken.

local process = require("spec.support.process")

local SLICE = 2 * process.slowness

local texts = {}

-- {ref's class, what it is}: some poll, some run; some are handed over at a
-- reload, some are stopped and started.
texts.sensors = {
	{ class = "A", polls = true },
	{ class = "B" },
	{ class = "C", polls = true, restart = true },
	{ class = "D", restart = true },
	{ class = "E", polls = true },
}

local HEAD = [[
local time = require("sensorhost.time")
%s
local S = require("sensorhost.%s"):extend()
function S:init()
	%s
end
function S:setup()
	self.sensor_service:set_value("version", %d)
	time.sleep(%g)
	%s
end
function S:count()
	local service = self.sensor_service
	local last = service:get_number("last", 0)
	for n = last + 1, last + 1 + last %% 3 do
		service:dispatch("edit.%s", { n = n, v = %d })
		last = n
	end
	service:set_value("last", last)
end
function S:cleanup()
	time.sleep(%g)
end
]]

local POLL = [[
function S:poll()
	self:count()
	time.sleep(0.004)
	self:count()
end
return S
]]

local RUN = [[
function S:run()
	while true do
		self:count()
		time.sleep(0.02)
		self.sensor_service:transaction(function()
			self:count()
			time.sleep(0.002)
			self:count()
		end)
	end
end
return S
]]

-- A sensor's text; parts: file, init, setup are statements that come there.
function texts.source(sensor, version, parts)
	parts = parts or {}
	return HEAD:format(parts.file or "", sensor.polls and "polling_sensor"
		or "sensor", parts.init or "", version, version % 3 * 0.02,
		parts.setup or "", sensor.class:lower(), version,
		version % 4 == 0 and 0.05 or 0) .. (sensor.polls and POLL or RUN)
end

-- Takes that long to load.
function texts.slow(seconds)
	return { seconds = seconds, file = ("local till = time.monotonic() + %g\n"
		.. "while time.monotonic() < till do end"):format(seconds) }
end

-- Its metadata. It is killed when it keeps the processor for longer than
-- limits.slice, but for one that is meant to be slow.
function texts.metadata(sensor, parts)
	local slice = SLICE + math.ceil(parts and parts.seconds or 0)
	return ("class_name: %s\nentry_point: %s.lua\nlimits: {slice: %ds}\n"
		.. "%s%strigger_types: [{name: %s}]\n"):format(sensor.class,
		sensor.class:lower(), slice,
		sensor.polls and "poll_interval: 0.05\n" or "",
		sensor.restart and "reload: restart\n" or "", sensor.class:lower())
end

-- Broken programs: what is wrong, and where.
texts.broken = {
	{ "a syntax error", { file = "local = 1" } },
	{ "raises while loading", { file = "error('no')" } },
	{ "hangs while loading", { file = "while true do end" } },
	{ "wants too much memory", { file = "local t = {}\nfor i = 1, 1e6 do "
		.. "t[i] = ('x'):rep(1e5) .. i end" } },
	{ "is no class", { file = "if true then return 5 end" } },
	{ "raises in init", { init = "error('no')" } },
	{ "hangs in init", { init = "while true do end" } },
	{ "raises in setup", { setup = "error('no')" } },
	{ "hangs in setup", { setup = "while true do end" } },
	{ "waits in setup", { setup = "time.sleep(60)" } },
	{ "rejects itself", { setup = "self:reject('no')" } },
}

-- Broken metadata: the pack's reading refuses it, and nothing is started.
texts.refused = {
	{ "YAML that is none", "class_name: [\n" },
	{ "an empty file", "" },
	{ "a wrong type", "class_name: %s\nentry_point: %s.lua\n"
		.. "trigger_types: 7\n" },
	{ "an entry point that is not there", "class_name: %s\n"
		.. "entry_point: %sx.lua\n" },
	{ "a wrong interval", "class_name: %s\nentry_point: %s.lua\n"
		.. "poll_interval: -1\n" },
}

return texts
