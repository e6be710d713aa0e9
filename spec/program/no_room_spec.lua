-- A disk without room while sensors start, set up, hand over and stop: they
-- wait, nobody is blamed for it, and a stop ends in time all the same.

local host = require("spec.support.host")
local process = require("spec.support.process")
local shim = require("spec.support.shim")

local TICK = "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n"

local function counter(setup)
	return ([[
local time = require("sensorhost.time")
local S = require("sensorhost.polling_sensor"):extend()
function S:setup()
	%s
	self.sensor_service:set_value("setups",
		self.sensor_service:get_number("setups", 0) + 1)
end
function S:poll()
	local n = self.sensor_service:get_number("n", 0) + 1
	self.sensor_service:dispatch("demo.tick", { n = n,
		setups = self.sensor_service:get_number("setups") })
	self.sensor_service:set_value("n", n)
end
return S]]):format(setup or "")
end

-- A host whose commits fail while the file "full" is there, as under a quota.
local function with_quota(fn)
	return host.with(function(h)
		local library = shim.compile(h.dir, shim.last_page(
			('(access("%s/full", F_OK) == 0 ? EDQUOT : 0)'):format(h.dir)))
		function h:launch(...)
			local words = { ... }
			words.env = { LD_PRELOAD = shim.preload(library) }
			return self:start(words)
		end
		function h:fill()
			self:write("full", "")
		end
		function h:free()
			os.remove(self.dir .. "/full")
		end
		h:write_sensor("demo", "S", counter(), TICK)
		h:write("sensorhost.yaml", "stop_timeout: 1s\nsetup_timeout: 1s\n"
			.. "limits: {slice: 500ms}\n")
		fn(h)
	end)
end

-- The numbers that were counted, each once and in order.
local function counted(h)
	local all = h:journal()
	for n, record in ipairs(all) do
		assert.equal(n, record.payload.n)
	end
	return #all
end

local function ends_in_time(run, seconds)
	local began = process.now()
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait(10) })
	assert.is_true(process.now() - began < seconds,
		("%.1f s"):format(process.now() - began))
end

local function never_said(run, ...)
	for _, words in ipairs({ ... }) do
		assert.is_nil(run:text("stderr"):find(words, 1, true), words)
	end
end

-- A host whose sensor has run a while, and finds no room any more.
local function runs_full(h)
	local run = h:launch("serve", "--config", h.dir .. "/sensorhost.yaml")
	run:wait_for("^ready")
	process.eventually(function() return counted(h) > 2 end)
	h:fill()
	run:wait_for("sensors wait, nothing is lost")
	return run
end

describe("without room on the disk", function()
	for _, words in ipairs({ { "run", "demo.S" }, { "run", "demo.S", "--once" },
		{ "serve" } }) do
		it(table.concat(words, " ") .. " that cannot start a sensor ends",
			with_quota(function(h)
			assert.equal(0, h:run("run", "demo.S", "--count", "3").code)
			local before = counted(h)
			h:fill()
			local run = h:launch(words[1], "--config",
				h.dir .. "/sensorhost.yaml", unpack(words, 2))
			run:wait_for("sensors wait, nothing is lost")
			ends_in_time(run, 2.5)
			assert.equal(before, counted(h))
		end))
	end

	it("run --for ends when its time is over", with_quota(function(h)
		assert.equal(0, h:run("run", "demo.S", "--count", "3").code)
		h:fill()
		local run = h:launch("run", "demo.S", "--for", "1s", "--config",
			h.dir .. "/sensorhost.yaml")
		assert.same({ "exited", 0 }, { run:wait(6) })
	end))

	it("a setup that has ended waits, and is not blamed",
		with_quota(function(h)
		h:write_sensor("demo", "S", counter('print("sets up") '
			.. "time.sleep(0.5)"), TICK)
		local run = h:launch("serve", "--config", h.dir .. "/sensorhost.yaml")
		run:wait_for("sets up")
		h:fill()
		run:wait_for("sensors wait, nothing is lost")
		-- Longer than setup may take, and its slack.
		process.run({ "sleep", "5" })
		h:free()
		run:wait_for("there is room again")
		process.eventually(function() return counted(h) > 2 end)
		for _, record in ipairs(h:journal()) do
			assert.equal(1, record.payload.setups)
			assert.equal(1, record.generation)
		end
		ends_in_time(run, 2.5)
		never_said(run, "did not end", "starts again", "undone")
	end))

	it("a version that is to be quiet waits, and is not blamed",
		with_quota(function(h)
		local run = runs_full(h)
		h:write_sensor("demo", "S", counter("-- another"), TICK)
		run:signal("HUP")
		-- Longer than becoming quiet may take, and its slack.
		process.run({ "sleep", "5" })
		h:free()
		run:wait_for("demo%.S%[2%]: reloaded")
		local before = counted(h)
		process.eventually(function() return counted(h) > before end)
		ends_in_time(run, 2.5)
		never_said(run, "did not become quiet", "undone")
	end))

	it("a sensor that runs is stopped in time, for a reason",
		with_quota(function(h)
		local run = runs_full(h)
		ends_in_time(run, 2.5)
		assert.truthy(run:text("stderr"):find("its last unit has waited for "
			.. "room on the disk", 1, true), run:text("stderr"))
		h:free()
		local before = counted(h)
		assert.equal(0, h:run("run", "demo.S", "--count", "3").code)
		assert.is_true(counted(h) >= before + 3)
	end))
end)
