-- Sensors that are edited while they run, well and badly, under accidents;
-- tools/torture does more of it.

local edits = require("spec.torture.edits")
local host = require("spec.support.host")

describe("edits of running sensors", function()
	-- Until the state machine holds under all of them.
	pending("lose nothing, and nothing that runs", host.with(function(h)
		edits.run(h, 25, os.time())
	end))
end)
