-- Builds the fuzz targets (spec/fuzz/targets.lua) and runs them, one after the
-- other, from their seeds, each with a result line of its own. Exits 1 if one
-- broke; the input that did it is kept.

package.path = "./?.lua;" .. package.path
local process = require("spec.support.process")
local targets = require("spec.fuzz.targets")

local BROKEN = "build-fuzz/broken"

local options = { seconds = 60 }
local chosen = {}

local function usage(file, code)
	file:write("usage: tools/fuzz [OPTIONS] [TARGET...]\n\ntargets, all of ",
		"them when none is named: ", table.concat(targets.names(), " "),
		[[

options:
  --seconds N   run each target so long (60)
  --corpus DIR  begin also from what lies in DIR/TARGET, and add there what was
                found to reach code that nothing there does
]])
	os.exit(code)
end

-- Says what is wrong with a word, then all that there is.
local function wrong(...)
	io.stderr:write("tools/fuzz: ", string.format(...), "\n")
	usage(io.stderr, 2)
end

local known = {}
for _, name in ipairs(targets.names()) do
	known[name] = true
end
local i = 1
while i <= #arg do
	if arg[i] == "--help" then
		usage(io.stdout, 0)
	elseif arg[i] == "--corpus" then
		options.corpus = arg[i + 1] or wrong("--corpus wants a folder")
		i = i + 1
	elseif arg[i] == "--seconds" then
		options.seconds = tonumber(arg[i + 1]) or wrong(
			'--seconds wants a number, not "%s"', arg[i + 1] or "")
		i = i + 1
	elseif known[arg[i]:gsub("^fuzz_", "")] then
		chosen[#chosen + 1] = arg[i]:gsub("^fuzz_", "")
	else
		wrong('no %s "%s"', arg[i]:find("^%-") and "option" or "target",
			arg[i])
	end
	i = i + 1
end

local function count_files(folder)
	local count = 0
	for _ in io.popen("ls -A '" .. folder .. "' 2>/dev/null"):lines() do
		count = count + 1
	end
	return count
end

-- Adds to a corpus what is new of what was found; how much that was, or nil
-- and why.
local function merge(name, work, corpus)
	local before = count_files(corpus)
	local r = process.run(targets.merge(name, work, corpus))
	if r.code ~= 0 then
		return nil, r.stderr
	end
	return count_files(corpus) - before
end

-- Runs a target; whether it held, and a line of what came of it, or its log.
local function run(name)
	local work = targets.work_folder(name)
	local corpus = options.corpus and options.corpus .. "/" .. name
	if corpus then
		os.execute("mkdir -p '" .. corpus .. "'")
	end
	local r = process.run(targets.command(name, options.seconds, work,
		BROKEN .. "/" .. name .. "-", corpus))
	local log = r.stdout .. r.stderr
	local good = r.code == 0
	local line = ("%s inputs, %d new corpus entries"):format(
		log:match("number_of_executed_units: (%d+)") or "?",
		count_files(work))
	if good and corpus then
		local added, why = merge(name, work, corpus)
		good, log = added ~= nil, why or log
		line = line .. (", %s added"):format(added or "none")
	end
	os.execute("rm -rf " .. work)
	return good, good and line or log
end

os.execute("mkdir -p " .. BROKEN)
if process.run({ "tools/build", "fuzz", timeout = 900, stdout = 1,
	stderr = 2 }).code ~= 0 then
	os.exit(1)
end
local passed, failed = 0, 0
for _, name in ipairs(#chosen > 0 and chosen or targets.names()) do
	local good, text = run(name)
	passed, failed = passed + (good and 1 or 0), failed + (good and 0 or 1)
	print(string.format("%-4s %-7s %s", good and "ok" or "FAIL", name, text))
	io.stdout:flush()
end
print(("%d passed, %d failed%s"):format(passed, failed,
	failed > 0 and "; what broke them: " .. BROKEN or ""))
os.exit(failed == 0 and 0 or 1)
