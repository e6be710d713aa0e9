local host = require("spec.support.host")
local PACKS = require("posix.unistd").getcwd() .. "/packs"

describe("hello_st2.HelloSensor", function()
	it("says hello at once and counts on over restarts", host.with(function(h)
		h:write("configs/hello_st2.yaml", "interval: 0.05\ngreeting: Hi\n")
		h:write("host.yaml", "configs_dir: configs\n")
		local first = h:start("run", "hello_st2.HelloSensor", "--packs",
			PACKS, "--config", h.dir .. "/host.yaml")
		local instance = first:json()
		assert.equal("hello_st2.event1", instance.trigger)
		assert.same({ greeting = "Hi", count = 1 }, instance.payload)
		for count = 2, 4 do
			assert.equal(count, first:json().payload.count)
		end
		first:signal("KILL")
		first:wait()

		local seen = h:journal()
		local second = h:start("run", "hello_st2.HelloSensor", "--packs",
			PACKS, "--config", h.dir .. "/host.yaml")
		assert.equal(#seen + 1, second:json().payload.count)
		second:signal("TERM")
		assert.same({ "exited", 0 }, { second:wait() })
		for i, record in ipairs(h:journal()) do
			assert.equal(i, record.payload.count)
		end
	end))

	it("needs no configuration", host.with(function(h)
		local result = h:run("run", "hello_st2.HelloSensor", "--packs", PACKS,
			"--count", "1")
		assert.equal(0, result.code)
		assert.truthy(result.stdout:find('"greeting":"Yo, sensorhost!"', 1,
			true))
	end))
end)
