-- The fuzz targets: every spec/fuzz/fuzz_NAME.c, its seeds in corpus/NAME, and
-- how it is run. For tools/fuzz and tools/test.

local stdlib = require("posix.stdlib")
local unistd = require("posix.unistd")

local targets = {}

-- Their names, sorted.
function targets.names()
	local names = {}
	for file in io.popen("ls spec/fuzz"):lines() do
		names[#names + 1] = file:match("^fuzz_([%w_]+)%.c$")
	end
	table.sort(names)
	return names
end

-- The folder of a target's seeds.
function targets.seeds(name)
	return "spec/fuzz/corpus/" .. name
end

-- A fresh folder for what a run of a target finds; whoever asks removes it.
function targets.work_folder(name)
	return assert(stdlib.mkdtemp("/tmp/fuzz_" .. name .. ".XXXXXX"))
end

-- The command that runs a target for so many seconds. What it finds goes into
-- the folder `work`, what breaks it has its name begin with `broken`; it begins
-- from the seeds, and from what is in the folder `corpus`, if there is one.
function targets.command(name, seconds, work, broken, corpus)
	local command = { "build-fuzz/fuzz_" .. name,
		"-max_total_time=" .. seconds, "-timeout=10", "-rss_limit_mb=2048",
		"-verbosity=0", "-print_final_stats=1",
		"-artifact_prefix=" .. broken, work, timeout = seconds + 60 }
	if unistd.access(targets.seeds(name)) then
		command[#command + 1] = targets.seeds(name)
	end
	command[#command + 1] = corpus
	return command
end

-- The command that adds to a corpus what of `work` reaches code that nothing
-- there does.
function targets.merge(name, work, corpus)
	return { "build-fuzz/fuzz_" .. name, "-merge=1", "-timeout=10",
		"-rss_limit_mb=2048", "-verbosity=0", corpus, work, timeout = 600 }
end

return targets
