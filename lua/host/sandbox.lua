-- What sensors see of Lua: the safe part of the standard library, and errors
-- that name the replacement for the rest. The boundary against hostile code
-- is the process, not this file.

-- luacheck: globals string table

local host = ...
local io, os, debug = host.lua.io, host.lua.os, host.lua.debug
local raise = host.raise
local stat = require("host.file").facts

-- The functions that only raise, and what they say.
host.refused = {}

-- A function that raises and says what to use.
local function refused(name, instead)
	local text = name .. " is not available: " .. instead
	local function refuse()
		raise(text)
	end
	host.refused[refuse] = text
	return refuse
end

local process = 'use require("sensorhost.process").run{...}'
local finish = "use self:finish(why) or self:reject(why)"
local logging = "use self.log:info(...) or print(...)"
local files = "io.open and io.lines are there for plain files"

-- Why a name is no plain file, or nil: to open a pipe would wait for its
-- other end and hold up the whole sensor.
local function not_plain(name)
	local facts = type(name) == "string" and stat(name)
	if facts and not facts.regular then
		return ("%s: %s; %s"):format(name,
			facts.folder and "is a folder" or "is no plain file", files)
	end
end

_G.io = {
	open = function(name, ...)
		local why = not_plain(name)
		if why then
			return nil, why, 22
		end
		return io.open(name, ...)
	end,
	lines = function(name, ...)
		if type(name) ~= "string" then
			raise("io.lines needs the name of a file: " .. files)
		end
		local why = not_plain(name)
		if why then
			raise("io.lines: " .. why)
		end
		return io.lines(name, ...)
	end,
	type = io.type,
	popen = refused("io.popen", process),
	write = refused("io.write", logging),
	read = refused("io.read", "a sensor has no standard input"),
	tmpfile = refused("io.tmpfile", files),
	input = refused("io.input", files),
	output = refused("io.output", files),
	close = refused("io.close", "use file:close()"),
}

_G.os = {
	time = os.time,
	date = os.date,
	clock = os.clock,
	difftime = os.difftime,
	getenv = os.getenv,
	execute = refused("os.execute", process),
	exit = refused("os.exit", finish),
	remove = refused("os.remove", files),
	rename = refused("os.rename", files),
	tmpname = refused("os.tmpname", files),
	setlocale = refused("os.setlocale", "the locale is C"),
}

_G.debug = { traceback = debug.traceback }
for _, name in ipairs({ "debug", "getfenv", "gethook", "getinfo", "getlocal",
	"getmetatable", "getregistry", "getupvalue", "setfenv", "sethook",
	"setlocal", "setmetatable", "setupvalue", "upvalueid", "upvaluejoin" }) do
	_G.debug[name] = refused("debug." .. name, "debug.traceback is all there is")
end

-- Text only: crafted bytecode could do anything.
local compile = host.compile
function _G.load(chunk, name, mode, env)
	if type(chunk) == "function" then
		local parts = {}
		for part in chunk do
			if part == "" then
				break
			end
			parts[#parts + 1] = part
		end
		chunk = table.concat(parts)
	end
	if mode == "b" then
		return nil, "bytecode is not available: load text"
	end
	local fn, why = compile(chunk, name or ("=" .. chunk:sub(1, 40)))
	if fn and env ~= nil then
		setfenv(fn, env)
	end
	return fn, why
end

function _G.loadstring(text, name)
	return compile(text, name or ("=" .. text:sub(1, 40)))
end

_G.loadfile = refused("loadfile", "use require, which finds the pack's modules")
_G.dofile = refused("dofile", "use require, which finds the pack's modules")
_G.module = refused("module", "end the file with `return` and a table")
_G.newproxy = nil
_G.gcinfo = nil
_G.jit = nil
string.dump = refused("string.dump", "there is no bytecode")

local raw_collectgarbage = collectgarbage
function _G.collectgarbage(what, ...)
	what = what or "collect"
	if what ~= "count" and what ~= "step" and what ~= "collect" then
		raise("collectgarbage: only \"count\", \"step\" and \"collect\" work here")
	end
	return raw_collectgarbage(what, ...)
end

-- The environment of level 0 is the whole state's.
local raw_getfenv, raw_setfenv = getfenv, setfenv
function _G.getfenv(f)
	if f == nil or type(f) == "number" then
		f = (f or 1) + 1
		if f == 1 then
			raise("getfenv(0) is not available")
		end
	end
	local env = raw_getfenv(f)
	return env
end

function _G.setfenv(f, env)
	if type(f) == "number" then
		f = f + 1
		if f == 1 then
			raise("setfenv(0) is not available")
		end
	end
	local fn = raw_setfenv(f, env)
	return fn
end

host.load("host/views.lua")

local log = require("host.log")
function _G.print(...)
	local parts = {}
	for i = 1, select("#", ...) do
		parts[i] = tostring((select(i, ...)))
	end
	log.write(1, "", table.concat(parts, "\t"))
end

setmetatable(_G, {
	__newindex = function(_, name, value)
		raise(('assignment to undeclared global "%s": write "local %s%s"')
			:format(tostring(name),
				type(value) == "function" and "function " or "",
				tostring(name)))
	end,
	__metatable = "the globals",
})
