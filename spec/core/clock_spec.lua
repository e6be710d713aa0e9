-- Hosts whose clock is wrong for a while. The clock of the wall is moved by a
-- library; the one that only goes on is right.

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local shim = require("spec.support.shim")

local DAY = 86400

-- fn(h, set): set(seconds) moves the clock of what is started with h.clock.
local function with_clock(fn)
	return host.with(function(h)
		local library = shim.compile(h.dir, shim.wall_clock(h.dir .. "/ahead"))
		h.clock = { LD_PRELOAD = shim.preload(library) }
		h:write_sensor("demo", "C", [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	local service = self.sensor_service
	service:dispatch("demo.tick", { kept = service:get_value("k") ~= nil })
	if self.config.ttl and not self.set then
		service:set_value("k", "v", self.config.ttl)
		self.set = true
	end
end
return C]], "poll_interval: 0.02\ntrigger_types:\n  - name: tick\n")
		fn(h, function(seconds)
			-- Whoever reads it finds the old or the new number.
			h:write("new", tostring(seconds))
			assert(os.rename(h.dir .. "/new", h.dir .. "/ahead"))
		end)
	end)
end

-- Seconds since 1970 of an instance.
local function time_of(instance)
	local y, m, d, h, min, s = instance.occurrence_time:match(
		"^(%d+)-(%d+)-(%d+)T(%d+):(%d+):([%d.]+)Z$")
	local days = math.floor(365.25 * (y - 1)) - math.floor((y - 1) / 100)
		+ math.floor((y - 1) / 400)
	local lengths = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30 }
	if y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0) then
		lengths[2] = 29
	end
	for i = 1, m - 1 do
		days = days + lengths[i]
	end
	return (days + d - 1 - 719162) * DAY + h * 3600 + min * 60 + s
end

local function is_now(instance)
	return math.abs(time_of(instance) - os.time()) < 5 * process.slowness
end

