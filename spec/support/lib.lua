-- The C rooms, all in one shared object, for specs that call them through
-- LuaJIT's FFI. The caller declares what it uses with
-- spec.support.cdef.
--
--	local ffi = require("ffi")
--	local lib = require("spec.support.lib")

local ffi = require("ffi")

return ffi.load(os.getenv("SENSORHOST_SPEC_LIB")
	or "./build/libsensorhost_spec.so")
