-- luajit spec/torture/power.lua [IMAGES [SEED]], from the project's root: cuts
-- the power at so many random instants of each of a few workloads and looks
-- at what is left (power_cuts.lua). Exits 1 at the first fault, and keeps the
-- image, and the log that it was made from.

package.path = "./?.lua;" .. package.path
require("spec.support.helper")
local host = require("spec.support.host")
local power = require("spec.torture.power_cuts")
local process = require("spec.support.process")

local IMAGES = tonumber(arg[1] or 200)
local SEED = tonumber(arg[2] or os.time())

local began, notes = process.now(), 0
local each = math.ceil(IMAGES / #power.workloads)
for i, workload in ipairs(power.workloads) do
	local h = host.new(os.getenv("TMPDIR"))
	math.randomseed(SEED + i)
	local ok, fault = pcall(function()
		local record = power.record(workload, h)
		notes = notes + #record.notes
		return power.cut(record, each, SEED + i, power.FIRST_STARTS)
			or power.missed(record)
	end)
	if fault then
		print("power: " .. (ok and "" or "broken off: ") .. fault)
		print("all of it is kept: " .. h.dir)
		os.exit(1)
	end
	h:close()
end
print(string.format("%d images of %d workloads, %d notes, seed %d: all that "
	.. "was acknowledged, once and in order; %.0f s", each * #power.workloads,
	#power.workloads, notes, SEED, process.now() - began))
