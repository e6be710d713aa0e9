-- Which version of a sensor runs, whatever comes between a reload and its
-- end: deaths, restarts, edits that are taken back, versions that fail.

local host = require("spec.support.host")
local process = require("spec.support.process")
local signal = require("posix.signal")
local serving = require("spec.support.serving")

local TICK = "poll_interval: 0.02\ntrigger_types: [{name: tick}]\n%s"

-- Loads for as long as its file exists, then is a counter of that version.
local SLOW = [[
while io.open("%s") do end
]]

local function counter(version, before, more)
	return ([[
%s
local S = require("sensorhost.polling_sensor"):extend()
function S:poll()
	local n = self.sensor_service:get_number("n", 0) + 1
	self.sensor_service:dispatch("demo.tick", { n = n, v = %d })
	self.sensor_service:set_value("n", n)
end
%s
return S]]):format(before or "", version, more or "")
end

-- demo.S counts as version 1 under `serve`; fn(h) with what is below.
local function counting(fn, metadata, config)
	return host.with(function(h)
		function h:edit(version, before, more)
			self:write_sensor("demo", "S", counter(version, before, more),
				TICK:format(metadata or ""))
		end
		-- A version that loads for as long as the gate is there.
		function h:edit_slow(version)
			self:write("gate", "")
			self:edit(version, SLOW:format(self.dir .. "/gate"))
		end
		function h:open_gate()
			os.remove(self.dir .. "/gate")
		end
		function h:hup()
			self.core:signal("HUP")
		end
		function h:worker()
			return host.family(self.core.pid).workers[1]
		end
		function h:workers(n)
			return process.eventually(function()
				local workers = host.family(self.core.pid).workers
				return #workers == n and workers
			end, n .. " workers")
		end
		function h:last()
			local all = self:journal()
			return all[#all]
		end
		-- Waits until the version counts.
		function h:counts(version)
			local before = #self:journal()
			process.eventually(function()
				local all = self:journal()
				return #all > before and all[#all].payload.v == version
			end, "version " .. version)
		end
		h:edit(1)
		h.core = h:start("serve", "--config", h:write("sensorhost.yaml",
			config or "stop_timeout: 2s\nsetup_timeout: 1s\n"
				.. "limits: {slice: 1h}\n"))
		h.core:wait_for("^ready")
		h:counts(1)
		fn(h)
		h:open_gate()
		h.core:signal("TERM")
		assert.same({ "exited", 0 }, { h.core:wait() })
		local generation = 0
		for n, record in ipairs(h:journal()) do
			assert.equal(n, record.payload.n)
			assert.is_true(record.generation >= generation)
			generation = record.generation
		end
	end)
end

describe("while a new version loads", function()
	it("the death of the old one makes the new one start by itself",
		counting(function(h)
		h:edit_slow(2)
		h:hup()
		h:workers(2)
		signal.kill(h:worker(), signal.SIGKILL)
		h.core:wait_for("the version before the reload ended: killed by")
		-- What has no process does not run.
		local s = h:run("sensor", "get", "demo.S", "--json")
		assert.truthy(s.stdout:find('"state":%s*"starting"'), s.stdout)
		assert.truthy(s.stdout:find("killed by signal 9", 1, true))
		-- Neither another reload nor another version ends the host.
		h:edit(3)
		h:open_gate()
		assert.equal(0, h:run("reload").code)
		h:counts(3)
	end))

	it("a restart starts the version that has loaded", counting(function(h)
		h:edit_slow(2)
		h:hup()
		h:workers(2)
		assert.equal(0, h:run("sensor", "restart", "demo.S").code)
		h.core:wait_for("not reloaded: it was stopped or restarted")
		h:open_gate()
		h:counts(1)
		h:hup()
		h:counts(2)
	end))

	it("one whose worker died restarts without going back",
		counting(function(h)
		h:edit_slow(2)
		h:hup()
		h:workers(2)
		signal.kill(h:worker(), signal.SIGKILL)
		h.core:wait_for("the version before the reload ended")
		assert.equal(0, h:run("sensor", "restart", "demo.S").code)
		h:open_gate()
		h:counts(2)
	end))

	it("an edit that is taken back stays away", counting(function(h)
		h:edit_slow(2)
		h:hup()
		h:workers(2)
		h:edit(1)
		local result = h:run("reload")
		assert.equal(0, result.code)
		assert.truthy(result.stdout:find("1 unchanged", 1, true),
			result.stdout)
		h.core:wait_for("the change was taken back")
		h:open_gate()
		h:workers(1)
		h:counts(1)
		assert.equal(1, h:last().generation)
	end))

	it("a stop ends it, and it starts as the one that has loaded",
		counting(function(h)
		h:edit_slow(2)
		h:hup()
		h:workers(2)
		assert.equal(0, h:run("sensor", "disable", "demo.S").code)
		h:workers(0)
		h:open_gate()
		assert.equal(0, h:run("sensor", "enable", "demo.S").code)
		h:counts(1)
	end))
end)

describe("a handover that has quieted the old version", function()
	it("makes way for an edit that is taken back", counting(function(h)
		h:edit(2, "", 'function S:setup() print("sets up") '
			.. 'require("sensorhost.time").sleep(0.9) end')
		h:hup()
		h.core:wait_for("sets up")
		h:edit(1)
		h:hup()
		h.core:wait_for("the change was taken back")
		h:counts(1)
		assert.equal(1, h:last().generation)
	end))
end)

describe("a new version that rejects itself", function()
	for what, more in pairs({
		["in setup"] = "function S:setup() self:reject('no key') end",
		["in init"] = "function S:init() self:reject('no key') end",
		["in a task of its setup"] = [[
function S:setup()
	require("sensorhost.spawn")(function() self:reject('no key') end)
	require("sensorhost.time").sleep(0.5)
end]],
		["when its setup has ended"] = [[
function S:setup()
	require("sensorhost.spawn")(function()
		require("sensorhost.time").sleep(0.3)
		self:reject('no key')
	end)
	require("sensorhost.time").sleep(0.2)
end]],
	}) do
		it(what .. " does not take the old one down", counting(function(h)
			local first = h:worker()
			h:edit(1, "", "function S:cleanup() "
				.. "require('sensorhost.time').sleep(0.6) end")
			assert.equal(0, h:run("reload").code)
			h:counts(1)
			assert.are_not.equal(first, h:worker())
			h:edit(2, "", more)
			local result = h:run("reload")
			assert.equal(1, result.code)
			assert.truthy(result.stdout:find("demo.S failed: no key", 1, true),
				result.stdout)
			h.core:wait_for("reload failed, the .* rejected: no key")
			h:counts(1)
			h:workers(1)
			for _, record in ipairs(h:journal()) do
				assert.equal(1, record.payload.v)
			end
		end))
	end

	it("does not take one down that says reload: restart",
		counting(function(h)
		h:edit(2, "", "function S:setup() self:reject('no key') end")
		local result = h:run("reload")
		assert.equal(1, result.code)
		assert.truthy(result.stdout:find("demo.S failed: no key", 1, true))
		h:counts(1)
	end, "reload: restart\n"))
end)

describe("a sensor that says reload: restart", function()
	it("is not stopped for a version that does not load",
		counting(function(h)
		local worker = h:worker()
		h:edit(2, "this is no Lua")
		assert.equal(1, h:run("reload").code)
		h:counts(1)
		assert.equal(worker, h:worker())
	end, "reload: restart\n"))

	it("goes back to the version that ran when setup fails",
		counting(function(h)
		h:edit(2, "", "function S:setup() error('no setup') end")
		local result = h:run("reload")
		assert.equal(1, result.code)
		assert.truthy(result.stdout:find("no setup", 1, true))
		h.core:wait_for("the version before it is started again")
		h:counts(1)
		h:edit(3)
		assert.equal(0, h:run("reload").code)
		h:counts(3)
	end, "reload: restart\n"))
end)

describe("a version that has run", function()
	-- While its worker is dead, too, and waits for its next start.
	for what, more in pairs({
		["fails in setup"] = "function S:setup() error('no setup') end",
		["rejects itself"] = "function S:setup() self:reject('no key') end",
		["does not end its setup"] = "function S:setup() "
			.. "require('sensorhost.time').sleep(60) end",
	}) do
		it("comes back when another " .. what, counting(function(h)
			h:edit(2, "", more)
			assert.equal(1, h:run("reload").code)
			h:counts(1)
			signal.kill(h:worker(), signal.SIGKILL)
			h.core:wait_for("killed by signal 9 .* starts again in")
			assert.equal(1, h:run("reload").code)
			h.core:wait_for("the version before it is started again")
			h:counts(1)
		end))
	end

	it("and has finished is not started again for one that does not load",
		counting(function(h)
		h:edit(2, "", "function S:poll() self.sensor_service:dispatch("
			.. "'demo.tick', { n = self.sensor_service:get_number('n') + 1, "
			.. "v = 2 }) self.sensor_service:set_value('n', "
			.. "self.sensor_service:get_number('n') + 1) self:finish() end")
		assert.equal(0, h:run("reload").code)
		h.core:wait_for("finished")
		local before = #h:journal()
		for _ = 1, 3 do
			h:edit(3, "this is no Lua")
			assert.equal(1, h:run("reload").code)
			h.core:wait_for("the version before it has finished")
		end
		assert.truthy(h:run("sensor", "get", "demo.S", "--json").stdout
			:find('"state":%s*"finished"'))
		assert.equal(before, #h:journal())
		h:edit(4)
		assert.equal(0, h:run("reload").code)
		h:counts(4)
	end))
end)

describe("after a reload that failed", function()
	it("enable and restart start the version that loaded last",
		counting(function(h)
		h:edit(2, "this is no Lua")
		assert.equal(1, h:run("reload").code)
		h:edit(3)
		assert.equal(0, h:run("sensor", "disable", "demo.S").code)
		h:workers(0)
		assert.equal(0, h:run("sensor", "enable", "demo.S").code)
		h:counts(1)
		assert.equal(0, h:run("sensor", "restart", "demo.S").code)
		h:counts(1)
		assert.equal(0, h:run("reload").code)
		h:counts(3)
	end))

	it("of a disabled one too", counting(function(h)
		assert.equal(0, h:run("sensor", "disable", "demo.S").code)
		h:workers(0)
		h:edit(2, "this is no Lua")
		assert.equal(0, h:run("reload").code)
		assert.equal(0, h:run("sensor", "enable", "demo.S").code)
		h.core:wait_for("the version before it is started again")
		h:counts(1)
	end))
end)

describe("a sensor that runs while its files are broken", function()
	-- What is written into its metadata, and what the reload says.
	for what, text in pairs({
		["no YAML"] = "\tx\n",
		["nothing"] = "",
		["rejected"] = "class_name: Tick\nentry_point: tick/main.lua\n"
			.. "trigger_types: 7\n",
		["without an entry point"] = "class_name: Tick\n"
			.. "entry_point: nowhere.lua\n",
	}) do
		it(("(%s) is listed and can be stopped"):format(what),
			serving(function(h)
			h:await("Tick", "running")
			local was = h:get("Tick")
			h:write("packs/demo/sensors/tick.yaml", text)
			assert.equal(1, h:run("reload").code)
			local now = h:get("Tick")
			for _, name in ipairs({ "state", "enabled", "description", "pid",
				"poll_interval" }) do
				assert.equal(was[name], now[name], name)
			end
			assert.truthy(now.last_error:find("reload failed: ", 1, true))
			local listed = 0
			for _, s in ipairs(h:ask("GET", "/v1/sensortypes").json) do
				listed = listed + (s.ref == "demo.Tick" and 1 or 0)
			end
			assert.equal(1, listed)
			assert.equal(now.id, h:ask("GET", "/v1/sensortypes/" .. now.id)
				.json.id)
			assert.equal(3, h:ask("GET", "/v1/status").json.sensors.total)
			assert.equal(0, h:run("sensor", "restart", "demo.Tick").code)
			h:await("Tick", "running")
			assert.equal(0, h:run("sensor", "disable", "demo.Tick").code)
			h:await("Tick", "disabled")
			assert.equal(0, h:run("sensor", "enable", "demo.Tick").code)
			h:await("Tick", "running")
		end))
	end

	it("and is disabled is listed as that, over a restart too",
		serving(function(h)
		h:await("Tick", "running")
		assert.equal(0, h:run("sensor", "disable", "demo.Tick").code)
		h:await("Tick", "disabled")
		h:sensor("Tick", "", nil, "trigger_types: 7\n")
		assert.equal(1, h:run("reload").code)
		assert.equal("disabled", h:get("Tick").state)
		h.core:signal("TERM")
		assert.same({ "exited", 0 }, { h.core:wait() })
		h.core = h:start("serve")
		h.core:wait_for("^ready")
		assert.equal("disabled", h:get("Tick").state)
		assert.equal(200, h:ask("POST", "/v1/sensortypes/demo.Tick/enable")
			.status)
		assert.equal("rejected", h:get("Tick").state)
	end))

	it("that rejected itself is disabled when it has been",
		serving(function(h)
		h:await("Shy", "rejected")
		assert.equal(0, h:run("sensor", "disable", "demo.Shy").code)
		assert.equal("disabled", h:get("Shy").state)
		assert.equal(0, h:run("sensor", "enable", "demo.Shy").code)
		h:await("Shy", "rejected")
	end, function(h)
		h:sensor("Shy", 'self:reject("no key")')
	end))

	it("is gone from the list once its files are", serving(function(h)
		h:await("Tick", "running")
		h:write("packs/demo/sensors/tick.yaml", "\tx\n")
		assert.equal(1, h:run("reload").code)
		os.remove(h.packs .. "/demo/sensors/tick.yaml")
		assert.equal(0, h:run("reload").code)
		process.eventually(function()
			return h:ask("GET", "/v1/sensortypes/demo.Tick").status == 404
		end, "its end")
	end))

	it("under another name is the other one alone", serving(function(h)
		h:await("Tick", "running")
		h:write("packs/demo/sensors/tick.yaml", "\tx\n")
		assert.equal(1, h:run("reload").code)
		h:sensor("Tick", "", nil, "")
		h:write("packs/demo/sensors/tick.yaml", "class_name: Tack\n"
			.. "entry_point: tick/main.lua\n")
		assert.equal(0, h:run("reload").code)
		h:await("Tack", "running")
		assert.equal(404, h:ask("GET", "/v1/sensortypes/demo.Tick").status)
	end))
end)
