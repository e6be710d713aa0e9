-- The kinds of torture, for tools/torture and tools/test: of each a name, what
-- it is, how many of what it does when not told otherwise, the seconds that one
-- of them may take, and its script's arguments behind the count and the seed.

local kinds = {
	{ name = "kill", count = 300, of = "rounds", seconds = 3,
		about = "kill -9 of any process of `run` and `serve`",
		script = "spec/torture/torture.lua" },
	{ name = "fleet", count = 40, of = "rounds", seconds = 6,
		about = "the same among 20 sensors under `serve`",
		script = "spec/torture/torture.lua", more = { "20" } },
	{ name = "power", count = 200, of = "images", seconds = 3,
		about = "cuts of power: what the disk may hold then",
		script = "spec/torture/power.lua" },
	{ name = "edits", count = 500, of = "edits", seconds = 4,
		about = "edits of running sensors, good and broken, under kills",
		script = "spec/torture/edits.lua" },
}

-- The command of a kind, for process.start, with the time it may take.
function kinds.command(kind, count, seed, slowness)
	local command = { "luajit", kind.script, tostring(count), tostring(seed),
		unpack(kind.more or {}) }
	command.timeout = (120 + count * kind.seconds) * (slowness or 1)
	return command
end

return kinds
