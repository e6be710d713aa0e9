-- Checks that files and functions stay short enough to be read at once:
-- files of at most 450 lines (specs 600), functions under 60, functions handed
-- to a library (_cb) under 20, C lines of at most 80 columns. Prints all that
-- are over; exits 1 if there is one.

local util = require("jit.util")

local FILE_LINES = 450
local SPEC_LINES = 600
local FUNCTION_LINES = 60
local CALLBACK_LINES = 20
local COLUMNS = 80

local over = 0

local function report(file, line, text)
	over = over + 1
	print(string.format("%s:%d: %s", file, line, text))
end

local function lines_of(file)
	local lines = {}
	for text in io.lines(file) do
		lines[#lines + 1] = text
	end
	return lines
end

local function find(command)
	local found = {}
	for name in io.popen(command .. " 2>/dev/null"):lines() do
		found[#found + 1] = name
	end
	table.sort(found)
	return found
end

-- Columns of a line with tabs of eight; a UTF-8 sequence is one column.
local function width(text)
	local column = 0
	for c in text:gmatch("[%z\1-\127\194-\244]") do
		column = c == "\t" and column + 8 - column % 8 or column + 1
	end
	return column
end

-- The name of the function whose body opens at a line: `name(` stands at
-- the start of a line above it.
local function name_above(lines, open)
	for i = open - 1, math.max(1, open - 12), -1 do
		local name = lines[i]:match("^([%a_][%w_]*)%(")
			or lines[i]:match("^%a[^=;]-[%s%*]([%a_][%w_]*)%(")
		if name then
			return name
		elseif lines[i] == "" or lines[i]:match("^[}#]") then
			return nil
		end
	end
end

local function check_function(file, open, length, name)
	local limit = name:match("_cb$") and CALLBACK_LINES or FUNCTION_LINES
	if length >= limit then
		report(file, open, string.format("%s has %d lines, under %d is "
			.. "the budget", name, length, limit))
	end
end

local function check_length(file, lines)
	local limit = file:match("_spec%.lua$") and SPEC_LINES or FILE_LINES
	if #lines > limit then
		report(file, #lines, string.format("%d lines, at most %d is the "
			.. "budget", #lines, limit))
	end
end

local function check_c(file)
	local lines, open = lines_of(file), nil
	check_length(file, lines)
	for i, text in ipairs(lines) do
		if #text > COLUMNS / 8 and width(text) > COLUMNS then
			report(file, i, "wider than " .. COLUMNS .. " columns")
		end
		if text:match("^{") then
			open = i
		elseif text:match("^}") and open then
			local name = name_above(lines, open)
			if name then
				check_function(file, open, i - open - 1, name)
			end
			open = nil
		end
	end
end

-- Walks the functions inside a compiled chunk. The name is the source line.
local function check_protos(file, lines, f)
	local i = -1
	while true do
		local ok, k = pcall(util.funck, f, i)
		if not ok or k == nil then
			return
		end
		if type(k) == "proto" then
			local info = util.funcinfo(k)
			local first, last = info.linedefined, info.lastlinedefined
			check_function(file, first, last - first - 1,
				(lines[first] or ""):match("^%s*(.-)%s*$"))
			check_protos(file, lines, k)
		end
		i = i - 1
	end
end

local function check_lua(file, functions)
	local lines = lines_of(file)
	local chunk, err = loadfile(file)

	check_length(file, lines)
	if not chunk then
		report(file, 1, err)
	elseif functions then
		check_protos(file, lines, chunk)
	end
end

local sources = find("find src spec tools -name '*.[ch]'")
for _, file in ipairs(sources) do
	check_c(file)
end
local scripts = find("find lua packs tools spec -name '*.lua'")
for _, file in ipairs(scripts) do
	-- A describe() of a spec is a function too, and may be long.
	check_lua(file, not file:match("_spec%.lua$"))
end
print(#sources .. " C files, " .. #scripts .. " Lua files, " .. over
	.. " over budget")
os.exit(over == 0 and 0 or 1)
