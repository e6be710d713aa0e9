local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
local unistd = require("posix.unistd")

cdef([[
const char *paths_lua_dir(void);
const char *paths_packs_dir(void);
const char *paths_self(void);
]])

describe("paths", function()
	it("falls back to the source tree that it was built from", function()
		local root = os.getenv("SENSORHOST_SPEC_ROOT") or unistd.getcwd()

		assert.equal(root .. "/lua", ffi.string(lib.paths_lua_dir()))
		assert.equal(root .. "/packs", ffi.string(lib.paths_packs_dir()))
	end)

	it("names the file of the running program", function()
		assert.equal(unistd.readlink("/proc/self/exe"),
			ffi.string(lib.paths_self()))
	end)
end)
