local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local pack = require("spec.support.pack")
local lib = pack.lib

cdef([[
int units_size_parse(const char *text, uint64_t *bytes, struct err *e);
int units_duration_parse(const char *text, int64_t *us, struct err *e);
char *units_size_print(uint64_t bytes, char text[32]);
char *units_duration_print(int64_t us, char text[32]);
]])

local function size(text)
	local n, e = ffi.new("uint64_t[1]"), ffi.new("struct err")
	if lib.units_size_parse(text, n, e) < 0 then
		return nil, ffi.string(e.text)
	end
	return tonumber(n[0])
end

local function duration(text)
	local n, e = ffi.new("int64_t[1]"), ffi.new("struct err")
	if lib.units_duration_parse(text, n, e) < 0 then
		return nil, ffi.string(e.text)
	end
	return tonumber(n[0])
end

describe("units", function()
	it("reads and prints sizes", function()
		for text, bytes in pairs({ ["0"] = 0, ["64M"] = 64 * 2 ^ 20,
			["1.5K"] = 1536, ["10G"] = 10 * 2 ^ 30, ["17"] = 17 }) do
			assert.equal(bytes, size(text))
			local printed = ffi.string(lib.units_size_print(bytes,
				ffi.new("char[32]")))
			assert.equal(bytes, size(printed))
		end
		assert.equal("64M", ffi.string(lib.units_size_print(2 ^ 26,
			ffi.new("char[32]"))))
	end)

	it("reads and prints durations", function()
		for text, us in pairs({ ["10"] = 1e7, ["10s"] = 1e7, ["0"] = 0,
			["1.5h"] = 5.4e9, ["7d"] = 6.048e11, ["20ms"] = 2e4,
			["2m"] = 1.2e8 }) do
			assert.equal(us, duration(text))
			assert.equal(us, duration(ffi.string(
				lib.units_duration_print(us, ffi.new("char[32]")))))
		end
		assert.equal("7d", ffi.string(lib.units_duration_print(6.048e11,
			ffi.new("char[32]"))))
	end)

	it("refuses anything else", function()
		for _, text in ipairs({ "", "-1", "M", "1 M", "1m", "1KB", "0x10",
			"1e3", "1.", ".5", "99999999999999999", "9999999999G",
			"nan", "1.5.2" }) do
			local n, e = size(text)
			assert.is_nil(n, text)
			assert.truthy(e:find("such as 64M", 1, true))
		end
		for _, text in ipairs({ "", "-1s", "1 s", "1M", "s", "1w" }) do
			assert.is_nil((duration(text)), text)
		end
	end)
end)
