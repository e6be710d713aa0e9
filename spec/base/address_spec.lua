-- Addresses by number, and the ranges that sensor_listen is made of.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
struct address {
	union { uint32_t align; char bytes[110]; } to;
	uint32_t len;
	char text[118];
};
int address_parse(struct address *a, const char *host, uint16_t port,
    struct err *e);
bool address_in(const struct address *a, const char *range);
bool address_is_range(const char *range);
]])

local function parse(host, port)
	local a, e = ffi.new("struct address"), ffi.new("struct err")
	if lib.address_parse(a, host, port or 0, e) ~= 0 then
		return nil, ffi.string(e.text)
	end
	return a
end

local function spelled(host, port)
	local a, why = parse(host, port)
	return a and ffi.string(a.text) or why
end

describe("an address", function()
	it("has one spelling", function()
		assert.equal("127.0.0.1:80", spelled("127.0.0.1", 80))
		assert.equal("127.0.0.1:0", spelled("localhost"))
		assert.equal("[::1]:65535", spelled("::1", 65535))
		assert.equal("[::1]:7", spelled("[0:0::0:1]", 7))
		assert.equal("unix:/run/x", spelled("unix:/run/x", 9))
	end)

	it("is numeric, or refused", function()
		for _, host in ipairs({ "example.org", "", "127.1", "[127.0.0.1]",
			"1.2.3.4.5", "[::1", ("1"):rep(500), "::1%eth0" }) do
			assert.truthy(spelled(host):find("is no numeric address", 1,
				true), host)
		end
		assert.truthy(spelled("unix:x"):find("must be absolute", 1, true))
		assert.truthy(spelled("unix:/"):find("must be absolute", 1, true))
		assert.truthy(spelled("unix:/" .. ("x"):rep(107)):find(
			"has 108 bytes, the system takes 107", 1, true))
		assert.truthy(parse("unix:/" .. ("x"):rep(106)))
	end)

	it("lies in a range, or does not", function()
		local function is_in(host, port, range)
			return lib.address_in(assert(parse(host, port)), range)
		end
		assert.is_true(is_in("127.0.0.1", 1024, "127.0.0.1:1024-65535"))
		assert.is_false(is_in("127.0.0.1", 1023, "127.0.0.1:1024-65535"))
		assert.is_true(is_in("127.0.0.1", 514, "localhost:514"))
		assert.is_false(is_in("127.0.0.2", 514, "localhost:514"))
		assert.is_true(is_in("::1", 2000, "[::1]:1024-65535"))
		assert.is_false(is_in("::1", 2000, "127.0.0.1:1024-65535"))
		assert.is_false(is_in("0.0.0.0", 2000, "127.0.0.1:1024-65535"))
		assert.is_true(is_in("10.1.2.3", 2000, "0.0.0.0:2000"))
		assert.is_false(is_in("::", 2000, "0.0.0.0:2000"))
		assert.is_true(is_in("::2", 2000, "[::]:2000"))
		assert.is_true(is_in("::2", 2000, "*:1-2000"))
		assert.is_false(is_in("::2", 2001, "*:1-2000"))
		assert.is_true(is_in("unix:/run/a/x", 0, "unix:/run/a/"))
		assert.is_true(is_in("unix:/run/a/x", 0, "unix:/run/a/x"))
		for _, range in ipairs({ "unix:/run/", "unix:/run/a", "unix:/",
			"unix:/run/a/x/", "unix:", "*:0-65535", "unix:run/a/" }) do
			assert.is_false(is_in("unix:/run/a/x", 0, range), range)
		end
		assert.is_false(is_in("unix:/run/a/../x", 0, "unix:/run/a/"))
		assert.is_false(is_in("unix:/run/a/..", 0, "unix:/run/a/"))
	end)

	it("is not in what is no range", function()
		for _, range in ipairs({ "", ":", "127.0.0.1", "127.0.0.1:",
			"127.0.0.1:x", "127.0.0.1:1-", "127.0.0.1:2-1", ":80",
			"127.0.0.1:65536", "127.0.0.1:1-65536", "127.0.0.1:1-2x",
			"host:80", "::1:80", "unix:x", "127.0.0.1:-80" }) do
			assert.is_false(lib.address_is_range(range), range)
			assert.is_false(lib.address_in(assert(parse("127.0.0.1", 80)),
				range), range)
		end
		for _, range in ipairs({ "*:0-65535", "127.0.0.1:80", "[::]:1-2",
			"localhost:9000", "unix:/run/", "unix:/run/x" }) do
			assert.is_true(lib.address_is_range(range), range)
		end
	end)
end)
