-- Runs the parts that must pass and counts what passed and failed: specs one
-- by one, any other check as one. Ends with "N passed, M failed"; exits 0 if
-- nothing failed. Logs of what failed stay in build/test-logs.

package.path = "./?.lua;" .. package.path
local kinds = require("spec.torture.kinds")
local process = require("spec.support.process")
local targets = require("spec.fuzz.targets")
local trees = require("spec.support.build")

local LOGS = "build/test-logs"
local SPEC_TIMEOUT = 300

local options = {
	only = {},
	rounds = 300,
	["fleet-rounds"] = 40,
	["fuzz-seconds"] = 10,
	jobs = 2,
	seed = os.time(),
}
local passed, failed, skipped = 0, 0, 0

local function show_end(log, why)
	print("---- " .. why .. "the end of " .. log)
	io.stdout:flush()
	os.execute("tail -n 120 " .. log)
	print("----")
end

-- Counts one check, and shows the log of one that failed.
local function count(ok, name, seconds, log)
	if ok then
		passed = passed + 1
	else
		failed = failed + 1
	end
	print(string.format("%-4s %s (%.1f s)", ok and "ok" or "FAIL", name,
		seconds))
	if not ok and log then
		show_end(log, "")
	end
	io.stdout:flush()
	return ok
end

local function log_of(name)
	return LOGS .. "/" .. name:gsub("[^%w_.-]", "_") .. ".log"
end

-- Runs a command as one check, its output into a log.
local function check(name, command)
	local log = log_of(name)
	os.remove(log)
	command.stdout, command.stderr = log, log
	local began = process.now()
	local p = process.start(command)
	local how, code = p:wait(command.timeout or 600)
	p:close()
	return count(how == "exited" and code == 0, name,
		process.now() - began, log)
end

