-- Compiling a sensor's files: what Lua says of a mistake, with the column
-- where it is. Used by entries.lua and modules.lua; not for sensors.

local host = ...
local TRIES = 64

-- The message without the chunk's name and line, which come second; or nil.
local function parts(message)
	local line, words = message:match(":(%d+): ([^\n]*)$")
	return words, tonumber(line)
end

-- Where a line of the text begins and ends.
local function line_bounds(text, number)
	local from = 1
	for _ = 2, number do
		from = (text:find("\n", from, true) or #text) + 1
	end
	return from, (text:find("\n", from, true) or #text + 1) - 1
end

-- The column of a mistake: the first place of the token in its line at which
-- the text, cut behind it, is already wrong in the same way; else where the
-- token is first, or the line begins.
local function column(text, chunk, words, number)
	local from, to = line_bounds(text, number)
	local token = words:match(" near '(.*)'$") or ""
	if token == "<eof>" then
		return to - from + 2
	end
	local first, last = text:find(token ~= "" and token or "%S", from,
		token ~= "")
	local where = first and first <= to and first - from + 1 or 1
	for _ = 1, token ~= "" and TRIES or 0 do
		if not first or first > to then
			break
		end
		local _, why = host.compile(text:sub(1, last), chunk)
		if why and parts(why) == words then
			return first - from + 1
		end
		first, last = text:find(token, first + 1, true)
	end
	return where
end

-- A function, or nil and "file:line:column: what".
return function(text, chunk)
	local fn, why = host.compile(text, chunk)
	if fn then
		return fn
	end
	local words, number = parts(why)
	if words then
		why = ("%s:%d:%d: %s"):format(chunk:sub(2), number,
			column(text, chunk, words, number), words)
	end
	return nil, why
end
