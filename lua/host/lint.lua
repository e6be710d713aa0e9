-- The lint of `sensorhost check`: what the text of a sensor tells of mistakes
-- that loading it does not show. It is loaded in a worker that checks, before
-- the sensor's own code, and in no other.

local host = ...
local json = host.public["sensorhost.json"]

-- A file longer than this is left out: its tree would not fit in the cap.
local TEXT_MAX = 256 * 1024
-- Enough of them: the files after it are left out.
local FINDINGS_MAX = 1000

-- The same names without what raises for those that are not there.
local function plain(t)
	local copy = {}
	for name, value in pairs(t) do
		copy[name] = value
	end
	return copy
end

local globals, modules = plain(_G), {}
for name, value in pairs(host.public) do
	modules[name] = type(value) == "table" and plain(value) or value
end

local log = {}
for name in ("debug info warning warn error exception critical"):gmatch("%a+") do
	log[name] = true
end

local lex = host.load("host/lint/lex.lua")
local parse = host.load("host/lint/parse.lua", lex)

local File = {}
File.__index = File

function File:report(node, level, format, ...)
	self.findings[#self.findings + 1] = { file = self.chunk, line = node.line,
		level = level, text = format:format(...) }
end

-- Notes a dispatch to a trigger that stands in the text.
function File:dispatches(node, ref)
	self.triggers[#self.triggers + 1] = { file = self.chunk,
		line = node.line, ref = ref }
end

-- The name of the innermost function that was written with a dot, or nil.
function File:method_with_dot()
	for i = #self.inside, 1, -1 do
		local name = self.inside[i].name
		if name and name:find(".", 1, true) then
			return name
		end
	end
end

-- What the file assigns by itself: fields of tables, names given to rawset.
local function defined(main, meaning)
	local names = {}
	meaning.walk(main, function(node)
		for _, target in ipairs(node.kind == "assign" and node.targets or {}) do
			if target.kind == "index" and target.key.kind == "string"
				and target.object.kind == "name" then
				names[target.object.name .. "." .. target.key.value] = true
			end
		end
		if node.kind == "call" and meaning.is_global(node.fn, "rawset")
			and node.arguments[2] and node.arguments[2].kind == "string" then
			names[node.arguments[2].value] = true
		end
	end)
	return names
end

-- Applies the rules to a node and all below it.
local function apply(file, rules, node, walk)
	local is_function = node.kind == "function"
	local within = file.within
	if is_function then
		file.within = node
		file.inside[#file.inside + 1] = node
	end
	if rules[node.kind] then
		rules[node.kind](file, node)
	end
	walk(node, function(inner)
		if inner == node then
			return
		end
		apply(file, rules, inner, walk)
		return false
	end)
	if is_function then
		file.within = within
		file.inside[#file.inside] = nil
	end
end

local loops = { ["for"] = true, ["while"] = true, ["repeat"] = true }

-- A polling sensor that dispatches a list and keeps no place in it: that may
-- be meant, so a note.
local function check_cursor(files, meaning, polls)
	local found, found_in
	for _, file in ipairs(polls and files or {}) do
		local keeps
		meaning.walk(file.main, function(node)
			if node.kind == "function" or loops[node.kind] then
				local does = meaning.does(node, file.methods)
				keeps = keeps or does.keeps
				if loops[node.kind] and does.dispatch and not found then
					found, found_in = does.dispatch, file
				end
			end
		end)
		if keeps then
			return
		end
	end
	if found then
		found_in:report(found, "note", "a polling sensor that keeps no place "
			.. "(no cursor, seen or snapshot, no value) dispatches all that "
			.. "it finds at each poll; see sensorhost.cursor")
	end
end

-- texts: {{chunk, text}...}; service: the methods of the sensor_service;
-- failed: why an earlier call failed. Returns JSON: {"findings": [{file, line,
-- level, text}...], "triggers": [{file, line, ref}...]}.
return function(info, texts, service, failed)
	local meaning = host.load("host/lint/meaning.lua", info.pack, info.ref)
	local rules = host.load("host/lint/rules.lua", meaning, host)
	local findings, triggers, files = {}, {}, {}
	service = plain(service)
	for _, source in ipairs(texts) do
		if #findings > FINDINGS_MAX then
			break
		end
		local file = setmetatable({ chunk = source[1], findings = findings,
			triggers = triggers, globals = globals, modules = modules,
			service = service, log = log, inside = {} }, File)
		if #source[2] > TEXT_MAX then
			file:report({ line = 1 }, "note", "longer than %d bytes: not "
				.. "linted", TEXT_MAX)
		else
			file.main = parse(source[2])
			if source[1] == info.entry then
				meaning.find_class(file.main)
			end
			file.methods = meaning.methods(file.main)
			file.defined = defined(file.main, meaning)
			meaning.mark_transactions(file.main, file.methods)
			apply(file, rules, file.main, meaning.walk)
			files[#files + 1] = file
		end
	end
	check_cursor(files, meaning, info.polls)
	if failed then
		findings[1] = { file = info.entry, line = 1, level = "note",
			text = "not linted: " .. failed }
	end
	return json.encode({ findings = json.array(findings),
		triggers = json.array(triggers), polls = info.polls })
end
