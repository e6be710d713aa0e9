-- Frames and bodies: what one end writes is what the other reads, and nothing
-- that a hostile worker writes is taken for a message.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
require("spec.support.wire")

cdef([[
int frame_decode(const uint8_t *, size_t, struct frame *, size_t *);
struct wire_cursor { const uint8_t *at; const uint8_t *end; bool bad; };
void msg_begin(struct wire_cursor *, const void *, size_t);
uint8_t msg_get_u8(struct wire_cursor *);
uint16_t msg_get_u16(struct wire_cursor *);
uint32_t msg_get_u32(struct wire_cursor *);
uint64_t msg_get_u64(struct wire_cursor *);
int64_t msg_get_i64(struct wire_cursor *);
const uint8_t *msg_get_bytes(struct wire_cursor *, size_t *);
char *msg_get_text(struct wire_cursor *);
bool msg_end(const struct wire_cursor *);
void msg_put_u8(struct buf *, uint8_t);
void msg_put_u16(struct buf *, uint16_t);
void msg_put_u32(struct buf *, uint32_t);
void msg_put_i64(struct buf *, int64_t);
void msg_put_str(struct buf *, const char *);
void msg_put_bytes(struct buf *, const void *, size_t);
void msg_put_error(struct buf *, const char *, const char *, ...);
const char *msg_name(unsigned);
]])

local OK, PARTIAL, BAD = 0, 1, 2
local HEADER, BODY = 12, 1024 * 1024

local function buffer()
	return ffi.gc(ffi.new("struct buf"), function(b)
		ffi.C.free(b.data)
	end)
end

local function decode(data, len)
	local f = ffi.new("struct frame")
	local used = ffi.new("size_t[1]")
	local result = lib.frame_decode(data, len, f, used)
	return result, f, tonumber(used[0])
end

describe("frame_decode", function()
	it("reads back what frame_put wrote", function()
		local b = buffer()
		lib.frame_put(b, 7, 0, 42, "hello", 5)
		local result, f, used = decode(b.data, b.len)
		assert.equal(OK, result)
		assert.equal(HEADER + 5, used)
		assert.equal(7, f.type)
		assert.equal(42, f.id)
		assert.equal(0, f.flags)
		assert.equal("hello", ffi.string(f.body, f.len))
	end)

	it("wants more for every cut of a frame", function()
		local b = buffer()
		lib.frame_put(b, 7, 0, 42, "hello", 5)
		for n = 0, tonumber(b.len) - 1 do
			assert.equal(PARTIAL, (decode(b.data, n)))
		end
	end)

	it("splits a large body into frames that say there is more", function()
		local b = buffer()
		local body = ("x"):rep(BODY + 10)
		lib.frame_put(b, 3, 0, 9, body, #body)
		local result, f, used = decode(b.data, b.len)
		assert.equal(OK, result)
		assert.equal(1, f.flags)
		assert.equal(BODY, f.len)
		result, f = decode(b.data + used, b.len - used)
		assert.equal(OK, result)
		assert.equal(0, f.flags)
		assert.equal(10, f.len)
	end)

	it("refuses a body over the limit, without waiting for it", function()
		local p = ffi.new("uint8_t[12]", { 1, 0, 16, 0, 3 })
		assert.equal(BAD, (decode(p, 12)))
	end)

	it("refuses unknown flags, slots, and an empty part", function()
		assert.equal(BAD, (decode(ffi.new("uint8_t[12]",
			{ 0, 0, 0, 0, 3, 2 }), 12)))
		assert.equal(BAD, (decode(ffi.new("uint8_t[12]",
			{ 0, 0, 0, 0, 3, 0, 1 }), 12)))
		assert.equal(BAD, (decode(ffi.new("uint8_t[12]",
			{ 0, 0, 0, 0, 3, 1 }), 12)))
	end)
end)

describe("a body", function()
	local function cursor(data, len)
		local c = ffi.new("struct wire_cursor")
		lib.msg_begin(c, data, len)
		return c
	end

	it("comes back field by field", function()
		local b = buffer()
		lib.msg_put_u8(b, 200)
		lib.msg_put_u16(b, 60000)
		lib.msg_put_u32(b, 4000000000)
		lib.msg_put_i64(b, -5)
		lib.msg_put_str(b, "text")
		lib.msg_put_bytes(b, "a\0b", 3)
		local c = cursor(b.data, b.len)
		assert.equal(200, lib.msg_get_u8(c))
		assert.equal(60000, lib.msg_get_u16(c))
		assert.equal(4000000000, lib.msg_get_u32(c))
		assert.equal(-5, tonumber(lib.msg_get_i64(c)))
		local text = lib.msg_get_text(c)
		assert.equal("text", ffi.string(text))
		ffi.C.free(text)
		local len = ffi.new("size_t[1]")
		local p = lib.msg_get_bytes(c, len)
		assert.equal("a\0b", ffi.string(p, len[0]))
		assert.is_true(lib.msg_end(c))
	end)

	it("is bad when something is left over", function()
		local b = buffer()
		lib.msg_put_u16(b, 1)
		local c = cursor(b.data, b.len)
		lib.msg_get_u8(c)
		assert.is_false(lib.msg_end(c))
	end)

	it("stays bad after one field too many", function()
		local b = buffer()
		lib.msg_put_u16(b, 257)
		local c = cursor(b.data, b.len)
		assert.equal(0, tonumber(lib.msg_get_u64(c)))
		assert.equal(0, lib.msg_get_u8(c))
		assert.is_false(lib.msg_end(c))
	end)

	it("does not believe a length", function()
		local b = buffer()
		lib.msg_put_u32(b, 0xffffffff)
		local c = cursor(b.data, b.len)
		local len = ffi.new("size_t[1]", 9)
		lib.msg_get_bytes(c, len)
		assert.equal(0, tonumber(len[0]))
		assert.is_true(c.bad)
	end)

	it("refuses a text with a NUL", function()
		local b = buffer()
		lib.msg_put_bytes(b, "a\0b", 3)
		local c = cursor(b.data, b.len)
		local text = lib.msg_get_text(c)
		assert.equal("", ffi.string(text))
		ffi.C.free(text)
		assert.is_true(c.bad)
	end)

	it("names its type", function()
		assert.equal("HELLO", ffi.string(lib.msg_name(2)))
		assert.equal("unknown", ffi.string(lib.msg_name(250)))
	end)
end)
