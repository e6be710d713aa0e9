-- Clients that ask without pause cannot drive the loop: sensors, signals,
-- deadlines and other clients go on, and a stop is clean.

local flood = require("spec.support.flood")
local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local shim = require("spec.support.shim")
local poll = require("posix.poll")

local VICTIM = [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	self.sensor_service:dispatch("victim.tick", {})
end
return C
]]
local TICK = "trigger_types: [{name: tick}]\n"

-- A sensor that pipelines on the host's own socket.
local ATTACKER = [[
local spawn = require("sensorhost.spawn")
local socket = require("sensorhost.socket")
local C = require("sensorhost.sensor"):extend()
local BURST = ("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"):rep(200)
function C:run()
	for _ = 1, 12 do
		local sock = assert(socket.connect("unix:%s/api.sock"))
		spawn(function()
			while sock:write(BURST) do end
		end)
		spawn(function()
			while sock:read("some") do end
		end)
	end
	self.log:info("asking")
	self:wait()
end
return C
]]

-- A host that serves victim.V, which polls often, and what prepare(h) writes.
local function serving(fn, prepare)
	return host.with(function(h)
		h:write_sensor("victim", "V", VICTIM, "poll_interval: 0.05\n" .. TICK)
		h:write("host.yaml", "packs_path: [packs]\nstop_timeout: 2s\n"
			.. "limits: {slice: 500ms}\napi: {header_timeout: 1s}\n")
		if prepare then
			prepare(h)
		end
		h.core = h:start({ "serve", "--config", h.dir .. "/host.yaml",
			"--listen", "127.0.0.1:0", "--no-auth", stdout = "/dev/null" })
		h.port = h.core:wait_for("listening on http://127.0.0.1:(%d+)")
		h.core:wait_for("ready: ")
		h.sock = h.data .. "/api.sock"
		fn(h)
		local began = process.now()
		h.core:signal("TERM")
		assert.same({ "exited", 0 }, { h.core:wait() })
		assert.is_true(process.now() - began < 3 * process.slowness)
		flood.stop(h.clients or {})
	end)
end

-- The victim's instances of a second and a half.
local function units(h)
	local function count()
		return #h:journal("--trigger", "victim.tick")
	end
	local before = count()
	poll.poll({}, 1500)
	return count() - before
end

describe("clients that ask without pause", function()
	it("leave a sensor at least half of its units", serving(function(h)
		local undisturbed = units(h)
		h.clients = flood.start(3, h.port)
		assert.is_true(units(h) >= undisturbed / 2)
		-- The host is told to stop while they go on.
	end))

	it("may be a sensor", serving(function(h)
		process.eventually(function()
			return h.core:text("stderr"):find("asking", 1, true)
		end)
		assert.is_true(units(h) >= 15 / process.slowness)
		local r = h:run("sensor", "disable", "evil.E")
		assert.equal(0, r.code, r.stderr)
	end, function(h)
		h:write_sensor("evil", "E", (ATTACKER:gsub("%%s", h.data)))
	end))

	it("hold up no deadline and no other client", serving(function(h)
		h.clients = flood.start(3, h.sock)
		local silent, began = assert(http.connect(h.port)), process.now()
		silent:send("GET /v1/st")
		h:write_sensor("loop", "L", (VICTIM:gsub("self.-\n",
			"while true do end\n")), "poll_interval: 3600\n" .. TICK)
		h.core:signal("HUP")
		h.core:wait_for("ran for over 0.5 s %(limits.slice%)")
		assert.equal(408, assert(silent:answer()).status)
		assert.is_true(process.now() - began < 3 * process.slowness)
		for _ = 1, 20 do
			began = process.now()
			assert.equal(200, http.ask(h.sock, "GET", "/v1/status").status)
			assert.is_true(process.now() - began < process.slowness)
		end
	end))

	it("have their bodies read in turns, too", serving(function(h)
		local clients, undisturbed = {}, units(h)
		for i = 1, 200 do
			clients[i] = assert(http.connect(h.port))
			clients[i]:send("POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n"
				.. "Content-Length: 600000\r\n\r\n")
		end
		for _ = 1, 3 do
			for _, c in ipairs(clients) do
				assert.is_true(c:send(("x"):rep(150000)))
			end
		end
		assert.is_true(units(h) >= undisturbed / 2)
		for i = 1, 200 do
			assert.is_true(clients[i]:send(("x"):rep(150000)))
			assert.equal(200, assert(clients[i]:answer()).status)
			clients[i]:close()
		end
	end))

	it("are answered while sensors dispatch without pause", serving(
	    function(h)
		for _ = 1, 20 do
			local began = process.now()
			assert.equal(200, http.ask(h.port, "GET", "/v1/status").status)
			assert.is_true(process.now() - began < process.slowness)
		end
	end, function(h)
		for i = 1, 8 do
			h:write_sensor("busy", "B" .. i, [[
local C = require("sensorhost.sensor"):extend()
function C:run()
	while true do
		for i = 1, 100 do
			self.sensor_service:dispatch("victim.tick", { i = i })
		end
		self.sensor_service:commit()
	end
end
return C
]])
		end
	end))

	it("see a stopping host hang up in order", host.with(function(h)
		h:write_sensor("victim", "V", VICTIM, "poll_interval: 0.01\n" .. TICK)
		for _ = 1, 4 do
			local core = h:start({ "serve", stdout = "/dev/null" })
			core:wait_for("ready: ")
			local clients = flood.start(1, h.data .. "/api.sock", 30)
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
			for status in pairs(flood.stop(clients)) do
				assert.is_true(status == "200" or status == "503", status)
			end
		end
	end))
end)

describe("a request that is held", function()
	it("is answered at a stop that makes an end of it", host.with(function(h)
		h:write_sensor("victim", "V", VICTIM, "poll_interval: 3600\n" .. TICK)
		local library = shim.compile(h.dir, shim.last_page(
			[[access("]] .. h.dir .. [[/full", F_OK) == 0 ? EDQUOT : 0]]))
		local core = h:start({ "serve", stdout = "/dev/null",
			env = { LD_PRELOAD = shim.preload(library) } })
		core:wait_for("ready: ")
		h:write("full", "")
		local c = assert(http.connect(h.data .. "/api.sock"))
		c:send("POST /v1/sensortypes/victim.V/disable HTTP/1.1\r\n"
			.. "Host: localhost\r\nContent-Length: 0\r\n\r\n")
		core:wait_for("Disk quota exceeded; sensors wait")
		core:signal("TERM")
		local answer = assert(c:answer())
		assert.equal(503, answer.status)
		assert.equal("the host stops; nothing was changed",
			answer.json.faultstring)
		core:wait()
	end))
end)
