-- Bindings of worker/ in the state that runs the specs: each _open function
-- of the shared object is a Lua C function.
--
--	local json = require("spec.support.bind").open("bind_json_open")

local lib = os.getenv("SENSORHOST_SPEC_LIB")
	or "./build/libsensorhost_spec.so"
local M = {}

function M.open(name)
	local open, why = package.loadlib(lib, name)
	if not open then
		error(("%s: %s"):format(lib, why))
	end
	return open()
end

return M