-- Every file under a folder whose name matches, sorted.
local function files_under(folder, pattern)
	local found = {}
	for name in io.popen("find " .. folder .. " -type f 2>/dev/null"):lines() do
		if name:match(pattern) then
			found[#found + 1] = name
		end
	end
	table.sort(found)
	return found
end

-- The spec files that were asked for: all, or those under --only.
local function spec_files()
	local found = {}
	local roots = #options.only > 0 and options.only or { "spec", "packs" }
	for _, root in ipairs(roots) do
		for _, file in ipairs(files_under(root, "_spec%.lua$")) do
			found[#found + 1] = file
		end
	end
	return found
end

-- What busted said in a log: numbers of successes, failures, pending.
local function counts_in(log)
	local file = io.open(log)
	local text = file and file:read("*a") or ""
	if file then
		file:close()
	end
	local good, bad, errors, pending = text:match(
		"(%d+) success%a* / (%d+) failure%a* / (%d+) error%a* / (%d+) pending")
	if not good then
		return nil
	end
	return tonumber(good), bad + errors, tonumber(pending)
end

-- Counts a spec file that has ended; one that gave no counts (a crash, the
-- sanitizer, the timeout) is one failure more.
local function finish_spec(job, how, code)
	local good, bad, pending = counts_in(job.log)
	local clean = how == "exited" and code == 0

	good, bad, pending = good or 0, bad or 0, pending or 0
	if not clean and bad == 0 then
		bad = 1
	end
	passed, failed, skipped = passed + good, failed + bad, skipped + pending
	local text = string.format("%-4s %s %s: %d passed%s%s (%.1f s)",
		bad == 0 and "ok" or "FAIL", job.tree, job.file, good,
		bad > 0 and (", " .. bad .. " failed") or "",
		pending > 0 and (", " .. pending .. " skipped") or "",
		process.now() - job.began)
	print(text)
	if bad > 0 then
		show_end(job.log, how and (how .. " " .. code .. ", ")
			or "killed at its timeout, ")
	end
	io.stdout:flush()
end

-- Runs all spec files on one build tree, several at a time, a process each.
local function run_specs(tree, folder, asan)
	local env = trees.environment(folder, asan)
	local running, files = {}, spec_files()
	local next_file = 1

	while next_file <= #files or #running > 0 do
		while #running < options.jobs and next_file <= #files do
			local file = files[next_file]
			local log = log_of(tree .. "-" .. file)
			os.remove(log)
			running[#running + 1] = {
				file = file, tree = tree, log = log,
				began = process.now(),
				process = process.start({
					"luajit", "/usr/bin/busted",
					"--helper=spec/support/helper.lua", file,
					env = env, stdout = log, stderr = log,
				}),
			}
			next_file = next_file + 1
		end
		for i = #running, 1, -1 do
			local job = running[i]
			local left = job.began + SPEC_TIMEOUT - process.now()
			local how, code = job.process:wait(
				left > 0 and (i == 1 and 0.05 or 0) or 0)
			if how or left <= 0 then
				job.process:close()
				table.remove(running, i)
				finish_spec(job, how, code)
			end
		end
	end
end

local function build(kind)
	return check("build " .. kind, { "tools/build", kind, timeout = 900 })
end

-- Runs each fuzz target for a few seconds, from its seeds.
local function fuzz()
	if not build("fuzz") then
		return
	end
	for _, name in ipairs(targets.names()) do
		local work = targets.work_folder(name)
		check("fuzz_" .. name, targets.command(name, options["fuzz-seconds"],
			work, LOGS .. "/fuzz_" .. name .. "-"))
		os.execute("rm -rf " .. work)
	end
end

-- The kinds of torture that have no spec of their own.
local function torture()
	for _, kind in ipairs(kinds) do
		local rounds = ({ kill = options.rounds,
			fleet = options["fleet-rounds"] })[kind.name]
		if rounds then
			check(("torture, %s: %d rounds"):format(kind.name, rounds),
				kinds.command(kind, rounds, options.seed))
		end
	end
end

local parts = {
	{ "style", "luacheck, include arrows, lengths, compiler warnings", function()
		check("luacheck", { "luacheck", "-q", "--no-color", "." })
		check("arrows", { "luajit", "tools/arrows.lua" })
		check("budgets", { "luajit", "tools/budgets.lua" })
		build("dev")
	end },
	{ "specs", "all specs on the release build", function()
		if build("release") then
			run_specs("release", "build", false)
		end
	end },
	{ "asan", "all specs again on the sanitizer build", function()
		if build("asan") then
			run_specs("asan", "build-asan", true)
		end
	end },
	{ "fuzz", "every fuzz target for --fuzz-seconds", fuzz },
	{ "torture", "kill -9 for --rounds and --fleet-rounds rounds", function()
		if build("release") then
			torture()
		end
	end },
}

local function usage(file, code)
	file:write("usage: tools/test [OPTIONS] [PART...]\n\nparts, all of them ",
		"when none is named:\n")
	for _, part in ipairs(parts) do
		file:write(string.format("  %-9s %s\n", part[1], part[2]))
	end
	file:write([[
options:
  --only PATH        only the specs in this folder or file (repeatable);
                     alone it means the part specs
  --rounds N         rounds of the torture (300)
  --fleet-rounds N   rounds of the torture of 20 sensors (40)
  --seed N           its seed (the time)
  --fuzz-seconds N   for each fuzz target (10)
  --jobs N           spec files at a time (2)
]])
	os.exit(code)
end

-- The parts that the arguments name, and the options into `options`.
local function parse(arguments)
	local chosen, i = {}, 1
	while i <= #arguments do
		local name = arguments[i]:match("^%-%-(.+)$")
		if name == "help" then
			usage(io.stdout, 0)
		elseif name then
			local value = arguments[i + 1]
			if not options[name] or not value then
				usage(io.stderr, 2)
			elseif name == "only" then
				table.insert(options.only, value)
			else
				options[name] = tonumber(value) or usage(io.stderr, 2)
			end
			i = i + 2
		else
			chosen[arguments[i]], i = true, i + 1
		end
	end
	if not next(chosen) and #options.only > 0 then
		chosen.specs = true
	end
	return chosen
end

local chosen = parse(arg)
local known = {}
for _, part in ipairs(parts) do
	known[part[1]] = true
end
for name in pairs(chosen) do
	if not known[name] then
		usage(io.stderr, 2)
	end
end
os.execute("mkdir -p " .. LOGS)
for _, part in ipairs(parts) do
	if not next(chosen) or chosen[part[1]] then
		part[3]()
	end
end
if skipped > 0 then
	print(skipped .. " skipped")
end
print(passed .. " passed, " .. failed .. " failed")
os.exit(failed == 0 and 0 or 1)
