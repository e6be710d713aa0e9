-- Runs the kinds of torture (spec/torture/kinds.lua) one after the other, each
-- with a result line of its own. Exits 1 if one found a fault; its log is shown
-- then, and says what is kept.

package.path = "./?.lua;" .. package.path
local build = require("spec.support.build")
local kinds = require("spec.torture.kinds")
local process = require("spec.support.process")

local options = { seed = os.time(), build = "release" }
local counts, chosen = {}, {}

local function usage(file, code)
	file:write("usage: tools/torture [OPTIONS]\n\nkinds, all of them when ",
		"none is named:\n")
	for _, kind in ipairs(kinds) do
		file:write(string.format("  %-7s %s (%d %s)\n", kind.name,
			kind.about, kind.count, kind.of))
	end
	file:write([[
options:
  --only KIND     only this one (repeatable)
  --KIND N        so many of its rounds, images or edits, such as --power 5000
  --seed N        the same seed does the same (the time)
  --build asan    on the sanitizer build (release)
]])
	os.exit(code)
end

-- Says what is wrong with a word, then all that there is.
local function wrong(...)
	io.stderr:write("tools/torture: ", string.format(...), "\n")
	usage(io.stderr, 2)
end

local known = {}
for _, kind in ipairs(kinds) do
	known[kind.name] = kind
end
for i = 1, #arg, 2 do
	local name, value = arg[i]:match("^%-%-(%a+)$"), arg[i + 1]
	if name == "help" then
		usage(io.stdout, 0)
	elseif name == "only" then
		chosen[known[value] and value or wrong('no kind "%s"',
			value or "")] = true
	elseif known[name] then
		counts[name] = tonumber(value)
			or wrong('--%s wants a number, not "%s"', name, value or "")
	elseif name == "seed" then
		options.seed = tonumber(value)
			or wrong('--seed wants a number, not "%s"', value or "")
	elseif name == "build" then
		options.build = (value == "asan" or value == "release") and value
			or wrong('no build "%s"', value or "")
	else
		wrong('no option "%s"', arg[i])
	end
end

local asan = options.build == "asan"
if process.run({ "tools/build", options.build, timeout = 900,
	stdout = 1, stderr = 2 }).code ~= 0 then
	os.exit(1)
end
local environment = build.environment(asan and "build-asan" or "build", asan)
local passed, failed = 0, 0
for _, kind in ipairs(kinds) do
	if not next(chosen) or chosen[kind.name] then
		local count = counts[kind.name] or kind.count
		local command = kinds.command(kind, count, options.seed,
			asan and 4 or 1)
		command.env = environment
		local r = process.run(command)
		local good = r.code == 0
		passed, failed = passed + (good and 1 or 0), failed + (good and 0 or 1)
		print(string.format("%-4s %-7s %s", good and "ok" or "FAIL", kind.name,
			good and r.stdout:match("([^\n]+)\n$") or "its log follows"))
		if not good then
			print(r.stdout .. r.stderr .. (r.timeout and "timed out\n" or ""))
		end
		io.stdout:flush()
	end
end
print(("%d passed, %d failed; seed %d"):format(passed, failed, options.seed))
os.exit(failed == 0 and 0 or 1)
