-- What may happen to packs under a host that serves: in each case the rest of
-- the fleet goes on, and the message says what and where.

local host = require("spec.support.host")
local lib = require("spec.support.lib")
local store = require("spec.support.store")

local TICK = "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n"

-- Dispatches a number and the version with each poll.
local function ticker(pack, version)
	return ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:setup()
	self.log:info("version %s")
end
function S:poll()
	local service = self.sensor_service
	local n = service:get_number("n", 0) + 1
	service:dispatch("%s.tick", { n = n })
	service:set_value("n", n)
end
function S:cleanup(reason)
	self.log:info("cleanup: %%s", reason)
end
return S]]):format(version, pack)
end

local function serve(h, ...)
	local run = h:start("serve", ...)
	run:wait_for("^ready")
	return run
end

-- Waits for a line, also for one that is there already.
local function says(run, pattern)
	if not run:text("stderr"):match(pattern) then
		run:wait_for(pattern)
	end
end

local function reload(run)
	run:signal("HUP")
	return run:wait_for("packs read again.*: (.*)")
end

-- Stops; each counter must have counted without a gap.
local function stop(h, run)
	run:signal("TERM")
	assert.same({ "exited", 0 }, { run:wait() })
	local last = {}
	for _, record in ipairs(h:journal()) do
		local n = (last[record.trigger] or 0) + 1
		assert.equal(n, record.payload.n)
		last[record.trigger] = n
	end
	return last
end

local function two_packs(h)
	h:write_sensor("demo", "S", ticker("demo", 1), TICK)
	h:write_sensor("other", "T", ticker("other", 1), TICK)
end