-- Reads instances until one is as it should be; it and all before it.
local function read_until(run, wanted)
	local seen = {}
	for _ = 1, 10000 do
		seen[#seen + 1] = run:json()
		if wanted(seen[#seen]) then
			return seen[#seen], seen
		end
	end
	error("no instance is as it should be")
end

local function status(h)
	return http.ask(h.data .. "/api.sock", "GET", "/v1/status").json
end

-- Waits for so many turns; in each that appends, retention deletes some.
local function past_turns(h, n)
	local turns = status(h).store.commits
	process.eventually(function()
		return status(h).store.commits > turns + n
	end)
end

-- Ends what runs, in either way, and starts again: nothing is forgotten.
local function held_over_restarts(h, run, words)
	for _, how in ipairs({ "KILL", "TERM" }) do
		run:signal(how)
		run:wait()
		run = h:start(words)
		run:wait_for("info the clock made a leap before the start; nothing "
			.. "is deleted for its age before 20%d%d%-")
		run:wait_for("ready: 1 sensor")
		past_turns(h, 10)
		local said = status(h)
		assert.equal(0, said.clock.steps)
		assert.is_string(said.clock.aging_held_until)
		assert.equal(1, said.store.journal_first)
		assert.matches("\nclock      made a leap before the start; nothing "
			.. "is deleted for its age before 20", h:run("status").stdout)
	end
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait() })
end

describe("a clock that is ahead", function()
	it("for one start is behind it then, and that is said", with_clock(
		function(h, set)
		set(3652 * DAY)
		local run = h:start({ "run", "demo.C", "--count", "1",
			env = h.clock })
		local early = run:json()
		assert.same({ "exited", 0 }, { run:wait() })
		assert.is_true(time_of(early) > os.time() + 3650 * DAY)
		local r = h:run("run", "demo.C", "--count", "3")
		assert.equal(0, r.code)
		local year = early.occurrence_time:match("^%d+%-%d+%-%d+T%d+:%d")
		assert.matches("warning the clock is 365[12] days behind the newest "
			.. "record, of " .. year:gsub("%-", "%%-"),
			r.stderr)
		local all = h:journal()
		assert.equal(early.id, all[1].id)
		for i = #all - 2, #all do
			assert.is_true(is_now(all[i]), all[i].occurrence_time)
		end
	end))

	it("for a while freezes nothing", with_clock(function(h, set)
		h:write_pack("demo", { ["config.yaml"] = "ttl: 0.5\n" })
		local run = h:start({ "run", "demo.C", env = h.clock })
		assert.is_true(is_now(run:json()))
		set(DAY)
		run:wait_for("the clock has gone forward by 24 h .*nothing is deleted "
			.. "for its age before")
		read_until(run, function(i) return not is_now(i) end)
		set(0)
		run:wait_for("the clock has gone back by 24 h .*the newest record is "
			.. "of .*later ones get the clock's time")
		local back = process.now()
		local _, seen = read_until(run, is_now)
		assert.is_true(#seen > 1)
		-- The item is gone when its time is over.
		read_until(run, function(i) return not i.payload.kept end)
		assert.is_true(process.now() - back < 3 * process.slowness)
		local said = status(h)
		assert.is_string(said.clock.newest_record)
		assert.is_string(said.clock.aging_held_until)
		assert.equal(2, said.clock.steps)
		local text = h:run("status").stdout
		assert.matches("\nclock      is behind the newest record, of ", text)
		assert.matches("\nclock      has gone back by 24 h; nothing is "
			.. "deleted for its age before ", text)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("by years takes no record away", with_clock(function(h, set)
		assert.equal(0, h:run("run", "demo.C", "--count", "20").code)
		local before = #h:journal()
		set(4000 * DAY)
		local serve = h:start({ "serve", env = h.clock })
		serve:wait_for("info the clock is %d+ days ahead of the newest "
			.. "record, of [^(]*; nothing is deleted for its age before")
		assert.matches("\nclock      was %d+ days ahead of the newest record "
			.. "at the start; nothing is deleted for its age before ",
			h:run("status").stdout)
		serve:wait_for("ready: 1 sensor")
		past_turns(h, 60)
		assert.equal(200, http.ask(h.data .. "/api.sock", "POST",
			"/v1/reload").status)
		past_turns(h, 60)
		local said = status(h)
		assert.is_string(said.clock.aging_held_until)
		assert.equal(1, said.store.journal_first)
		serve:signal("TERM")
		assert.same({ "exited", 0 }, { serve:wait() })
		assert.is_true(#h:journal() > before)
	end))

	it("is remembered at the next starts", with_clock(function(h, set)
		assert.equal(0, h:run("run", "demo.C", "--count", "20").code)
		set(8 * DAY)
		local words = { "serve", env = h.clock }
		local serve = h:start(words)
		serve:wait_for("info the clock is 8 days ahead of the newest record, "
			.. "of [^(]*; nothing is deleted for its age before")
		held_over_restarts(h, serve, words)
	end))

	it("is remembered as well when it went ahead while one ran", with_clock(
		function(h, set)
		local words = { "serve", "--config", h:write("sensorhost.yaml",
			"journal:\n  retain_age: 1m\n"), env = h.clock }
		local serve = h:start(words)
		serve:wait_for("ready: 1 sensor")
		past_turns(h, 10)
		set(3600)
		serve:wait_for("warning the clock has gone forward by 60 min .*; "
			.. "nothing is deleted for its age before")
		held_over_restarts(h, serve, words)
	end))
end)

describe("a clock that is set back a little", function()
	it("is waited for", with_clock(function(h, set)
		local run = h:start({ "run", "demo.C", env = h.clock })
		run:json()
		set(-3)
		local last
		read_until(run, function(i)
			local now = i.occurrence_time
			assert.is_true(not last or now >= last)
			local held = now == last
			last = now
			return held
		end)
		-- Once it has caught up they go on.
		local held = last
		read_until(run, function(i) return i.occurrence_time > held end)
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		assert.is_nil(run:text("stderr"):find("the clock", 1, true))
	end))
end)
