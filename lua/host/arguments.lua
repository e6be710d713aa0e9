-- Arguments of the host's Lua modules, checked as those in C are: what is
-- wrong is raised at the sensor's line, with what was meant. Not for sensors.

local hints = require("host.hints")
local host = require("host.check")
local null = require("sensorhost.null")

local check = {
	error = host.error,
	fail = host.fail,
	nearest = host.nearest,
	warn = host.warn,
}

-- Raises a message, made as by string.format, at the sensor's line.
function check.raise(format, ...)
	return host.raise(format:format(...))
end

-- A value in the words of a message: `the string "5"`.
function check.describe(value)
	local kind = type(value)
	if value == nil then
		return "nil"
	elseif value == null then
		return "JSON null"
	elseif kind == "string" then
		local text = #value > 40 and value:sub(1, 40) .. "..." or value
		return ("the string \"%s\""):format((text:gsub("%c", "?")))
	elseif kind == "number" then
		return ("%.14g"):format(value)
	elseif kind == "boolean" then
		return tostring(value)
	end
	return "a " .. kind
end

local articles = {
	string = "a string", number = "a number", table = "a table",
	boolean = "true or false", ["function"] = "a function",
}

-- An argument of the type that is asked for; what is how messages call it.
function check.type(call, what, value, kind)
	if type(value) ~= kind or value == null then
		check.raise("%s: %s must be %s, not %s", call, what,
			articles[kind], check.describe(value))
	end
	return value
end

-- A number within bounds (which may be nil); NaN is none.
function check.number(call, what, value, least, most)
	check.type(call, what, value, "number")
	if value ~= value or least and value < least or most and value > most then
		check.raise("%s: %s must be %s, not %.14g", call, what,
			not most and ("%.14g or more"):format(least or -math.huge)
				or ("between %.14g and %.14g"):format(least or -math.huge,
					most), value)
	end
	return value
end

-- The same, and whole.
function check.integer(call, what, value, least, most)
	check.number(call, what, value, least, most)
	if value % 1 ~= 0 then
		check.raise("%s: %s must be a whole number, not %.14g", call, what,
			value)
	end
	return value
end

-- A string that is not empty.
function check.name(call, what, value)
	if check.type(call, what, value, "string") == "" then
		check.raise("%s: %s must not be empty", call, what)
	end
	return value
end

-- A list: a table that begins at 1, or is empty.
function check.list(call, what, value)
	check.type(call, what, value, "table")
	local key = next(value)
	if value[1] == nil and key ~= nil then
		check.raise("%s: %s must be a list, not a table with the key %s", call,
			what, type(key) == "string" and ("%q"):format(key:sub(1, 40))
				or check.describe(key))
	end
	return value
end

local function sorted_keys(t)
	local names = {}
	for name in pairs(t) do
		names[#names + 1] = name
	end
	table.sort(names)
	return names
end

-- Options: a new table with what was given and the defaults. spec: name →
-- {type=, default=, hint=, check=function(call, name, value)}.
function check.options(call, options, spec)
	local checked = {}
	if options ~= nil then
		check.type(call, "options", options, "table")
		for name, value in pairs(options) do
			local option = spec[name]
			if not option then
				local near = type(name) == "string"
					and host.nearest(name, sorted_keys(spec))
				local hint = near and spec[near].hint
				check.raise("%s: unknown option %s%s", call,
					type(name) == "string" and ("%q"):format(name)
						or check.describe(name),
					near and ("; did you mean %q%s?"):format(near,
						hint and (" (%s)"):format(hint) or "")
						or "; there are " .. table.concat(
							sorted_keys(spec), ", "))
			end
			if option.type then
				check.type(call, ("option %q"):format(name), value,
					option.type)
			end
			checked[name] = value
		end
	end
	for name, option in pairs(spec) do
		if checked[name] == nil then
			checked[name] = option.default
		end
		if option.check and checked[name] ~= nil then
			option.check(call, ("option %q"):format(name), checked[name])
		end
	end
	return checked
end

-- A function of a module, called with a dot: first is its first argument.
function check.dot(call, module, first)
	if first == module then
		local name = call:match("[^.]+$")
		check.raise("%s needs a dot: %s(...), not %s:%s(...)", call, call,
			call:match("^[^.]+"), name)
	end
end

-- Makes a table of methods the metatable of objects; a method that is not
-- there is an error that names the one which was meant.
function check.object(methods)
	methods.__index = methods
	table.insert(hints.objects, methods)
end

-- A method, called with a colon on an object with this metatable.
function check.self(class, method, self, metatable)
	if type(self) ~= "table" or getmetatable(self) ~= metatable then
		check.raise("%s.%s() needs a colon: %s:%s()", class, method, class,
			method)
	end
end

return check
