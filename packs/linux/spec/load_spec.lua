local cjson = require("cjson")
local host = require("spec.support.host")
local PACKS = require("posix.unistd").getcwd() .. "/packs"

describe("linux.LoadSensor", function()
	it("reads the machine it runs on", host.with(function(h)
		local result = h:run("run", "linux.LoadSensor", "--packs", PACKS,
			"--once")
		assert.equal(0, result.code, result.stderr)
		local instance = cjson.decode(result.stdout)
		assert.equal("linux.load", instance.trigger)
		local payload = instance.payload
		assert.is_true(payload.load.one >= 0)
		assert.is_true(payload.load.tasks >= payload.load.running)
		assert.is_true(payload.memory.total > payload.memory.free)
		for _, resource in pairs(payload.pressure) do
			assert.is_number(resource.some.avg10)
		end
	end))

	it("does without what the kernel does not say", host.with(function(h)
		local function copy(name)
			local file = assert(io.open("packs/linux/sensors/" .. name))
			local text = file:read("*a")
			file:close()
			return text
		end
		h:write("proc/loadavg", "0.50 1.25 2.00 3/400 12345\n")
		h:write("proc/meminfo", "MemTotal:       1000 kB\nMemFree: 10 kB\n"
			.. "HugePages_Total:       7\n")
		h:write_pack("linux", {
			["pack.yaml"] = "name: linux\nversion: 1.0.0\n",
			["sensors/load_sensor.yaml"] = copy("load_sensor.yaml"),
			["sensors/load_sensor.lua"] = (copy("load_sensor.lua")
				:gsub('"/proc"', ("%q"):format(h.dir .. "/proc"))),
		})
		local result = h:run("run", "linux.LoadSensor", "--once")
		assert.equal(0, result.code, result.stderr)
		assert.same({
			load = { one = 0.5, five = 1.25, fifteen = 2, running = 3,
				tasks = 400 },
			memory = { total = 1024000, free = 10240 },
			pressure = {},
		}, cjson.decode(result.stdout).payload)

		h:write("proc/loadavg", "nonsense\n")
		result = h:run("run", "linux.LoadSensor", "--once")
		assert.equal(1, result.code)
		assert.truthy(result.stderr:find("not understood", 1, true))
		assert.equal(1, #h:journal())
	end))
end)
