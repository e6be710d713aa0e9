-- What reading and checking a folder of packs costs: the catalog, all that
-- `sensorhost check` does but for loading sensors. Prints one line of JSON:
-- the median CPU seconds of a pass, how many packs and sensors, and how many
-- findings.
--
--	luajit tools/bench_packs.lua FOLDER [SECONDS]

package.path = "./?.lua;" .. package.path
local pack = require("spec.support.pack")
local lib = require("spec.support.lib")
local process = require("spec.support.process")

local folder, seconds = arg[1], tonumber(arg[2]) or 3
-- One pass: CPU seconds, and what was found.
local function pass()
	local began = os.clock()
	local catalog, keep = pack.catalog({ folder })
	local took = os.clock() - began
	assert(keep)
	return took, ('"packs":%d,"sensors":%d,"findings":%d'):format(
		tonumber(lib.catalog_pack_count(catalog)),
		tonumber(lib.catalog_sensor_count(catalog)),
		tonumber(lib.catalog_diags(catalog).count))
end

local took = {}
local said
local till = process.now() + seconds
repeat
	took[#took + 1], said = pass()
	collectgarbage()
until process.now() > till
table.sort(took)
print(('{"seconds":%.9f,"passes":%d,%s}'):format(took[math.ceil(#took / 2)],
	#took, said))
