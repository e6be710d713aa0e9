-- The first Lua file of the host, run once in the spawner: loads the library
-- (lua/host, then every module of lua/sensorhost), then takes away what
-- sensors may not have. The workers that are forked afterwards share it all.
-- Returns the entries: the functions through which C drives a sensor's life.

local host = ...

local files = {} -- what has been loaded, by name

-- Loads "host/sandbox.lua" of the library, with the host as its argument, or
-- with what is given.
local function load(path, ...)
	local fn, why = host.compile(host.read(path), "=[host] " .. path)
	if not fn then
		error(why, 0)
	end
	if select("#", ...) > 0 then
		return fn(...)
	end
	local value = fn(host)
	return value == nil and true or value
end

-- What `require` is while the library loads: bindings and the library alone.
-- "host.x" is a binding or, where C has none of that name, host/x.lua.
function _G.require(name)
	local value = files[name]
	if value == nil then
		if name:find("^sensorhost%.") then
			value = load("sensorhost/" .. name:sub(12) .. ".lua")
		else
			value = host.binding(name)
				or load("host/" .. name:sub(6) .. ".lua")
		end
		if value == nil then
			error(("the host has no module %q"):format(name), 0)
		end
		files[name] = value
	end
	return value
end

host.load = load -- for what only some workers need
host.public = {}
host.lua = { coroutine = coroutine, io = io, os = os, debug = debug }

local hints = require("host.hints")
require("host.error").explain_by(hints.explain)
load("host/coroutines.lua")
hints.strict(load("host/service.lua"), "sensor_service has no method")
hints.strict(require("host.log").methods, "a log has no method")
for _, name in ipairs(host.modules()) do
	local full = "sensorhost." .. name
	host.public[full] = require(full)
end

for name, module in pairs(host.public) do
	if type(module) == "table" and not module.extend then
		hints.strict(module, name .. " has no")
	end
end

local entries = load("host/entries.lua")
load("host/sandbox.lua")
load("host/modules.lua")

return entries
