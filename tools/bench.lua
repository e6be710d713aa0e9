-- Measures each figure beside its limit, in the same run: the two alternate,
-- and the table shows medians, since absolute figures wander on a shared
-- machine and ratios do not. Prints a table; --json adds a line a figure.

package.path = "./?.lua;./tools/bench.d/?.lua;" .. package.path
local cjson = require("cjson")
local machine = require("machine")
local rows = require("rows")

local options = { rounds = 3, seconds = 3 }
local chosen = {}

local function usage(file, code)
	file:write("usage: tools/bench [OPTIONS] [ROW...]\n\nrows, all of them ",
		"when none is named:\n")
	for _, row in ipairs(rows) do
		file:write(string.format("  %-9s %s\n", row.name, row.about))
	end
	file:write([[
options:
  --json FILE   append each figure to FILE as a line of JSON
  --rounds N    alternations of limit and figure (3)
  --seconds N   of each measurement (3)
]])
	os.exit(code)
end

-- Says what is wrong with a word, then all that there is.
local function wrong(...)
	io.stderr:write("tools/bench: ", string.format(...), "\n")
	usage(io.stderr, 2)
end

local i = 1
while i <= #arg do
	local name = arg[i]:match("^%-%-(.+)$")
	if name == "help" then
		usage(io.stdout, 0)
	elseif name == "json" then
		options.json = arg[i + 1] or wrong("--json wants a file")
		i = i + 2
	elseif name and options[name] then
		options[name] = tonumber(arg[i + 1]) or wrong(
			'--%s wants a number, not "%s"', name, arg[i + 1] or "")
		i = i + 2
	elseif name then
		wrong('no option "%s"', arg[i])
	else
		chosen[arg[i]], i = true, i + 1
	end
end
for name in pairs(chosen) do
	local known = false
	for _, row in ipairs(rows) do
		known = known or row.name == name
	end
	if not known then
		wrong('no row "%s"', name)
	end
end

local json = options.json and assert(io.open(options.json, "a"))

-- A number with three figures that matter, and its thousands apart.
local function short(value)
	if not value then
		return "-"
	elseif value >= 1000 then
		local text = string.format("%.0f", value)
		text = text:reverse():gsub("(%d%d%d)", "%1 "):reverse()
		return (text:gsub("^ ", ""))
	end
	return string.format("%.3g", value)
end

-- The bound in the figure's own way: "0.5 x" of the limit, or absolute.
local function bound(figure, value)
	return value and short(value) .. (figure.ratio and " x" or "") or "-"
end

local function verdict(figure)
	local value = figure.ratio or figure.value
	local function meets(limit)
		if figure.less then
			return value <= limit
		end
		return value >= limit
	end
	if figure.goal and meets(figure.goal) then
		return "goal"
	elseif figure.at_least and meets(figure.at_least) then
		return "met"
	end
	return figure.at_least and "NOT MET" or ""
end

local FORMAT = "%-38s %12s %-6s %12s %7s %9s %9s  %s"

local function print_figure(figure)
	figure.verdict = verdict(figure)
	print(string.format(FORMAT, figure.figure, short(figure.value),
		figure.unit, short(figure.limit), figure.ratio
			and string.format("%.2f", figure.ratio) or "-",
		bound(figure, figure.at_least), bound(figure, figure.goal),
		figure.verdict))
	io.stdout:flush()
	if json then
		json:write(cjson.encode(figure), "\n")
		json:flush()
	end
end

local about = machine.describe(rows.folder)
print(string.format("%s, %d cores, %s, %s; data on %s (%s)", about.cpu,
	about.cores, about.system, about.kernel, about.disk, about.filesystem))
print(string.format(FORMAT, "figure", "value", "unit", "limit", "ratio",
	"at least", "goal", ""))
if json then
	json:write(cjson.encode({ machine = about, time = os.date("!%FT%TZ") }),
		"\n")
end
local failed = false
for _, row in ipairs(rows) do
	if not next(chosen) or chosen[row.name] then
		local ok, err = pcall(row.measure, options, print_figure)
		if not ok then
			failed = true
			print(string.format("%-38s %s", row.name, tostring(err)))
		end
	end
end
os.exit(failed and 1 or 0)
