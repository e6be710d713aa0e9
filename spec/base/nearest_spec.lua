local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
const char *nearest(const char *word, const char *const *names, size_t count);
]])

local function nearest(word, names)
	local list = ffi.new("const char *[?]", #names + 1)
	for i, name in ipairs(names) do
		list[i - 1] = name
	end
	local found = lib.nearest(word, list, #names)
	return found ~= nil and ffi.string(found) or nil
end

describe("the nearest name", function()
	local names = { "poll_interval", "trigger_types", "payload_schema",
		"timeout", "name", "url", "id" }

	it("is what was meant", function()
		for word, name in pairs({ pool_interval = "poll_interval",
			time_out = "timeout", payload_shcema = "payload_schema",
			["poll-interval"] = "poll_interval", Name = "name", nmae = "name",
			trigger_type = "trigger_types", ulr = "url" }) do
			assert.equal(name, nearest(word, names))
		end
	end)

	it("is none when nothing is near", function()
		for _, word in ipairs({ "", "colour", "x", "q", ("x"):rep(1000),
			"description" }) do
			assert.is_nil(nearest(word, names))
		end
		assert.is_nil(nearest("name", {}))
	end)
end)
