-- What crosses a worker's link, as Lua strings and tables: numbers packed,
-- messages read by a cursor, units of work taken apart.

local ffi = require("ffi")

local seam = {}

seam.TYPES = {
	REPLY = 1, HELLO = 2, LOAD = 3, START = 4, QUIET = 5, RESUME = 6,
	STOP = 7, TRIGGER = 8, SPAWN = 9, COMMIT = 10, PART = 11, KV_GET = 12, KV_LIST = 13,
	SEAL = 14, LOOKUP = 15, SOURCE = 16, STATE = 17, LOG = 18,
	LISTEN = 19, UNLISTEN = 20,
}
seam.AHEAD = 4 -- MSG_UNIT_AHEAD
seam.STATES = { [0] = "running", "polled", "finished", "rejected", "failed",
	"returned", "stopped", "once" }

local function packer(ctype)
	return function(value)
		return ffi.string(ffi.new(ctype .. "[1]", value), ffi.sizeof(ctype))
	end
end
seam.u8, seam.u16, seam.u32 = packer("uint8_t"), packer("uint16_t"), packer("uint32_t")
seam.u64, seam.i64 = packer("uint64_t"), packer("int64_t")
function seam.str(s)
	return seam.u32(#s) .. s
end

-- A cursor over bytes.
local Cursor = {}
Cursor.__index = Cursor
function seam.cursor(bytes)
	return setmetatable({ bytes = bytes, at = 0 }, Cursor)
end
function Cursor:number(ctype)
	local size = ffi.sizeof(ctype)
	local v = ffi.cast("const " .. ctype .. " *",
		ffi.cast("const char *", self.bytes) + self.at)[0]
	self.at = self.at + size
	assert(self.at <= #self.bytes, "a message is too short")
	return tonumber(v)
end
function Cursor:raw(n)
	local s = self.bytes:sub(self.at + 1, self.at + n)
	assert(#s == n, "a message is too short")
	self.at = self.at + n
	return s
end
function Cursor:u8() return self:number("uint8_t") end
function Cursor:u16() return self:number("uint16_t") end
function Cursor:u32() return self:number("uint32_t") end
function Cursor:i64() return self:number("int64_t") end
function Cursor:str() return self:raw(self:u32()) end
function Cursor:done() return self.at >= #self.bytes end

local OPS = {
	[0] = function(c)
		c:raw(3)
		return { op = "skip", c:raw(c:u32()) }
	end,
	function(c)
		c:u8()
		local trace_len, trigger, len = c:u16(), c:u32(), c:u32()
		return { op = "dispatch", trigger = trigger, trace = c:raw(trace_len),
			payload = c:raw(len) }
	end,
	function(c)
		local flags, key_len, len, ttl = c:u8(), c:u16(), c:u32(), c:i64()
		return { op = "set", sealed = flags == 1, ttl = ttl,
			key = c:raw(key_len), value = c:raw(len) }
	end,
	function(c)
		c:u8()
		return { op = "delete", key = c:raw(c:u16()) }
	end,
	function(c)
		local cut = c:u8()
		c:u16()
		c:u32()
		return { op = "dead", cut = cut == 1, id = c:raw(24), trigger = c:str(),
			kind = c:str(), path = c:str(), keyword = c:str(),
			message = c:str(), place = c:str(), payload = c:str() }
	end,
	function(c)
		c:raw(7)
		return { op = "polled", at = c:i64() }
	end,
}

-- The operations of a COMMIT, skips left out; `flags` beside.
function seam.parse_unit(body)
	local c = seam.cursor(body)
	local unit = { flags = c:u8() }
	while not c:done() do
		local op = OPS[c:u8()](c)
		if op.op ~= "skip" then
			unit[#unit + 1] = op
		end
	end
	return unit
end

return seam