describe("a pack under a host that serves", function()
	it("may vanish, and come back", host.with(function(h)
		two_packs(h)
		local run = serve(h)
		os.execute("mv " .. h.packs .. "/demo " .. h.dir .. "/away")
		run:signal("HUP")
		run:wait_for("demo.S%[1%]: removed; stopping")
		run:wait_for("demo.S%[1%]: cleanup: removed")
		run:wait_for("packs read again.*1 unchanged, 1 stopped")
		os.execute("mv " .. h.dir .. "/away " .. h.packs .. "/demo")
		assert.equal("1 unchanged, 1 started", reload(run))
		stop(h, run)
		local exits = h:internal("sensor.process_exit")
		assert.equal("removed", exits[1].payload.object.reason)
	end))

	it("may vanish while it is read", host.with(function(h)
		two_packs(h)
		local run = serve(h)
		for _ = 1, 40 do
			os.execute(("mv %s/demo %s/away; kill -HUP %d; "
				.. "mv %s/away %s/demo"):format(h.packs, h.dir, run.pid,
				h.dir, h.packs))
		end
		h:write_sensor("demo", "S", ticker("demo", 2), TICK)
		run:signal("HUP")
		run:wait_for("demo.S%[%d+%]: version 2")
		local last = stop(h, run)
		assert.is_true(last["other.tick"] > 1)
	end))

	it("may have a half-written file", host.with(function(h)
		two_packs(h)
		local run = serve(h)
		h:write("packs/demo/sensors/s.yaml", "class_name: S\n"
			.. "entry_point: s.lua\ntrigger_types: [{name: ti")
		run:signal("HUP")
		run:wait_for("reload: .*s.yaml:%d+:%d+: ")
		run:wait_for("demo.S%[1%]: not reloaded, the running version goes "
			.. "on: .*s.yaml:%d+:%d+: ")
		run:wait_for("packs read again.*1 unchanged, 1 failed")
		h:write("packs/demo/sensors/s.lua", ticker("demo", 2):sub(1, 100))
		h:write_sensor("demo", "S", ticker("demo", 2):sub(1, 100), TICK)
		run:signal("HUP")
		run:wait_for("s.lua:%d+.*")
		run:wait_for("packs read again.*1 unchanged, 1 failed")
		h:write_sensor("demo", "S", ticker("demo", 3), TICK)
		assert.equal("1 unchanged, 1 reloaded", reload(run))
		stop(h, run)
		assert.matches("version 3", run:text("stderr"))
		assert.is_nil(run:text("stderr"):match("version 2"))
	end))

	it("may have loops of symbolic links", host.with(function(h)
		two_packs(h)
		for _, link in ipairs({ "self self", "demo/lib/up ..",
			"demo/lib/x ../lib/y", "demo/lib/y ../lib/x",
			"demo/sensors/z.yaml z.yaml", "demo/sensors/all ../../..",
			"circle ../packs" }) do
			local name, target = link:match("(%S+) (%S+)")
			os.execute(("mkdir -p $(dirname %s/%s); ln -s %s %s/%s")
				:format(h.packs, name, target, h.packs, name))
		end
		local run = serve(h)
		says(run, "other.T%[1%]: version 1")
		h:write_sensor("demo", "S", ticker("demo", 2), TICK)
		run:signal("HUP")
		run:wait_for("demo.S%[2%]: version 2")
		run:wait_for("packs read again")
		stop(h, run)
	end))

	it("runs the accepted code until an edit is accepted",
		host.with(function(h)
		local source = ticker("demo", 1) .. "-- %s\n"
		h:write_sensor("demo", "S", source:gsub("version 1",
			'%%s", require("version'):gsub('"%)\nend', '"))\nend', 1), TICK)
		h:write("packs/demo/lib/version.lua", "return 'version one'\n")
		local run = serve(h)
		says(run, "demo.S%[1%]: version one")
		-- on disk there is something else now, and nobody was asked
		h:write("packs/demo/lib/version.lua", "return 'version two'\n")
		h:write("packs/demo/sensors/s.lua", "error('not accepted')\n")
		require("posix.signal").kill(host.family(run.pid).workers[1], 9)
		run:wait_for("demo.S%[2%]: version one")
		assert.is_nil(run:text("stderr"):match("not accepted"))
		stop(h, run)
	end))

	it("has the sensors that an operator wants", host.with(function(h)
		h:write_sensor("demo", "S", ticker("demo", 1), TICK)
		h:write_sensor("other", "T", ticker("other", 1), TICK
			.. "enabled: false\n")
		local run = serve(h)
		assert.equal(0, h:run("sensor", "disable", "demo.S").code)
		assert.equal(0, h:run("sensor", "enable", "other.T").code)
		run:wait_for("other.T%[1%]: version 1")
		-- neither an edit nor a restart is a switch
		h:write_sensor("demo", "S", ticker("demo", 2), TICK
			.. "enabled: true\n")
		h:write_sensor("other", "T", ticker("other", 2), TICK
			.. "enabled: false\n")
		run:signal("HUP")
		run:wait_for("other.T%[2%]: version 2")
		run:wait_for("packs read again")
		stop(h, run)
		run = serve(h)
		says(run, "other.T%[3%]: version 2")
		stop(h, run)
		assert.is_nil(run:text("stderr"):match("demo.S"))
		local exits = h:internal("sensor.process_exit")
		assert.equal("disabled", exits[1].payload.object.reason)
		assert.equal("demo.S", exits[1].payload.object.ref)
	end))
end)

describe("a journal that a consumer holds", function()
	it("is warned of once, at 80 %", host.with(function(h)
		local config = h:write("sensorhost.yaml",
			"journal: {retain_size: 2M}\nstop_timeout: 1s\n")
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	self.sensor_service:dispatch("demo.tick", { n = ("x"):rep(15000) })
end
return S]], "poll_interval: 0.05\ntrigger_types: [{name: tick}]\n")
		assert.equal(0, h:run("run", "demo.S", "--count", "1").code)
		local writer = assert(store.open(h.data))
		writer:turn(function(s)
			lib.cursor_set(s, store.span("reader"), 1, store.span(""))
		end)
		writer:close()
		local run = serve(h, "--config", config)
		run:wait_for('the journal is at [89]%d %% of journal.retain_size, '
			.. 'and consumer "reader" still wants its oldest instance: at '
			.. "100 %% sensors wait")
		run:wait_for('the consumer "reader" still wants its oldest record')
		-- sensors that wait for room do not hold the stop
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		assert.equal(1, select(2, run:text("stderr")
			:gsub("the journal is at", "")))
	end))
end)
