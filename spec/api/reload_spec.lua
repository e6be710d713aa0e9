-- /v1/reload, /v1/status, /livez and /readyz.

local http = require("spec.support.http")
local process = require("spec.support.process")
local serving = require("spec.support.serving")

-- Reloads; returns sensor -> result (with why behind a colon), and all of it.
local function reload(h)
	local answer = h:ask("POST", "/v1/reload")
	local results = {}
	assert.equal(200, answer.status)
	for _, s in ipairs(answer.json.sensors) do
		results[s.ref:match("%.(.*)$")] = s.result
			.. (s.why and ": " .. s.why or "")
	end
	return results, answer.json
end

local function remove(h, class)
	os.execute("rm -r " .. h.packs .. "/demo/sensors/" .. class:lower()
		.. ".yaml " .. h.packs .. "/demo/sensors/" .. class:lower())
end

describe("POST /v1/reload", function()
	it("touches nothing where nothing has changed", serving(function(h)
		local before = h:await("Tick", "running")
		assert.equal(404, h:ask("GET", "/v1/reload").status)
		assert.same({ Tick = "unchanged", Tock = "unchanged" }, (reload(h)))
		local after = h:get("Tick")
		assert.equal(before.pid, after.pid)
		assert.equal(before.generation, after.generation)
		assert.equal(1, h:ask("GET", "/v1/reload").json.number)
	end))

	it("answers for each sensor when it has come to something", serving(
	    function(h)
		h:sensor("Tick", "local changed")
		h:sensor("New", "")
		h:sensor("Slow", "", 'function S:setup()\n'
			.. '\trequire("sensorhost.time").sleep(0.3)\nend\n')
		remove(h, "Tock")
		local results, all = reload(h)
		assert.same({ Tick = "reloaded", New = "started", Slow = "started",
			Tock = "stopped" }, results)
		assert.is_true(all.ended > all.began)
		assert.equal("running", h:get("Slow").state)
		assert.equal("running", h:get("Tick").state)
		assert.equal(2, h:get("Tick").generation)
		assert.equal(404, h:ask("GET", "/v1/sensortypes/demo.Tock").status)
		-- And back again.
		h:sensor("Tock", "")
		remove(h, "Slow")
		assert.same({ Tick = "unchanged", New = "unchanged",
			Tock = "started", Slow = "stopped" }, (reload(h)))
	end))

	it("reports what is broken, with its place, and lets it run", serving(
	    function(h)
		local pid = h:await("Tick", "running").pid
		h:sensor("Tick", "local = 1")
		local results = reload(h)
		local all
		assert.matches("^failed: .*main.lua:3:", results.Tick)
		assert.equal("unchanged", results.Tock)
		assert.equal(pid, h:get("Tick").pid)
		-- Nothing changed, but it still fails: it is tried again, and the
		-- version that runs is not taken for the other.
		assert.matches("^failed: ", reload(h).Tick)
		h:write_pack("demo", { ["sensors/tick.yaml"] =
			"class_name: Tick\nentry_point: tick/main.lua\n"
			.. "poll_interval: soon\n" })
		results, all = reload(h)
		assert.matches("^failed: .*tick.yaml:3:16: ", results.Tick)
		assert.equal(1, all.errors)
		assert.equal(3, all.findings[1].line)
		assert.equal(16, all.findings[1].column)
		assert.matches("sensors/tick.yaml$", all.findings[1].file)
		assert.equal("error", all.findings[1].level)
		assert.equal(pid, h:get("Tick").pid)
		h:sensor("Tick", "local mended")
		assert.equal("reloaded", reload(h).Tick)
	end))

	it("says that a sensor fails to start, or in setup", serving(function(h)
		h:sensor("Bad", "", 'function S:init() error("no way") end\n')
		h:sensor("Tick", "", 'function S:setup() error("not so") end\n')
		h:sensor("Tock", "", 'function S:setup() self:reject("no key") end\n',
			"reload: restart\n")
		local results = reload(h)
		assert.matches("^failed: .*no way", results.Bad)
		assert.matches("^failed: .*not so", results.Tick)
		assert.equal("running", h:get("Tick").state)
		assert.equal("failed: no key", results.Tock)
		assert.equal("backing_off", h:get("Bad").state)
		assert.matches("not so", h:get("Tick").last_error)
		h:await("Tock", "running")
		-- A reload starts what waits, changed or not.
		h:sensor("Bad", "")
		h:sensor("Tock", "")
		results = reload(h)
		assert.equal("reloaded", results.Bad)
		assert.equal("unchanged", results.Tock)
	end))

	it("stops what vanishes after it was broken", serving(function(h)
		local path = h.packs .. "/demo/sensors/tick.yaml"
		local function write(text)
			h:write_pack("demo", { ["sensors/tick.yaml"] = text })
		end
		h:await("Tick", "running")
		write("class_name: Tick\nentry_point: nowhere.lua\n")
		assert.matches("^failed", reload(h).Tick)
		write("{")
		reload(h)
		reload(h)
		assert.equal(2, h:ask("GET", "/v1/status").json.sensors.running
			+ (h:get("Tick").faultstring and 1 or 0))
		os.remove(path)
		assert.equal("stopped", reload(h).Tick)
		assert.is_nil(reload(h).Tick)
		h:sensor("Tick", "")
		assert.equal("started", reload(h).Tick)
	end))

	it("stops what its metadata disables, and starts it again", serving(
	    function(h)
		h:sensor("Tick", "", nil, "enabled: false\n")
		assert.equal("stopped", reload(h).Tick)
		assert.equal("disabled", h:get("Tick").state)
		h:sensor("Tick", "")
		assert.equal("started", reload(h).Tick)
	end))

	it("gives every request the reload that covers it", serving(function(h)
		local clients = {}
		for i = 1, 30 do
			clients[i] = http.connect(h.data .. "/api.sock")
			clients[i]:send("POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
				.. "\r\n")
			h.core:signal("HUP")
		end
		h:sensor("Tick", "local changed")
		clients[31] = http.connect(h.data .. "/api.sock")
		clients[31]:send("POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n")
		for i = 1, 31 do
			local answer = clients[i]:answer()
			assert.equal(200, answer.status)
		end
		-- One before may have met the files half written.
		assert.is_true(h:get("Tick").generation >= 2)
		assert.equal("unchanged", reload(h).Tick)
		-- Thirty requests were far fewer reloads.
		assert.is_true(h:ask("GET", "/v1/reload").json.number < 32)
	end))

	it("is told off when the host stops meanwhile", serving(function(h)
		h:sensor("Slow", "", 'function S:setup()\n'
			.. '\trequire("sensorhost.time").sleep(8)\nend\n')
		local c = http.connect(h.data .. "/api.sock")
		c:send("POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n")
		h:await("Slow", "starting")
		h.core:signal("TERM")
		local answer = c:answer()
		assert.equal(503, answer.status)
		assert.equal("the host is stopping", answer.json.faultstring)
	end))
end)

