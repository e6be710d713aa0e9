local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
int64_t clock_mono_us(void);
char *clock_rfc3339(int64_t us, char text[32]);
]])

local function text_of(us)
	return ffi.string(lib.clock_rfc3339(us, ffi.new("char[32]")))
end

describe("clock", function()
	it("prints RFC 3339 in UTC with microseconds", function()
		assert.equal("1970-01-01T00:00:00.000000Z", text_of(0))
		assert.equal("2026-01-02T03:04:05.000006Z",
			text_of(1767323045000006LL))
		assert.equal("1969-12-31T23:59:59.999999Z", text_of(-1))
	end)

	it("clamps years that have no four digits", function()
		assert.equal("9999", text_of(9223372036854775807LL):sub(1, 4))
		assert.equal("0000", text_of(-9223372036854775807LL):sub(1, 4))
	end)

	it("never goes back on the monotonic clock", function()
		local last = lib.clock_mono_us()
		for _ = 1, 1000 do
			local now = lib.clock_mono_us()
			assert.is_true(now >= last)
			last = now
		end
	end)
end)
