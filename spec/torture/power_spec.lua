-- A cut of power at any instant: what was acknowledged is there, once and in
-- order, whatever the disk kept of the rest. tools/torture does more of it.

local host = require("spec.support.host")
local power = require("spec.torture.power_cuts")

local IMAGES = 4

-- fn(record) of a workload, recorded.
local function recorded(workload, options, fn)
	return host.with(function(h)
		math.randomseed(os.time())
		fn(power.record(workload, h, options))
	end)
end

-- Cuts of a recording lead to no fault; the image of one that does, and the log
-- that it was made from, are kept.
local function holds(record, images, first_starts)
	local seed = os.time() % 100000
	local fault, image = power.cut(record, images, seed, first_starts)
	if fault then
		local kept = ("build/test-logs/power-%s-%d"):format(
			record.workload.name, seed)
		os.execute(("mkdir -p '%s' && cp -r --sparse=always '%s' '%s/log' "
			.. "'%s'"):format(kept, image, record.host.dir, kept))
		error(fault .. "; kept in " .. kept)
	end
end

describe("a cut of power", function()
	for _, workload in ipairs(power.workloads) do
		it("loses nothing that was acknowledged: " .. workload.name,
			recorded(workload, nil, function(record)
			holds(record, IMAGES)
			assert.is_nil(power.missed(record))
		end))
	end

	it("within the very first start lets it start afresh",
		recorded(power.workloads[1], { starts = 1 }, function(record)
		holds(record, 10, 1)
	end))
end)

describe("the look at what is left", function()
	for how, what in pairs({ data = "a sync that does nothing",
		meta = "a commit that is acknowledged before it is on the disk" }) do
		it("finds " .. what, recorded(power.workloads[1],
			{ lies = how, starts = 1 }, function(record)
			assert.is_string(power.cut(record, 40, 1))
			assert.is_nil(power.missed(record))
		end))
	end
end)