describe("GET /v1/status", function()
	it("shows the host at a glance", serving(function(h)
		local s = h:ask("GET", "/v1/status").json
		assert.equal("running", s.state)
		assert.is_true(s.ready)
		assert.equal(h.core.process.pid, s.pid)
		assert.equal(h.data, s.data_dir)
		assert.same({ h.data .. "/api.sock" }, s.listening)
		assert.equal(3, s.sensors.total)
		assert.equal(2, s.sensors.running)
		assert.equal(1, s.sensors.disabled)
		assert.is_true(s.store.commits > 0)
		h:sensor("Tick", "local = 1")
		reload(h)
		s = h:ask("GET", "/v1/status").json.last_reload
		assert.equal(1, s.unchanged)
		assert.equal("demo.Tick", s.sensors[1].ref)
		assert.equal("failed", s.sensors[1].result)
		assert.is_nil(s.sensors[2])
	end))

	it("tells the longest turn since the last reload", serving(function(h)
		local before = h:ask("GET", "/v1/status").json.loop
		assert.is_true(before.turns > 0)
		assert.is_true(before.longest_commit > 0)
		reload(h)
		local small = h:ask("GET", "/v1/status").json.loop
		assert.is_true(small.since > before.since)
		-- Megabytes in one unit are work for a turn.
		h:sensor("Tick", 'self.sensor_service:dispatch("demo.tick", '
			.. '{ text = ("x"):rep(6e6) })', nil, "poll_interval: 3600\n"
			.. "trigger_types: [{name: tick}]\n")
		reload(h)
		process.eventually(function()
			local loop = h:ask("GET", "/v1/status").json.loop
			return loop.longest_work > 0.001
				and loop.longest_work > small.longest_work
		end, "a turn of 6 MB")
	end))
end)

describe("/livez and /readyz", function()
	it("tell a start and a stop from a host that is ready", serving(
	    function(h)
		assert.equal(200, h:ask("GET", "/livez").status)
		assert.equal(200, h:ask("GET", "/readyz").status)
		h.core:signal("KILL")
		h.core:wait()
		h:sensor("Slow", "", 'function S:setup()\n'
			.. '\trequire("sensorhost.time").sleep(1)\nend\n'
			.. 'function S:cleanup()\n'
			.. '\trequire("sensorhost.time").sleep(1)\nend\n')
		h.core = h:start("serve")
		process.eventually(function()
			return http.connect(h.data .. "/api.sock")
		end, "a connection"):close()
		local answer = h:ask("GET", "/readyz")
		assert.equal(503, answer.status)
		assert.equal("starting", answer.json.faultstring)
		assert.equal(200, h:ask("GET", "/livez").status)
		h.core:wait_for("ready: ")
		assert.equal(200, h:ask("GET", "/readyz").status)
		h.core:signal("TERM")
		h:await("Slow", "stopping")
		answer = h:ask("GET", "/readyz")
		assert.equal(503, answer.status)
		assert.equal("stopping", answer.json.faultstring)
		assert.equal(503, h:ask("POST",
			"/v1/sensortypes/demo.Tick/disable").status)
		assert.equal(503, h:ask("POST", "/v1/reload").status)
		assert.equal(503, h:ask("POST",
			"/v1/sensors/demo.Slow/restart").status)
	end))
end)
