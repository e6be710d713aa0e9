-- Comma-separated values as RFC 4180 has them, and as they come: LF or CR LF,
-- quotes doubled, line ends within quotes.

local check = require("host.arguments")

local csv = {}

local options_spec = {
	separator = { type = "string", default = ",", check = function(call, what,
		v)
		if #v ~= 1 or v:match('["\r\n]') then
			check.raise("%s: %s must be one byte, not a quote or a line end",
				call, what)
		end
	end },
	header = { type = "boolean", default = false,
		hint = "the first row names the columns" },
}

-- Raises that the text is none; the line is the one of `at`.
local function broken(text, at, what)
	local _, line = text:sub(1, at):gsub("\n", "")
	error(check.error("syntax", "csv.rows", nil,
		("line %d: %s"):format(line + 1, what)), 0)
end

-- The field that begins at `at`; returns it and where what follows begins.
local function field(text, at, plain)
	if text:sub(at, at) ~= '"' then
		local value = text:match(plain, at)
		local after = at + #value
		if text:sub(after, after) == "\n" then
			return value:match("^(.-)\r?$"), after
		end
		return value, after
	end
	local parts, from = {}, at + 1
	while true do
		local quote = text:find('"', from, true)
		if not quote then
			broken(text, at, "a quote is not closed")
		end
		parts[#parts + 1] = text:sub(from, quote - 1)
		if text:sub(quote + 1, quote + 1) ~= '"' then
			return table.concat(parts), quote + 1
		end
		parts[#parts + 1] = '"'
		from = quote + 2
	end
end

-- The row that begins at `at`; returns it and where the next one begins.
local function row(text, at, separator, plain)
	local fields, value = {}
	while true do
		value, at = field(text, at, plain)
		fields[#fields + 1] = value
		local next_byte = text:sub(at, at)
		if next_byte == separator then
			at = at + 1
		elseif next_byte == "" then
			return fields, at
		else
			local line_end = text:match("^\r?\n", at)
			if not line_end then
				broken(text, at, ("%q after a closing quote"):format(
					next_byte))
			end
			return fields, at + #line_end
		end
	end
end

-- The row as a table by the header's names.
local function named(names, fields)
	local result = {}
	for i, name in ipairs(names) do
		result[name] = fields[i]
	end
	return result
end

---The rows of a text, one by one: lists of strings, or with `header` tables by
---the names in the first row. Empty lines are left out.
---
---```lua
---for row in csv.rows("name,price\ntea,3\n", { header = true }) do
---	self.log:info("%s costs %s", row.name, row.price)
---end
---```
---@param text string
---@param options? { separator?: string, header?: boolean }
---@return fun(): table? rows raises an error of kind syntax, with the line,
---where the text is no CSV
function csv.rows(text, options)
	check.dot("csv.rows", csv, text)
	check.type("csv.rows", "the text", text, "string")
	options = check.options("csv.rows", options, options_spec)
	local separator = options.separator
	local plain = "^[^\n" .. separator:gsub("%W", "%%%0") .. "]*"
	local at, names = 1, nil
	if text:sub(1, 3) == "\239\187\191" then
		at = 4
	end
	return function()
		while at <= #text do
			local empty = text:match("^\r?\n", at)
			if empty then
				at = at + #empty
			else
				local fields
				fields, at = row(text, at, separator, plain)
				if not options.header then
					return fields
				elseif names then
					return named(names, fields)
				end
				names = fields
			end
		end
		return nil
	end
end

return csv
