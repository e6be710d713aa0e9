-- Small things that are done to text.

local check = require("host.arguments")
local host = require("host.text")

local text = {}

local function check_text(call, what, value)
	return check.type(call, what, value, "string")
end

---The text without the white space around it.
---
---```lua
---assert(text.trim("  a b\n") == "a b")
---```
---@param s string
---@return string
function text.trim(s)
	check.dot("text.trim", text, s)
	check_text("text.trim", "the text", s)
	return s:match("^%s*$") and "" or s:match("^%s*(.*%S)")
end

---The pieces between separators; "a,,b" has three. Nothing in the separator
---is special.
---
---```lua
---local parts = text.split("a, b", ", ")
---assert(#parts == 2 and parts[2] == "b")
---```
---@param s string
---@param separator string not empty
---@return string[]
function text.split(s, separator)
	check.dot("text.split", text, s)
	check_text("text.split", "the text", s)
	check.name("text.split", "the separator", separator)
	local parts, from = {}, 1
	while true do
		local first, last = s:find(separator, from, true)
		if not first then
			parts[#parts + 1] = s:sub(from)
			return parts
		end
		parts[#parts + 1] = s:sub(from, first - 1)
		from = last + 1
	end
end

---Whether a text begins with another.
---
---```lua
---assert(text.starts_with("sensor", "sens"))
---```
---@param s string
---@param beginning string
---@return boolean
function text.starts_with(s, beginning)
	check.dot("text.starts_with", text, s)
	check_text("text.starts_with", "the text", s)
	check_text("text.starts_with", "the beginning", beginning)
	return s:sub(1, #beginning) == beginning
end

---Whether a text ends with another.
---
---```lua
---assert(text.ends_with("sensor.lua", ".lua"))
---```
---@param s string
---@param ending string
---@return boolean
function text.ends_with(s, ending)
	check.dot("text.ends_with", text, s)
	check_text("text.ends_with", "the text", s)
	check_text("text.ends_with", "the ending", ending)
	return ending == "" or s:sub(-#ending) == ending
end

---The text with U+FFFD for every byte that is not UTF-8, so that a payload
---can hold it.
---
---```lua
---assert(text.scrub("a\xff") == "a\239\191\189")
---```
---@param s string
---@return string
function text.scrub(s)
	check.dot("text.scrub", text, s)
	check_text("text.scrub", "the text", s)
	return host.scrub(s)
end

---The text in UTF-8, from the character set that it is in.
---
---```lua
---assert(text.to_utf8("\xfc", "latin1") == "ü")
---```
---@param s string
---@param charset string as iconv knows it: latin1, windows-1252, utf-16, ...
---@return string|nil
---@return sensorhost.error? err invalid: no such set; syntax: the text is none
function text.to_utf8(s, charset)
	check.dot("text.to_utf8", text, s)
	check_text("text.to_utf8", "the text", s)
	check.name("text.to_utf8", "the character set", charset)
	return host.convert(s, charset)
end

return text
