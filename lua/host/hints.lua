-- What an author probably meant: for names that are not there, and for Lua's
-- own errors, which know nothing of sensors. Not for sensors.

local host = ...

local hints = {
	objects = {}, -- the methods of the library's objects, a table each
}

local function names_of(...)
	local names = {}
	for i = 1, select("#", ...) do
		for name in pairs((select(i, ...))) do
			if type(name) == "string" then
				names[#names + 1] = name
			end
		end
	end
	table.sort(names)
	return names
end

local function meant(name, names)
	local near = type(name) == "string" and host.nearest(name, names)
	return near and ('; did you mean "%s"?'):format(near) or ""
end

-- Reading a name that is not in t raises: words begin the sentence.
function hints.strict(t, words)
	local meta = getmetatable(t) or {}
	function meta.__index(_, name)
		host.raise(('%s "%s"%s'):format(words, tostring(name),
			meant(name, names_of(t))))
	end
	return setmetatable(t, meta)
end

-- The methods of the sensor's class and of those above it.
local function methods()
	local names, class = {}, hints.class
	for _ = 1, 32 do
		if type(class) ~= "table" then
			break
		end
		for _, name in ipairs(names_of(class)) do
			if type(rawget(class, name)) == "function" then
				names[#names + 1] = name
			end
		end
		local meta = getmetatable(class)
		class = type(meta) == "table" and meta.__index
	end
	return names
end

local function about_global(name)
	if name == "self" then
		return ': write "function Class:method()" with a colon, then self '
			.. "is the sensor"
	elseif host.public["sensorhost." .. name] then
		return (': write local %s = require("sensorhost.%s")'):format(name,
			name)
	end
	return meant(name, names_of(_G))
end

local null = ': a userdata may be JSON null; compare with json.null first, '
	.. 'or decode with { null = "drop" }'

-- What to add to the text of an error that ends in Lua's own words, or nil.
function hints.explain(text)
	local name = text:match("attempt to %a+ global '([^']*)' %(a nil value%)$")
	if name then
		return about_global(name)
	end
	name = text:match("attempt to call %a+ '([^']*)' %(a nil value%)$")
	if name then
		if name == "new" then
			return ": a class is made by extend(), such as "
				.. "PollingSensor:extend(); an object of the library by its "
				.. "module's new()"
		end
		local near = meant(name, methods())
		return near ~= "" and near
			or meant(name, names_of(unpack(hints.objects)))
	elseif text:find("(a userdata value)", 1, true)
		or text:find("got userdata)", 1, true)
		or text:find("attempt to compare %a* ?userdata")
		or text:find("attempt to compare %a+ with userdata$") then
		return null
	end
end

return hints
