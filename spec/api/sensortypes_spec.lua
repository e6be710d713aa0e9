-- /v1/sensortypes and /v1/sensors: list, get, enable, disable, restart.

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local serving = require("spec.support.serving")

local function refs(answer)
	local list = {}
	for _, s in ipairs(answer.json) do
		list[#list + 1] = s.ref:match("%.(.*)$")
	end
	return table.concat(list, " ")
end

describe("GET /v1/sensortypes", function()
	it("lists, pages and filters", serving(function(h)
		local function list(query)
			local answer = h:ask("GET", "/v1/sensortypes" .. (query or ""))
			assert.equal(200, answer.status)
			return refs(answer), answer.headers["x-total-count"],
				answer.headers["x-limit"]
		end
		assert.same({ "Idle Tick Tock", "3", "100" }, { list() })
		assert.same({ "Idle Tick Tock", "3", "100" }, { list("/") })
		assert.same({ "Tick", "3", "1" }, { list("?limit=1&offset=1") })
		assert.same({ "", "3", "100" }, { list("?offset=99") })
		assert.same({ "Idle Tick Tock", "3", "1000" }, { list("?limit=-1") })
		assert.equal("Tick", (list("?name=Tick")))
		assert.equal("", (list("?pack=other")))
		assert.equal("Idle Tick Tock", (list("?pack=demo")))
		assert.equal("Tick", (list("?trigger=demo.tick")))
		assert.equal("Idle", (list("?enabled=False")))
		assert.same({ "Tock", "2", "100" }, { list("?enabled=true&offset=1") })
	end))

	it("refuses queries that mean nothing", serving(function(h)
		for _, query in ipairs({ "limit=0", "limit=-2", "limit=x",
			"limit=1x", "limit=+1", "limit=9999999999999999999999",
			"limit=1001", "offset=-1", "offset=x", "enabled=maybe" }) do
			local answer = h:ask("GET", "/v1/sensortypes?" .. query)
			assert.equal(400, answer.status, query)
			assert.is_string(answer.json.faultstring)
		end
	end))

	it("shows one as StackStorm does, and how it does", serving(function(h)
		local s = h:await("Tick", "running")
		assert.equal("demo.Tick", s.ref)
		assert.equal("Tick", s.name)
		assert.equal("Tick", s.class_name)
		assert.equal("demo", s.pack)
		assert.equal("sensor_type:demo:Tick", s.uid)
		assert.equal("sensor Tick", s.description)
		assert.equal("sensors.tick.main.Tick", s.entry_point)
		assert.equal("file://" .. h.packs .. "/demo/sensors/tick/main.lua",
			s.artifact_uri)
		assert.equal("sensors/tick.yaml", s.metadata_file)
		assert.equal(3600, s.poll_interval)
		assert.same({ "demo.tick" }, s.trigger_types)
		assert.is_true(s.enabled)
		assert.matches("^%x+$", s.id)
		assert.equal(24, #s.id)
		assert.equal(1, s.generation)
		assert.is_true(s.pid > 1)
		assert.matches("^20%d%d%-.*Z$", s.started)
		assert.same(s.ref, h:ask("GET", "/v1/sensortypes/" .. s.id).json.ref)
		assert.equal("disabled", h:get("Idle").state)
		local some = h:ask("GET",
			"/v1/sensortypes/demo.Tick?include_attributes=ref,state").json
		assert.same({ ref = "demo.Tick", state = "running" }, some)
		assert.is_nil(h:ask("GET",
			"/v1/sensortypes/demo.Tick?exclude_attributes=id").json.id)
	end))

	it("names the nearest to one that is not there", serving(function(h)
		local answer = h:ask("GET", "/v1/sensortypes/demo.Tik")
		assert.equal(404, answer.status)
		assert.matches('"demo.Tik" not found; did you mean "demo.Tick"?',
			answer.json.faultstring, 1, true)
		assert.equal(404, h:ask("GET", "/v1/sensortypes/x%22%5C").status)
		assert.equal(404, h:ask("GET",
			"/v1/sensortypes/0123456789abcdef01234567").status)
	end))
end)

describe("a switch", function()
	it("stops and starts at once, and is kept with who and when", serving(
	    function(h)
		local s = h:await("Tick", "running")
		local off = h:ask("PUT", "/v1/sensortypes/demo.Tick",
			{ enabled = false })
		assert.equal(200, off.status)
		assert.is_false(off.json.enabled)
		assert.equal("uid " .. require("posix.unistd").getuid(),
			off.json.switched_by)
		assert.is_string(off.json.switched)
		local stopped = h:await("Tick", "disabled")
		assert.equal(0, stopped.pid)
		assert.equal(200, h:ask("PUT", "/v1/sensortypes/" .. s.id,
			{ enabled = true, ref = "ignored" }).status)
		assert.equal(2, h:await("Tick", "running").generation)
		-- Absent is false, as in StackStorm.
		assert.is_false(h:ask("PUT", "/v1/sensortypes/demo.Tick",
			"{}").json.enabled)
		assert.equal(200, h:ask("POST",
			"/v1/sensortypes/demo.Idle/enable").status)
		h:await("Idle", "running")
		assert.equal(200, h:ask("POST",
			"/v1/sensortypes/demo.Idle/disable").status)
		h:await("Idle", "disabled")
	end))

	it("outlasts a kill of the host and a reload", serving(function(h)
		h:ask("PUT", "/v1/sensortypes/demo.Tick", { enabled = false })
		h:ask("PUT", "/v1/sensortypes/demo.Idle", { enabled = true })
		h.core:signal("KILL")
		h.core:wait()
		h.core = h:start("serve")
		h.core:wait_for("ready: 2 sensors")
		assert.equal("disabled", h:get("Tick").state)
		assert.equal("running", h:get("Idle").state)
		h:sensor("Tick", "local changed")
		h:sensor("Idle", "local changed", nil, "enabled: false\n")
		assert.equal(200, h:ask("POST", "/v1/reload").status)
		assert.equal("disabled", h:get("Tick").state)
		assert.equal("running", h:get("Idle").state)
	end))

	it("refuses what it does not understand", serving(function(h)
		for _, body in ipairs({ "", "nonsense", "[]", '"x"', "{",
			'{"enabled": 1}', '{"enabled": "yes"}', '{"enabled": null}',
			"\0", ("["):rep(100000) }) do
			local answer = h:ask("PUT", "/v1/sensortypes/demo.Tick", body)
			assert.equal(400, answer.status, body:sub(1, 20))
			assert.is_string(answer.json.faultstring)
		end
		assert.equal(404, h:ask("PUT", "/v1/sensortypes/demo.No",
			{ enabled = true }).status)
		assert.equal(405, h:ask("DELETE", "/v1/sensortypes/demo.Tick").status)
		assert.is_true(h:get("Tick").enabled)
	end))

	it("may be thrown a thousand times", serving(function(h)
		local c = http.connect(h.data .. "/api.sock")
		for _ = 1, 20 do
			for i = 1, 50 do
				c:send("POST /v1/sensortypes/demo.Tick/"
					.. (i % 2 == 0 and "enable" or "disable")
					.. " HTTP/1.1\r\nHost: x\r\n\r\n")
			end
			for _ = 1, 50 do
				assert.equal(200, c:answer().status)
			end
		end
		h:await("Tick", "running")
	end))
end)

describe("POST /v1/sensors/<ref>/restart", function()
	it("starts afresh, from whatever state", serving(function(h)
		h:await("Tick", "running")
		local answer = h:ask("POST", "/v1/sensors/demo.Tick/restart")
		assert.equal(202, answer.status)
		process.eventually(function()
			local s = h:get("Tick")
			return s.state == "running" and s.generation == 2
		end, "the second generation")
		-- One that has given up, and one that waits.
		assert.equal("wrong password", h:await("Shy", "rejected").last_error)
		assert.equal(202, h:ask("POST",
			"/v1/sensors/demo.Shy/restart").status)
		local s = h:await("Mad", "backing_off")
		assert.matches("oh no", s.last_error)
		assert.matches("sensors/mad/main.lua:3", s.traceback, 1, true)
		assert.is_string(s.next_start)
		assert.is_true(s.failures >= 1)
		assert.equal(202, h:ask("POST",
			"/v1/sensors/demo.Mad/restart").status)
	end, function(h)
		h:sensor("Shy", 'self:reject("wrong password")')
		h:sensor("Mad", 'error("oh no")')
	end))

	it("says why it cannot", serving(function(h)
		local function refused(class)
			local a = h:ask("POST", "/v1/sensors/demo." .. class .. "/restart")
			return a.status, a.json.faultstring
		end
		assert.same({ 409, '"demo.Idle" is disabled; enable it first' },
			{ refused("Idle") })
		assert.equal(404, (refused("Nobody")))
		local status, why = refused("Broken")
		assert.equal(409, status)
		assert.matches("broken.yaml", why)
		assert.equal("rejected", h:get("Broken").state)
		assert.matches("broken.yaml:%d+:%d+: ", h:get("Broken").last_error)
	end, function(h)
		h:sensor("Broken", "")
		h:write_pack("demo", { ["sensors/broken.yaml"] =
			"class_name: Broken\nentry_point: nowhere.lua\n" })
	end))

	it("shows failing polls", serving(function(h)
		local s = process.eventually(function()
			local poor = h:get("Poor")
			return poor.failing and poor.failures > 1 and poor
		end, "a second failing poll")
		assert.equal("running", s.state)
		assert.matches("no network", s.last_error)
		assert.is_string(s.next_poll)
		assert.is_true(s.failing_since < s.last_error_time)
		assert.equal(1, h:ask("GET", "/v1/status").json.sensors.failing)
	end, function(h)
		h:sensor("Poor", 'return nil, "no network"', nil,
			"poll_interval: 0.1\n")
	end))
end)

describe("beside run", function()
	it("one can ask, but not in a dry run", host.with(function(h)
		h:write_sensor("demo", "Tick",
			'local S = require("sensorhost.polling_sensor"):extend()\n'
			.. "function S:poll() self.sensor_service:dispatch('demo.t') end\n"
			.. "return S\n", "trigger_types: [{name: t}]\n")
		local run = h:start("run", "demo.Tick")
		run:json()
		local s = http.ask(h.data .. "/api.sock", "GET",
			"/v1/sensortypes/demo.Tick").json
		assert.equal("running", s.state)
		run:signal("TERM")
		run:wait()
		local dry = h:start("run", "demo.Tick", "--dry-run")
		dry:json()
		assert.is_nil(http.connect(h.data .. "/api.sock"))
	end))
end)
