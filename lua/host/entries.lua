-- The entries: how C drives a sensor's life. Each is called in a task of its
-- own, but for `load`, which may not wait. One sensor a state.

local host = ...
local Sensor = require("sensorhost.sensor")
local PollingSensor = require("sensorhost.polling_sensor")
local hints = require("host.hints")
local host_sensor = require("host.sensor")
local unit = require("host.unit")
local arguments = require("host.arguments")

local compile = host.load("host/compile.lua")

local entries = {}
local class, sensor, info
local polled -- keeps a good poll's time; nil or false: need not be kept

-- Whether a class descends from another by metatables.
local function descends(candidate, base)
	for _ = 1, 32 do
		if candidate == base then
			return true
		end
		local meta = getmetatable(candidate)
		candidate = type(meta) == "table" and meta.__index or nil
		if type(candidate) ~= "table" then
			return false
		end
	end
	return false
end

-- "setup, pol": the functions of a class, for messages.
local function methods(of)
	local names = {}
	for name, value in pairs(of) do
		if type(value) == "function" then
			names[#names + 1] = tostring(name)
		end
	end
	table.sort(names)
	return #names > 0 and table.concat(names, ", ") or "nothing"
end

-- The class in what the file returned, or an error.
local function find_class(value)
	local name, ref = info.class_name, info.ref
	if value == nil then
		error(('%s: the file returned nothing; end it with "return %s"')
			:format(ref, name), 0)
	end
	if type(value) ~= "table" then
		error(('%s: the file returned a %s, not a class; end it with "return %s"')
			:format(ref, type(value), name), 0)
	end
	local inside = rawget(value, name)
	if inside ~= nil and type(inside) ~= "table" then
		error(("%s: the file returned a table whose %s is a %s, not a class")
			:format(ref, name, type(inside)), 0)
	end
	return inside or value
end

-- For `sensorhost check`: a function that lints what has been loaded, and
-- returns its findings as JSON. Made before the sensor's code can change what
-- it stands on.
local function prepare_lint(text)
	local texts = { { info.entry, text } }
	local source, pcall, tostring = host.source, pcall, tostring
	local lint = host.load("host/lint.lua")
	host.source = function(name)
		local chunk, module, searched = source(name)
		if chunk then
			texts[#texts + 1] = { chunk, module }
		end
		return chunk, module, searched
	end
	return function()
		local ok, result = pcall(lint, info, texts, unit.methods)
		return ok and result or lint(info, {}, unit.methods, tostring(result))
	end
end

-- Runs the sensor's file and finds its class. Returns whether it polls, and
-- in a check what the lint found; or, third, why the text is no Lua.
function entries.load(about, text)
	info = about
	local lint = info.mode == "check" and prepare_lint(text)
	local fn, why = compile(text, "@" .. info.entry)
	if not fn then
		return nil, nil, why
	end
	local found = find_class(fn(info.class_name))
	if type(found.run) ~= "function" and type(found.poll) ~= "function" then
		error(("%s: the file returned a class without run or poll (it has: %s)")
			:format(info.ref, methods(found)), 0)
	end
	class, hints.class = found, found
	info.polls = descends(class, PollingSensor) or not found.run
	if info.polls and type(found.poll) ~= "function" then
		error(("%s: a polling sensor needs a method poll (it has: %s)")
			:format(info.ref, methods(found)), 0)
	end
	return info.polls, lint and lint() or nil
end

-- A class that does not descend from the bases gets what it has not got.
local function complete(instance, base)
	for name, value in pairs(base) do
		if type(value) == "function" and instance[name] == nil then
			instance[name] = value
		end
	end
end

-- Makes the one instance.
function entries.init(service, log)
	local meta = rawget(class, "__index") == class and class
		or { __index = class }
	sensor = {
		sensor_service = service,
		_sensor_service = service,
		log = log,
		_logger = log,
		ref = info.ref,
		pack = info.pack,
		class_name = info.class_name,
	}
	sensor.config = host_sensor.readonly(info.config, info.config_path)
	sensor._config = sensor.config
	if info.polls then
		sensor._poll_interval = info.poll_interval or 5
		polled = info.first_poll == "scheduled" and host_sensor.polled
	end
	setmetatable(sensor, meta)
	if info.polls then
		complete(sensor, PollingSensor)
	end
	complete(sensor, Sensor)
	sensor:init()
end

function entries.setup()
	sensor:setup()
end

-- method: add_trigger, update_trigger or remove_trigger.
function entries.trigger(method, trigger)
	sensor[method](sensor, trigger)
end

function entries.run()
	sensor:run()
end

-- An error that poll returned, as a text.
local function words(err)
	if type(err) == "table" and getmetatable(err) == nil
		and type(err.message) == "string" then
		return err.message
	end
	return tostring(err)
end

local warned = false

-- Says once that a result of poll was not understood.
local function warn_result(value)
	if not warned then
		warned = true
		arguments.warn(("poll returned %s, which means nothing here: a "
			.. "poll that failed returns nil and an error")
			:format(arguments.describe(value)))
	end
end

-- Returns the interval, and true, or false and why the poll failed. Most polls
-- find nothing, on caches that others have filled since the last: so what they
-- pass is short.
function entries.poll()
	local ok, err = sensor:poll()
	if ok == nil and err ~= nil then
		unit.undo()
		return sensor._poll_interval, false, words(err),
			type(err) == "table" and err.kind or nil
	end
	if ok ~= nil and ok ~= true then
		warn_result(ok)
	end
	if polled then
		polled()
	end
	return sensor._poll_interval, true
end

function entries.cleanup(reason)
	if sensor then
		sensor:cleanup(reason)
	end
end

-- For sensor:need(): where a key is set and where it is declared.
function entries.config_places()
	return info.config_path, info.config_schema
end
Sensor.places = entries.config_places

return entries
