-- `require` as sensors have it: the host's library, and the pack's modules,
-- whose text core serves from the sources that it has accepted.

local host = ...
local raise = host.raise
local compile = host.load("host/compile.lua")
local RUNNING = {}

local loaded, preload = {}, {}
for name, value in pairs(host.public) do
	loaded[name] = value
end
for _, name in ipairs({ "string", "table", "math", "bit", "coroutine", "os",
	"io", "debug" }) do
	loaded[name] = _G[name]
end
loaded._G = _G

rawset(_G, "package", {
	loaded = loaded,
	preload = preload,
	path = "",
	cpath = "",
	config = "/\n;\n?\n!\n-\n",
})

local public, short = {}, {} -- "sensorhost.time" and "time"
for name in pairs(host.public) do
	public[#public + 1] = name
end
table.sort(public)
for i, name in ipairs(public) do
	short[i] = name:match("^sensorhost%.(.*)$")
end

local instead = {
	ffi = "C is out of reach of sensors",
	jit = "the compiler is the host's",
	["jit.util"] = "the compiler is the host's",
	["string.buffer"] = "use table.concat",
}

-- Modules that are usual elsewhere, and what does their work here.
local elsewhere = {
	["cjson"] = "json", ["cjson.safe"] = "json", ["dkjson"] = "json",
	["socket"] = "socket", ["socket.http"] = "http", ["ssl"] = "socket",
	["ssl.https"] = "http", ["resty.http"] = "http", ["requests"] = "http",
	["socket.url"] = "url", ["mime"] = "crypto", ["md5"] = "crypto",
	["sha1"] = "crypto", ["sha2"] = "crypto", ["basexx"] = "crypto",
	["rex_pcre"] = "regex", ["rex_pcre2"] = "regex", ["lpeg"] = "regex",
	["date"] = "time", ["posix"] = "process", ["inotify"] = "fs_watch",
	["lyaml"] = "yaml", ["yaml"] = "yaml", ["lxp"] = "xml",
}

-- Raises that there is no such module, with what was probably meant.
local function not_found(name, searched)
	local near = elsewhere[name]
	if not near or not host.public["sensorhost." .. near] then
		near = host.nearest((name:gsub("^sensorhost%.", "")), short)
	end
	local meant = near and "sensorhost." .. near
		or name:find("%.") and host.nearest(name, public)
	raise(("module %q not found%s; searched: %s"):format(name,
		meant and (": did you mean %q?"):format(meant) or "",
		(searched:gsub("%s*\n%s*", ", "))))
end

-- Runs a module's text; its body may not wait.
local function run(name, chunk, text)
	local fn, why = compile(text, "@" .. chunk)
	if not fn then
		error(why, 0)
	end
	loaded[name] = RUNNING
	local value = host.call(fn, name)
	if value == nil then
		value = loaded[name] == RUNNING or loaded[name]
	end
	loaded[name] = value
	return value
end

local function load_module(name)
	if preload[name] then
		loaded[name] = RUNNING
		local value = host.call(preload[name], name)
		loaded[name] = value == nil and true or value
		return loaded[name]
	end
	if instead[name] then
		raise(("module %q is not available: %s"):format(name, instead[name]))
	end
	if name:find("^host%.") or name == "" then
		not_found(name, "the host's library")
	end
	local chunk, text, searched = host.source(name)
	if not chunk then
		if text ~= "not_found" then
			raise(("module %q: %s"):format(name, searched))
		end
		not_found(name, searched)
	end
	return run(name, chunk, text)
end

function _G.require(name)
	if type(name) ~= "string" then
		raise("require needs the name of a module")
	end
	local value = loaded[name]
	if value == RUNNING then
		raise(("module %q: its body is still running (modules that require "
			.. "each other), or has failed before"):format(name))
	end
	if value ~= nil then
		return value
	end
	return load_module(name)
end

host.barrier(host.call, "a module's own body: wait in a function that the "
	.. "sensor calls from setup, run or poll")
