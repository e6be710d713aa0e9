-- The command line itself: words that are none, and help.

local host = require("spec.support.host")
local process = require("spec.support.process")

local function run(...)
	return process.run({ host.program, ... })
end

describe("sensorhost", function()
	it("suggests the command that was meant", function()
		for words, meant in pairs({
			rum = "run", chekc = "check", ["--verison"] = "--version",
			["key generat"] = "key generate", exprot = "export",
		}) do
			local first, second = words:match("^(%S+) ?(%S*)$")
			local r = run(first, second ~= "" and second or nil)
			assert.equal(2, r.code)
			assert.equal("", r.stdout)
			assert.truthy(r.stderr:find("^sensorhost: unknown"))
			assert.truthy(r.stderr:find('did you mean "' .. meant .. '"? see: ',
				1, true), r.stderr)
		end
		assert.matches('command "nonsense"; see: ', run("nonsense").stderr, 1,
			true)
		assert.matches('did you mean "--json"? see: ', run("status",
			"--jsno").stderr, 1, true)
		assert.matches('option "--zzzzzzzz"; see: ', run("status",
			"--zzzzzzzz").stderr, 1, true)
	end)

	it("says what is not there yet, and what there is instead", function()
		for words, today in pairs({
			["dead-letter get 66f"] = "`sensorhost export --dead-letters` prints",
			["dead-letter"] = "`sensorhost export --dead-letters` prints",
			["key set"] = "a sensor can: service:set_value",
			["key get"] = "`sensorhost export --datastore` prints",
			["tail --help"] = "`sensorhost export --follow` prints",
			["rule list"] = "see: sensorhost --help",
		}) do
			local list = {}
			for word in words:gmatch("%S+") do
				list[#list + 1] = word
			end
			local r = run(unpack(list))
			assert.equal(2, r.code)
			assert.equal("", r.stdout)
			assert.equal(1, r.stderr:find('sensorhost: "' .. list[1], 1, true))
			assert.matches('" is not in version %S+ yet; ', r.stderr)
			assert.truthy(r.stderr:find("yet; " .. today, 1, true), r.stderr)
		end
	end)

	it("lists the verbs of a noun", function()
		local r = run("key")
		assert.equal(2, r.code)
		assert.matches('^sensorhost: "key" needs a verb', r.stderr)
		assert.matches("key generate", r.stderr)
		r = run("key", "--help")
		assert.equal(0, r.code)
		assert.matches("key generate", r.stdout)
	end)

	it("has help for every command, and one for all", function()
		local r = run("--help")
		assert.equal(0, r.code)
		assert.equal(r.stdout, run("help").stdout)
		local n = 0
		for line in r.stdout:gmatch("\n  (%l[%l %-]-)  +%l") do
			local first, second = line:match("^(%S+) ?(%S*)$")
			local one = second ~= "" and run(first, second, "--help")
				or run(first, "--help")
			assert.equal(0, one.code, line)
			assert.matches("^usage: sensorhost " .. line:gsub("%-", "%%-"),
				one.stdout)
			n = n + 1
		end
		assert.is_true(n >= 6)
		assert.equal(2, run().code)
	end)
end)
