-- Regular expressions, Perl's (PCRE2). Positions count bytes from 1.

local check = require("host.arguments")
local host = require("host.regex")

local regex = {}

-- Checks what all functions take; returns the flags.
local function check_call(call, first, s, pattern, flags)
	check.dot(call, regex, first)
	check.type(call, "the text", s, "string")
	check.type(call, "the pattern", pattern, "string")
	if flags == nil then
		return ""
	end
	return check.type(call, "flags", flags, "string")
end

-- Where to go on after a match: behind it, one character further if it was
-- empty, so that a loop comes to its end.
local function behind(s, first, last)
	if last >= first then
		return last + 1
	end
	local at = first + 1
	while at <= #s and s:byte(at) >= 0x80 and s:byte(at) < 0xc0 do
		at = at + 1
	end
	return at
end

---The first match of a pattern: `[0]` is all of it, `[1]`, `[2]`, ... the
---groups, named ones by their names too; a group that took no part is nil.
---
---```lua
---local m = regex.match("2026-01-02", "(?<year>\\d+)-(\\d+)")
---assert(m.year == "2026" and m[2] == "01")
---```
---@param s string
---@param pattern string raises where it is none
---@param flags? string of i (any case), m (^ and $ at every line), s (a dot is
---also a line end), x (white space and comments in the pattern)
---@return table|nil
---@return sensorhost.error? err too_large: the match took too many steps
function regex.match(s, pattern, flags)
	flags = check_call("regex.match", s, s, pattern, flags)
	local first, last, captures = host.exec("regex.match", s, pattern, flags,
		1)
	if first then
		return captures
	end
	return nil, last
end

---Where the first match is.
---
---```lua
---local first, last = regex.find("a  b", "\\s+")
---assert(first == 2 and last == 3)
---```
---@param s string
---@param pattern string
---@param flags? string
---@param from? integer byte to begin at (default 1)
---@return integer|nil first
---@return integer|sensorhost.error|nil last
function regex.find(s, pattern, flags, from)
	flags = check_call("regex.find", s, s, pattern, flags)
	from = from or 1
	check.integer("regex.find", "from", from, 1)
	local first, last = host.exec("regex.find", s, pattern, flags, from)
	return first, last
end

-- The matches one after the other: first, last, captures. Raises at the match
-- limit.
local function matches(call, s, pattern, flags)
	local at = 1
	return function()
		if at > #s + 1 then
			return nil
		end
		local first, last, captures = host.exec(call, s, pattern, flags, at)
		if not first then
			if last then
				error(last, 0)
			end
			return nil
		end
		at = behind(s, first, last)
		return first, last, captures
	end
end

---All matches, one by one, as `match` gives them.
---
---```lua
---for m in regex.gmatch("a=1 b=2", "(\\w)=(\\d)") do
---	self.log:info("%s is %s", m[1], m[2])
---end
---```
---@param s string
---@param pattern string
---@param flags? string
---@return fun(): table? matches raises at the match limit
function regex.gmatch(s, pattern, flags)
	flags = check_call("regex.gmatch", s, s, pattern, flags)
	local next_match = matches("regex.gmatch", s, pattern, flags)
	return function()
		local _, _, captures = next_match()
		return captures
	end
end

-- The text that takes a match's place; nil or false: it stays.
local function substitute(replacement, captures)
	local kind = type(replacement)
	if kind ~= "string" then
		local key = captures[1] or captures[0]
		local text
		if kind == "function" then
			text = replacement(captures)
		else
			text = replacement[key]
		end
		if text and type(text) ~= "string" and type(text) ~= "number" then
			check.raise("regex.gsub: the replacement of %q must be a string, "
				.. "a number, nil or false, not %s", captures[0]:sub(1, 40),
				check.describe(text))
		end
		return text
	end
	return (replacement:gsub("%$(%$?)({?)(%w*)(}?)",
		function(dollar, open, name, close)
			if dollar == "$" then
				return "$" .. open .. name .. close
			end
			local rest = ""
			if open == "" then
				local digits = name:match("^%d+")
				if digits then
					name, rest = digits, name:sub(#digits + 1)
				end
				rest = rest .. close
			end
			return (captures[tonumber(name) or name] or "") .. rest
		end))
end

---Replaces every match. In a text `$1`, `${1}` and `${name}` stand for groups,
---`$0` for the match, `$$` for a dollar; a function gets the match as `match`
---gives it, a table is asked for the first group; where these give nil or
---false the match stays.
---
---```lua
---local masked = regex.gsub("card 1234567890", "\\d(?=\\d{4})", "*")
---assert(masked == "card ******7890")
---```
---@param s string
---@param pattern string
---@param replacement string|table|fun(match: table): string?
---@param flags? string
---@param max? integer at most so many
---@return string|nil
---@return integer|sensorhost.error count
function regex.gsub(s, pattern, replacement, flags, max)
	flags = check_call("regex.gsub", s, s, pattern, flags)
	local kind = type(replacement)
	if kind ~= "string" and kind ~= "function" and kind ~= "table" then
		check.raise("regex.gsub: the replacement must be a string, a function "
			.. "or a table, not %s", check.describe(replacement))
	end
	if max ~= nil then
		check.integer("regex.gsub", "max", max, 0)
	end
	local parts, at, count = {}, 1, 0
	local from = 1
	while count < (max or math.huge) and from <= #s + 1 do
		local first, last, captures = host.exec("regex.gsub", s, pattern,
			flags, from)
		if not first then
			if last then
				return nil, last
			end
			break
		end
		count = count + 1
		parts[#parts + 1] = s:sub(at, first - 1)
		parts[#parts + 1] = substitute(replacement, captures) or captures[0]
		at, from = last + 1, behind(s, first, last)
	end
	parts[#parts + 1] = s:sub(at)
	return table.concat(parts), count
end

---The pieces between the matches.
---
---```lua
---local words = regex.split("a, b;c", "[,;]\\s*")
---assert(#words == 3)
---```
---@param s string
---@param pattern string
---@param flags? string
---@return string[] pieces raises at the match limit
function regex.split(s, pattern, flags)
	flags = check_call("regex.split", s, s, pattern, flags)
	local parts, at = {}, 1
	for first, last in matches("regex.split", s, pattern, flags) do
		if last >= first then
			parts[#parts + 1] = s:sub(at, first - 1)
			at = last + 1
		end
	end
	parts[#parts + 1] = s:sub(at)
	return parts
end

return regex
