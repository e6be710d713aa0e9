-- A sensor whose file does not load: what `run` says, and when.

local host = require("spec.support.host")
local process = require("spec.support.process")

describe("a sensor that does not load", function()
	it("is reported at once, and ends its worker", host.with(function(h)
		h:write_sensor("demo", "S", "error('no luck')")
		local config = h:write("sensorhost.yaml",
			'emit_internal: ["core.*"]\n')
		-- On a busy machine core may run out of patience and kill it.
		process.eventually(function()
			local r = h:run("run", "demo.S", "--once", "--config", config)
			assert.equal(1, r.code)
			assert.truthy(r.stderr:find("sensors/s.lua:1: no luck", 1,
				true))
			local exits = h:internal("sensor.process_exit")
			return exits[#exits].payload.object.exit_code
		end, "an end that is no kill")
	end))

	it("can be stopped while it waits for its next start",
		host.with(function(h)
		h:write_sensor("demo", "S", "error('no luck')")
		local run = h:start("run", "demo.S")
		run:wait_for("failed in load")
		run:wait_for("starts again in 2%S* s %(2nd time since")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
		assert.is_nil(run:text("stderr"):find("no message", 1, true))
	end))
end)

describe("a sensor's mistakes", function()
	local sensors = require("spec.support.sensors")

	it("in what poll returns are said, once", host.with(function(h)
		sensors.polls(h, 'svc:dispatch("demo.any", {}) return false, "x"')
		local run = h:start("run", "demo.S", "--count", "4")
		assert.same({ "exited", 0 }, { run:wait() })
		local _, n = run:text("stderr"):gsub("poll returned false, which "
			.. "means nothing here: .*returns nil and an error", "")
		assert.equal(1, n)
	end))

	it("are told with the message of a table", host.with(function(h)
		sensors.polls(h, 'return nil, { kind = "timeout", message = "late" }')
		local r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.matches("poll failed, its unit is undone: late", r.stderr)
		sensors.polls(h, 'error({ message = "thrown" })')
		r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.matches("failed in poll: thrown", r.stderr)
	end))

	it("in the name of a module are put right", host.with(function(h)
		local said = sensors.said(h, {
			json = 'require("json")',
			typo = 'require("sensorhost.polling_senser")',
			far = 'require("nothing_near")',
		})
		assert.matches('module "json" not found: did you mean '
			.. '"sensorhost%.json"%?; searched: ', said.json.first)
		assert.matches('did you mean "sensorhost.polling_sensor"',
			said.typo.first)
		assert.is_nil(said.far.first:find("did you mean", 1, true))
	end))
end)

describe("a file that is no Lua", function()
	local TEXTS = {
		["local x = = 3"] = "1:11: unexpected symbol near '='",
		["if x then\n"] = "2:1: 'end' expected",
		["\nprint(1))"] = "2:9: ",
		['local x = "abc\n'] = "1:11: unfinished string",
		["\n\tbreak"] = "2:2: no loop to break",
		["local a = 1 a = a ~~ 1"] = "1:19: ",
		["goto x"] = "1:1: undefined label",
	}

	it("is rejected with its place", host.with(function(h)
		for text, wanted in pairs(TEXTS) do
			h:write_sensor("demo", "S", text)
			local r = h:run("run", "demo.S")
			assert.equal(1, r.code)
			assert.truthy(r.stderr:find("rejected: sensors/s.lua:" .. wanted,
				1, true), text .. "\n" .. r.stderr)
			assert.matches("mend it, then reload", r.stderr)
			r = h:run("check", "demo")
			assert.equal(1, r.code)
			assert.truthy(r.stdout:find("packs/demo/sensors/s.lua:" .. wanted,
				1, true), r.stdout)
		end
	end))

	it("is taken up again when it is mended", host.with(function(h)
		h:write_sensor("demo", "S", "local x = = 3")
		h:write_sensor("other", "T", [[
local T = require("sensorhost.sensor"):extend()
function T:run() self:wait() end
return T]])
		local run = h:start("serve")
		run:wait_for("rejected: sensors/s.lua:1:11: ")
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.sensor"):extend()
function S:run() print("mended") self:wait() end
return S]])
		run:signal("HUP")
		run:wait_for("mended")
		run:signal("TERM")
		assert.same({ "exited", 0 }, { run:wait() })
	end))

	it("is one of the pack too, at the line that requires it",
		host.with(function(h)
		h:write_sensor("demo", "S", "\nrequire('m')")
		h:write_pack("demo", { ["lib/m.lua"] = "local x =\n= 3" })
		local r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.matches("lib/m.lua:2:1: unexpected symbol near '='.*"
			.. "sensors/s.lua:2: ", r.stderr)
	end))
end)

describe("a passive sensor's poll_interval", function()
	it("is ignored, with a warning", host.with(function(h)
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.sensor"):extend()
function S:run() self:finish() end
return S]], "poll_interval: 3\n")
		local r = h:run("check", "demo")
		assert.equal(0, r.code)
		assert.matches('s%.yaml:3:1: warning: "poll_interval" is ignored',
			r.stdout)
		assert.is_nil(r.stderr:find("poll_interval", 1, true)) -- said once
		r = h:run("run", "demo.S")
		assert.equal(0, r.code)
		assert.matches("poll_interval in sensors/s.yaml is ignored", r.stderr)
	end))
end)
