-- The manual page names every command and every option that --help does.
local files = require("spec.support.files")
local host = require("spec.support.host")

describe("sensorhost(1)", function()
	local page = files.read("tools/man/sensorhost.1")

	it("knows every command and its options", host.with(function(h)
		local help, commands = h:run("--help").stdout, 0

		for name in help:gmatch("\n  (%l[%l ]-)  ") do
			local words = {}
			for word in name:gmatch("%S+") do
				words[#words + 1] = word
			end
			words[#words + 1] = "--help"
			commands = commands + 1
			assert.is_truthy(page:find(".Cm " .. name, 1, true), name)
			for option in h:run(unpack(words)).stdout:gmatch(
			    "\n[ -%w,]-%-%-([%w-]+)") do
				assert.is_truthy(page:find("Fl -" .. option, 1, true)
					or page:find(", -" .. option, 1, true),
					name .. " --" .. option)
			end
		end
		assert.is_true(commands >= 6)
	end))
end)
