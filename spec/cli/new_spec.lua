-- `sensorhost new`: what it makes checks and runs as it stands.
local host = require("spec.support.host")

local function new(h, ...)
	return h:run("new", ...)
end

local function packs_of(h)
	return "--packs", h.packs
end

describe("sensorhost new", function()
	it("makes a pack and sensors that check and run", host.with(function(h)
		local made = new(h, "pack", "weather", packs_of(h))
		assert.equal(0, made.code, made.stderr)
		assert.truthy(made.stdout:find(h.packs .. "/weather/pack.yaml\n", 1,
			true))
		for class, kind in pairs({ StationSensor = "--polling",
			HTTPClock = "--passive" }) do
			made = new(h, "sensor", "weather." .. class, kind, packs_of(h))
			assert.equal(0, made.code, made.stderr)
		end
		assert.truthy(h:read("packs/weather/sensors/station_sensor.lua")
			:find("function StationSensor:poll()", 1, true))
		assert.truthy(h:read("packs/weather/sensors/http_clock.lua")
			:find("function HTTPClock:run()", 1, true))

		local checked = h:run("check", "weather")
		assert.equal("2 sensors checked, 2 loaded: 0 errors, 0 warnings\n",
			checked.stdout)
		assert.equal(0, checked.code)
		assert.equal(0, h:run("run", "weather.StationSensor", "--once").code)
		assert.equal(0, h:run("run", "weather.StationSensor", "--once").code)
		assert.equal(0, h:run("run", "weather.HTTPClock", "--count", "1").code)
		local journal = h:journal()
		assert.equal("weather.station_event", journal[1].trigger)
		assert.equal(1, journal[1].payload.id)
		assert.equal(2, journal[2].payload.id)
		assert.equal("weather.http_clock_event", journal[3].trigger)
		assert.equal(1, journal[3].payload.count)
	end))

	it("uses ./packs where nothing is configured", function()
		local process = require("spec.support.process")
		local h = host.new()
		local program = host.program:match("^/") and host.program
			or os.getenv("PWD") .. "/" .. host.program
		local result = process.run({ program, "new", "pack", "mine",
			cwd = h.dir })
		assert.equal("packs/mine/pack.yaml\npacks/mine/config.schema.yaml\n"
			.. "next: sensorhost new sensor mine.CLASS --polling\n",
			result.stdout)
		assert.equal(0, result.code)
		h:close()
	end)

	it("writes over nothing", host.with(function(h)
		new(h, "pack", "weather", packs_of(h))
		local again = new(h, "pack", "weather", packs_of(h))
		assert.equal(1, again.code)
		assert.equal('sensorhost: "' .. h.packs
			.. '/weather" is there already\n', again.stderr)

		h:write_pack("weather", {
			["sensors/other.yaml"] = "class_name: StationSensor\n"
				.. "entry_point: other.lua\n",
			["sensors/clock.lua"] = "mine",
		})
		again = new(h, "sensor", "weather.StationSensor", "--polling",
			packs_of(h))
		assert.equal(1, again.code)
		assert.truthy(again.stderr:find('the sensor "weather.StationSensor" '
			.. "is there already, in \"" .. h.packs
			.. '/weather/sensors/other.yaml"', 1, true), again.stderr)
		again = new(h, "sensor", "weather.Clock", "--passive", packs_of(h))
		assert.equal(1, again.code)
		assert.truthy(again.stderr:find('clock.lua" is there already', 1,
			true), again.stderr)
		assert.equal("mine", h:read("packs/weather/sensors/clock.lua"))
		assert.is_nil(h:read("packs/weather/sensors/clock.yaml"))
	end))

	it("says what a name may be", host.with(function(h)
		local function refuses(code, expected, ...)
			local result = new(h, ...)
			assert.equal(code, result.code)
			assert.truthy(result.stderr:find(expected, 1, true),
				result.stderr)
		end
		refuses(1, 'such as "my_pack"', "pack", "My-Pack", packs_of(h))
		refuses(1, 'cannot be the name of a pack', "pack", "../evil",
			packs_of(h))
		refuses(1, "the host's own name", "pack", "core", packs_of(h))
		refuses(1, "too long", "pack", ("x"):rep(101), packs_of(h))
		refuses(2, "PACK.CLASS is wanted", "sensor", "Station", "--polling",
			packs_of(h))
		refuses(1, "a capital first", "sensor", "weather.station",
			"--polling", packs_of(h))
		refuses(1, "a capital first", "sensor", 'weather.A"..x', "--polling",
			packs_of(h))
		refuses(2, "--polling or --passive", "sensor", "weather.Station",
			packs_of(h))
		refuses(2, "--polling or --passive", "sensor", "weather.Station",
			"--polling", "--passive", packs_of(h))
		h:write_pack("weather", { ["pack.yaml"] = "name: weather\n" })
		refuses(1, 'did you mean "weather"?', "sensor", "wether.Station",
			"--polling", packs_of(h))
		refuses(1, "no pack", "sensor", "x/weather.Station", "--polling",
			packs_of(h))
	end))

	it("leaves nothing in a folder it cannot write", host.with(function(h)
		if require("posix.unistd").geteuid() == 0 then
			return
		end
		os.execute("chmod 500 " .. h.packs)
		local result = new(h, "pack", "weather", packs_of(h))
		assert.equal(1, result.code)
		assert.truthy(result.stderr:find("Permission denied", 1, true))
	end))
end)
