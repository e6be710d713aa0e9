-- A sensor at work: polls in time, quiet and resumed, watched by core.

local posix_time = require("posix.time")
local process = require("spec.support.process")
local worker = require("spec.support.worker")
local seam = require("spec.support.seam")

local POLLING = [[
	local P = require("sensorhost.polling_sensor")
	local time = require("sensorhost.time")
	local Checker = P:extend()
]]
local PASSIVE = [[
	local S = require("sensorhost.sensor")
	local time = require("sensorhost.time")
	local Checker = S:extend()
]]
local END = "\n return Checker"

local new = worker.new

local function start(source, spec, options)
	options = options or {}
	options.source = source .. END
	options.spec = spec
	return new(options):start()
end

after_each(worker.close_all)

-- How often a process has gone to sleep so far.
local function switches(pid)
	local file = assert(io.open("/proc/" .. pid .. "/status"))
	local text = file:read("*a")
	file:close()
	return tonumber(text:match("\nvoluntary_ctxt_switches:%s*(%d+)"))
end

describe("polls", function()
	it("come at a fixed rate, and skip the ticks they miss", function()
		local w = start(POLLING .. [[
			function Checker:init() self.n, self.t0 = 0, time.monotonic() end
			function Checker:poll()
				self.n = self.n + 1
				print(self.n, math.floor((time.monotonic() - self.t0) * 10 + 0.2))
				if self.n == 2 then time.sleep(0.25) end
				if self.n == 4 then self:finish() end
			end
		]], { poll_interval = 0.1 })
		assert(w:wait_state("finished"))
		local t = w:texts()
		-- On a busy machine each comes later, but none earlier.
		for n, tick in ipairs({ 0, 1, 4 }) do -- ticks 2 and 3 were missed
			local number, at = t[n]:match("^(%d+)\t(%d+)$")
			assert.equal(n, tonumber(number))
			assert.is_true(tonumber(at) >= tick, t[n])
		end
		local skipped = w:logged("longer than poll_interval 0.1 s: ").text
			:match("s: (%d+) ticks skipped; 0.%d")
		assert.is_true(tonumber(skipped) >= 2)
		assert.truthy(w:logged(" s of it in time.sleep (sensors/x.lua:"))
	end)

	it("that take too long are said again at a growing distance", function()
		local w = start(POLLING .. [[
			function Checker:init() self.n = 0 end
			function Checker:poll()
				self.n = self.n + 1
				if self.n % 3 > 0 then time.sleep(0.015) end
				if self.n == 60 then self:finish() end
			end
		]], { poll_interval = 0.01, limits = { memory = 64 * 1024 * 1024,
			slice = 10, unit = 8 * 1024 * 1024, reminder = 0.2 } })
		assert(w:wait_state("finished"))
		local counts, ticks, first = {}, {}, 0
		for _, line in ipairs(w.logs) do
			local text = line.text:match("longer than poll_interval.*")
			local count, missed = (text or ""):match("%((%d+) such polls since "
				.. "%d%d:%d%d, (%d+) ticks%); ")
			if count then
				counts[#counts + 1] = tonumber(count)
				ticks[#ticks + 1] = tonumber(missed)
			elseif text then
				first = first + 1
			end
		end
		-- Sometimes such a machine stands still for as long as ends a streak.
		assert.truthy(first >= 1 and first <= 3, first)
		assert.truthy(#counts >= 1 and #counts <= 8, #counts)
		assert.truthy(counts[1] > 1 and ticks[1] >= counts[1])
	end)

	it("run again where other tasks took their coroutine", function()
		local w = start(POLLING .. [[
			local spawn = require("sensorhost.spawn")
			function Checker:init() self.n = 0 end
			function Checker:poll(...)
				self.n = self.n + 1
				local n = self.n
				print("poll", n, select("#", ...))
				if n % 3 == 0 then
					spawn(function() print("task", n) end)
					time.sleep(0.001)
				end
				if n == 8 then self:finish() end
				if n % 2 == 0 then return nil, "even" end
			end
		]], { poll_interval = 0.01 })
		assert(w:wait_state("finished"))
		local expected = {}
		for n = 1, 8 do
			expected[#expected + 1] = "poll\t" .. n .. "\t0"
			expected[#expected + 1] = n % 3 == 0 and "task\t" .. n or nil
		end
		local printed = {}
		for _, text in ipairs(w:texts()) do
			printed[#printed + 1] = text:match("^%a+\t.*")
		end
		assert.same(expected, printed)
	end)

	it("of a second or more come together with other sensors'", function()
		local workers = {}
		for i = 1, 3 do
			workers[i] = start(POLLING .. [[
				function Checker:init() self.least, self.n = 1, 0 end
				function Checker:poll()
					self.least = math.min(self.least, time.monotonic() % 0.02)
					self.n = self.n + 1
					if self.n == 3 then
						print(self.least)
						self:finish()
					end
				end
			]], { poll_interval = 1 })
		end
		for _, w in ipairs(workers) do
			assert(w:wait_state("finished"))
			assert.is_true(tonumber(w:texts()[1]) < 0.005,
				w:texts()[1])
		end
	end)

	it("wake the process once each", function()
		local w = start(POLLING .. " function Checker:poll() end",
			{ poll_interval = 0.2 })
		assert(w:wait_state("running"))
		w:run_for(0.5)
		local before, began = switches(w.pid), process.now()
		w:run_for(3)
		local polls = (process.now() - began) / 0.2
		assert.is_true(switches(w.pid) - before <= polls * 1.2)
	end)

	it("that fail are undone, said once, and tried again", function()
		local w = start(POLLING .. [[
			local errors = require("sensorhost.errors")
			function Checker:init() self.n = 0 end
			function Checker:poll()
				self.n = self.n + 1
				self.sensor_service:set_value("n", self.n)
				if self.n < 4 then
					return nil, errors.new("refused", "no answer", {target = "h"})
				end
			end
		]], { poll_interval = 0.02 })
		assert(w:run_until(function() return #w.units >= 2 end))
		assert.equal("4", w.units[2][1].value)
		assert(w:run_until(function() return w.state.failing == false end))
		local said = 0
		for _, line in ipairs(w.logs) do
			if line.text:find("poll failed", 1, true) then
				said = said + 1
			end
		end
		assert.equal(1, said)
		assert.truthy(w:logged("poll works again, after 3 that failed"))
		local polled = {}
		for _, state in ipairs(w.states) do
			if state.state == "polled" then
				polled[#polled + 1] = { state.failing, state.streak, state.kind,
					state.error }
			end
		end
		assert.same({ { true, 1, "refused", "h: no answer" },
			{ true, 2, "refused", "h: no answer" },
			{ true, 3, "refused", "h: no answer" }, { false, 0 } }, polled)
	end)

	it("are said again while they fail, at a growing distance", function()
		local w = start(POLLING .. [[
			local errors = require("sensorhost.errors")
			function Checker:init() self.n = 0 end
			function Checker:poll()
				self.n = self.n + 1
				if self.n < 150 then
					return nil, errors.new("refused", "no answer", {target = "h"})
				end
				self:finish()
			end
		]], { poll_interval = 0.01, limits = { memory = 64 * 1024 * 1024,
			slice = 10, unit = 8 * 1024 * 1024, reminder = 0.05 } })
		assert(w:wait_state("finished"))
		local counts, again = {}, 0
		for _, line in ipairs(w.logs) do
			local count, suffix, since = line.text:match("^poll failed, its unit "
				.. "is undone: h: no answer %((%d+)(%a%a) poll in a row, since "
				.. "(%d%d:%d%d)%); tried again every 0%.01 s$")
			if count then
				counts[#counts + 1] = tonumber(count)
				assert.truthy(suffix == "th" or suffix == ({ "st", "nd", "rd" })[
					tonumber(count) % 10], line.text)
				assert.truthy(since)
			elseif line.text:find("poll failed", 1, true) then
				again = again + 1
			end
		end
		assert.equal(1, again) -- the first, which has no count
		-- 0.05 s, 0.1, 0.2, 0.4, 0.8: five in the 1.5 s of 149 polls, and more
		-- only where the polls came late.
		assert.truthy(#counts >= 3 and #counts <= 12, #counts)
		assert.truthy(counts[3] - counts[2] > counts[1] / 2, counts[3])
	end)

	it("can change their interval", function()
		local w = start(POLLING .. [[
			function Checker:init() self.n = 0 end
			function Checker:poll()
				self.n = self.n + 1
				self:set_poll_interval(0.01)
				print(pcall(self.set_poll_interval, self, 0))
				if self.n == 3 then self._poll_interval = "x" end
				if self.n == 5 then self:finish() end
			end
		]], { poll_interval = 1000 })
		assert(w:wait_state("finished"))
		assert.truthy(w:logged("the interval must be a number of seconds"))
		assert.truthy(w:logged("_poll_interval is no number"))
	end)

	it("come once with once, and say how it went", function()
		local source = POLLING .. "function Checker:poll() return %s end"
		local w = start(source:format("true"), { once = true })
		assert.same({ state = "once", failed = false },
			assert(w:wait_state("once")) and w.state)
		w = start(source:format("nil, 'no'"), { once = true })
		local once = assert(w:wait_state("once"))
		assert.same({ true, "no" }, { once.failed, once.error })
	end)

	it("keep their time where the first is scheduled", function()
		local last = posix_time.clock_gettime(posix_time.CLOCK_REALTIME)
		last = last.tv_sec + last.tv_nsec / 1e9 - 9
		local w = start(POLLING .. [[
			function Checker:poll() print("poll") end
		]], { first_poll = "scheduled", last_poll = last,
			poll_interval = 10 })
		assert(w:wait_state("running"))
		assert(w:run_until(function() return #w.units == 2 end))
		assert.equal("polled", w.units[2][1].op)
		-- The clocks that measure it are two.
		assert.truthy(w.units[2][1].at / 1e6 >= last + 9.9)
	end)
end)

describe("quiet", function()
	it("halts run at its next wait, lets polls finish, and resumes", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				for i = 1, 1000 do
					self.sensor_service:set_value("i", i)
					time.sleep(0.01)
				end
			end
		]])
		assert(w:run_until(function() return #w.units > 3 end))
		local reply = w:call("QUIET", seam.u32(1000))
		assert.equal(0, reply:byte(1))
		local n = #w.units
		w:run_for(0.1)
		assert.equal(n, #w.units)
		w:send("RESUME", "")
		assert(w:run_until(function() return #w.units > n + 3 end))
	end)

	it("waits for a poll, and halts it after its time", function()
		local w = start(POLLING .. [[
			function Checker:poll()
				print("poll") time.sleep(0.02) print("middle") time.sleep(2)
				print("done")
			end
		]], { poll_interval = 0.01 })
		assert(w:run_until(function() return w:logged("poll") end))
		assert(w:call("QUIET", seam.u32(500)))
		assert.truthy(w:logged("middle"))
		assert.falsy(w:logged("done"))
		w:run_for(2 / process.slowness)
		assert.falsy(w:logged("done"))
		w:send("RESUME", "")
		assert(w:run_until(function() return w:logged("done") end))
	end)

	it("ends by STOP, too", function()
		local w = start(PASSIVE .. [[
			function Checker:run() self:wait() end
			function Checker:cleanup(why) print("cleanup", why) end
		]])
		assert(w:wait_state("running"))
		assert(w:call("QUIET", seam.u32(1000)))
		w:stop("reload")
		assert(w:wait_state("stopped"))
		assert.truthy(w:logged("cleanup\treload"))
	end)
end)

describe("the page", function()
	it("shows what runs, and where it waited last", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				time.sleep(0.01)
				while true do end
			end
		]])
		assert(w:wait_state("running"))
		process.eventually(function()
			local _, busy, _, place = w:read_page()
			return busy == 1 and place == "sensors/x.lua:5"
		end, "the endless loop")
		local turn, _, entry = w:read_page()
		assert.equal("run", entry)
		w:run_for(0.1)
		assert.equal(turn, (w:read_page()))
		require("ffi").C.kill(w.pid, 9)
	end)

	it("lets an interpreted run name the line of an endless loop", function()
		local w = start(PASSIVE .. [[
			function Checker:run()
				while true do
					pcall(function() while true do end end)
				end
			end
		]], { interpreted = true, limits = { memory = 64e6, slice = 0.2,
			unit = 8e6 } })
		local failed = assert(w:wait_state("failed"))
		assert.truthy(failed.error:find("sensors/x.lua:%d+: ran 0.2 s without "
			.. "waiting"), failed.error)
	end)
end)
