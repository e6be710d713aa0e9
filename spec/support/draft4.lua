-- The official draft-4 suite: where it is, what of it we leave out, and its
-- remote documents. Both evaluators run it.

local lfs = require("lfs")
local M = {}

-- A float without a fraction is an integer here, since Lua numbers and JSON
-- texts say the same for both: contrary to this optional test.
M.deviations = {
	["zeroTerminatedFloats.json"] = { ["a float is not an integer even "
		.. "without fractional part"] = true },
}

-- Older copies of the suite hold a test of one Unicode rule that depends on
-- the version of the data; none is skipped but those above.
local roots = {
	{ name = "corpus", tests = "../shared/corpus/json-schema/draft4",
		remotes = "../shared/corpus/json-schema/remotes" },
	{ name = "Debian", tests = "/usr/share/json-schema-test-suite/tests/draft4",
		remotes = "/usr/share/json-schema-test-suite/remotes" },
}

local function files(folder, suffix, found, below)
	if lfs.attributes(folder, "mode") ~= "directory" then
		return found
	end
	local names = {}
	for name in lfs.dir(folder) do
		if name:sub(1, 1) ~= "." then
			table.insert(names, name)
		end
	end
	table.sort(names)
	for _, name in ipairs(names) do
		local path = folder .. "/" .. name
		if lfs.attributes(path, "mode") == "directory" then
			files(path, suffix, found, below .. name .. "/")
		elseif name:sub(-#suffix) == suffix then
			table.insert(found, { path = path, name = name,
				address = below .. name, below = below })
		end
	end
	return found
end

function M.read(path)
	local file = assert(io.open(path, "rb"))
	local text = file:read("*a")
	file:close()
	return text
end

-- Each copy of the suite that is here: {name, tests = files, remotes = files}
function M.suites()
	local found = {}
	for _, root in ipairs(roots) do
		if lfs.attributes(root.tests, "mode") == "directory" then
			table.insert(found, { name = root.name,
				tests = files(root.tests, ".json", {}, ""),
				remotes = files(root.remotes, ".json", {}, "") })
		else
			print("skipped: no draft-4 suite in " .. root.tests)
		end
	end
	return found
end

return M
