-- Sensors that are edited while they run, well and badly, under accidents;
-- tools/torture does more of it.

local edits = require("spec.torture.edits")
local host = require("spec.support.host")
local process = require("spec.support.process")

-- Fewer where each takes longer.
local EDITS = process.slowness > 1 and 10 or 25

describe("edits of running sensors", function()
	it("lose nothing, and nothing that runs", host.with(function(h)
		edits.run(h, EDITS, os.time() % 100000)
	end))
end)
