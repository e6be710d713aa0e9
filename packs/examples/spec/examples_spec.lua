local cjson = require("cjson")
local host = require("spec.support.host")
local PACKS = require("posix.unistd").getcwd() .. "/packs"

-- Runs a sensor for one poll, or until it has dispatched one instance.
local function one(h, ref, ...)
	local result = h:run("run", ref, "--packs", PACKS, ...)
	assert.equal(0, result.code, result.stderr)
	return cjson.decode((result.stdout:match("^[^\n]+")))
end

describe("examples", function()
	it("SampleSensor dispatches the time", host.with(function(h)
		local instance = one(h, "examples.SampleSensor", "--count", "1")
		assert.equal("examples.event", instance.trigger)
		assert.truthy(instance.payload.executed_at:match(
			"^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d"))
	end))

	it("SamplePollingSensor dispatches one a poll", host.with(function(h)
		local instance = one(h, "examples.SamplePollingSensor", "--once")
		assert.equal("examples.polling_event", instance.trigger)
		assert.equal(1, #h:journal())
	end))

	it("FibonacciSensor walks on where it was", host.with(function(h)
		local expected = { 1, 1, 2, 3, 5, 8 }
		for count, fibonacci in ipairs(expected) do
			assert.same({ count = count, fibonacci = fibonacci },
				one(h, "examples.FibonacciSensor", "--once").payload)
		end
	end))

	it("FibonacciSensor begins anew past 10,000", host.with(function(h)
		for _ = 1, 20 do
			one(h, "examples.FibonacciSensor", "--once")
		end
		assert.same({ count = 1, fibonacci = 1 },
			one(h, "examples.FibonacciSensor", "--once").payload)
		assert.equal(6765, h:journal()[20].payload.fibonacci)
	end))
end)
