-- How busy the machine is: /proc/loadavg, /proc/meminfo and, where the
-- kernel has it, /proc/pressure. Dispatches linux.load at each poll.

local PollingSensor = require("sensorhost.polling_sensor")
local json = require("sensorhost.json")

local LoadSensor = PollingSensor:extend()

-- name in /proc/meminfo → name in the payload
local MEMORY = {
	MemTotal = "total",
	MemAvailable = "available",
	MemFree = "free",
	Buffers = "buffers",
	Cached = "cached",
	SwapTotal = "swap_total",
	SwapFree = "swap_free",
}

-- The whole text of a file; nil and what was wrong if it cannot be read.
local function read(path)
	local file, err = io.open(path)
	if not file then
		return nil, err
	end
	local text
	text, err = file:read("*a")
	file:close()
	return text, err
end

local function parse_load(text)
	local one, five, fifteen, running, tasks =
		text:match("^(%S+) (%S+) (%S+) (%d+)/(%d+)")
	return one and {
		one = tonumber(one),
		five = tonumber(five),
		fifteen = tonumber(fifteen),
		running = tonumber(running),
		tasks = tonumber(tasks),
	}
end

local function parse_memory(text)
	local memory = {}
	for name, kilobytes in text:gmatch("(%w+):%s+(%d+) kB") do
		if MEMORY[name] then
			memory[MEMORY[name]] = tonumber(kilobytes) * 1024
		end
	end
	return memory
end

local function parse_pressure(text)
	local resource = json.object({})
	for kind, figures in text:gmatch("(%a+) ([^\n]+)") do
		resource[kind] = {}
		for name, value in figures:gmatch("(%w+)=([%d.]+)") do
			resource[kind][name] = tonumber(value)
		end
	end
	return resource
end

function LoadSensor:init()
	self.root = "/proc"
end

function LoadSensor:poll()
	local load_text, err = read(self.root .. "/loadavg")
	if not load_text then
		return nil, err
	end
	local memory_text
	memory_text, err = read(self.root .. "/meminfo")
	if not memory_text then
		return nil, err
	end
	local load = parse_load(load_text)
	if not load then
		return nil, self.root .. "/loadavg: not understood: " .. load_text
	end

	local pressure = json.object({})
	for _, resource in ipairs({ "cpu", "memory", "io" }) do
		local text = read(self.root .. "/pressure/" .. resource)
		if text then
			pressure[resource] = parse_pressure(text)
		end
	end

	self.sensor_service:dispatch("linux.load", {
		load = load,
		memory = parse_memory(memory_text),
		pressure = pressure,
	})
end

return LoadSensor
