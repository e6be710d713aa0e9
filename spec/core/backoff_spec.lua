-- How long a sensor that failed waits: doubling, with jitter, for ever, and
-- anew after a good minute.

local ffi = require("ffi")
local cdef = require("spec.support.cdef")
local lib = require("spec.support.lib")
local process = require("spec.support.process")

cdef([[
struct backoff {
	unsigned failures;
	int64_t failing_since, running_since, delay_us, next_start;
};
int64_t backoff_us(struct backoff *b, double poll_interval);
]])

-- The delay of so many failures in a row, in seconds.
local function delay(b, interval)
	return tonumber(lib.backoff_us(b, interval or 0)) / 1e6
end

describe("the backoff of a sensor", function()
	it("doubles to a minute, and goes on for ever", function()
		local b = ffi.new("struct backoff")
		local least = 1
		for n = 1, 200 do
			local s = delay(b)
			assert.is_true(s >= least and s <= least * 1.1 + 0.001,
				("%d: %g"):format(n, s))
			assert.equal(n, b.failures)
			least = math.min(60, least * 2)
		end
	end)

	it("goes on to the poll interval where that is longer", function()
		local b = ffi.new("struct backoff", { failures = 100 })
		local s = delay(b, 3600)
		assert.is_true(s >= 3600 and s <= 3960.001, s)
		b.failures = 1
		assert.is_true(delay(b, 3600) < 2.3)
		-- the longest that metadata may say: ten years
		b.failures = 4e9
		assert.is_true(delay(b, 315576000) >= 315576000)
	end)

	it("has jitter", function()
		local seen, count = {}, 0
		for _ = 1, 100 do
			local s = delay(ffi.new("struct backoff", { failures = 9 }))
			if not seen[s] then
				seen[s], count = true, count + 1
			end
		end
		assert.is_true(count > 50, count)
	end)

	it("begins anew after a good minute, not before", function()
		local now = process.now() * 1e6
		local b = ffi.new("struct backoff", { failures = 7,
			failing_since = 5, running_since = now - 50e6 })
		delay(b)
		assert.equal(8, b.failures)
		assert.equal(5, tonumber(b.failing_since))
		b.running_since = now - 61e6
		assert.is_true(delay(b) < 1.2)
		assert.equal(1, b.failures)
		assert.is_true(tonumber(b.failing_since) > 1e15)
		-- the time it ran counts once
		assert.equal(0, tonumber(b.running_since))
	end)
end)
