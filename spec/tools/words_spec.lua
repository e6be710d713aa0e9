-- The tools' own command lines: what is wrong is said before the usage.
local process = require("spec.support.process")
local unistd = require("posix.unistd")

local root = os.getenv("SENSORHOST_SPEC_ROOT") or unistd.getcwd()

describe("a tool", function()
	for _, case in ipairs({
		{ "torture", { "--only", "kil" }, 'no kind "kil"' },
		{ "torture", { "--sed", "1" }, 'no option "--sed"' },
		{ "torture", { "--kill", "x" }, '--kill wants a number, not "x"' },
		{ "torture", { "--build", "dev" }, 'no build "dev"' },
		{ "fuzz", { "--secnods", "1" }, 'no option "--secnods"' },
		{ "fuzz", { "--seconds" }, '--seconds wants a number, not ""' },
		{ "fuzz", { "fraem" }, 'no target "fraem"' },
		{ "bench", { "--round", "1" }, 'no option "--round"' },
		{ "bench", { "--rounds", "x" }, '--rounds wants a number, not "x"' },
		{ "bench", { "comit" }, 'no row "comit"' },
	}) do
		local name, words, said = unpack(case)
		it("says what it does not know: " .. said, function()
			local r = process.run({ "luajit", "tools/" .. name .. ".lua",
				cwd = root, unpack(words) })
			assert.same({ 2, "" }, { r.code, r.stdout })
			assert.equal(1, r.stderr:find("tools/" .. name .. ": " .. said
				.. "\nusage: tools/" .. name, 1, true), r.stderr)
		end)
	end
end)
