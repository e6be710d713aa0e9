-- What the specs of src/wire share: buffers and messages as bytes, through
-- the FFI.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")

cdef([[
struct frame { uint8_t type; uint8_t flags; uint16_t slot; uint32_t id;
	uint32_t len; const uint8_t *body; };
void frame_put(struct buf *out, uint8_t type, uint16_t slot, uint32_t id,
    const void *body, size_t len);
]])

local wire = { HEADER = 12, BODY = 1024 * 1024 }

-- The bytes that fill(buf) writes.
function wire.bytes(fill)
	local b = ffi.new("struct buf")
	fill(b)
	local text = ffi.string(b.data, b.len)
	lib.buf_release(b)
	return text
end

-- The bytes of a message.
function wire.message(type, id, body)
	return wire.bytes(function(b)
		lib.frame_put(b, type, 0, id, body, #body)
	end)
end

return wire
