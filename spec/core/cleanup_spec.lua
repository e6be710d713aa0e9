-- An error that cleanup raises is said, whatever the end was, and once.

local host = require("spec.support.host")
local process = require("spec.support.process")

local CLASS = [[
local time = require("sensorhost.time")
local S = require("sensorhost.%s"):extend()
%s
function S:cleanup(why) error("bad cleanup: " .. why) end
return S, time
]]

-- Waits for a text, which may have come before.
local function has_said(core, text)
	process.eventually(function()
		return core:text("stderr"):find(text, 1, true)
	end, text)
end

-- fn(h, core) with demo.S under serve; then it is stopped, and its log must
-- have each of the texts once.
local function says(body, texts, fn, passive)
	return host.with(function(h)
		h:write_sensor("demo", "S", CLASS:format(passive and "sensor"
			or "polling_sensor", body))
		local core = h:start("serve", "--config",
			h:write("sensorhost.yaml", "stop_timeout: 4s\n"))
		core:wait_for("^ready")
		fn(h, core)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
		local log = core:text("stderr")
		for _, text in ipairs(texts) do
			assert.equal(1, select(2, log:gsub(text:gsub("%p", "%%%0"), "")),
				text .. " in\n" .. log)
		end
	end)
end

describe("a failed cleanup is said once", function()
	it("after a stop", says("function S:poll() end",
		{ "failed in cleanup: sensors/s.lua:4: bad cleanup: shutdown" },
		function() end))

	it("after an error", says("function S:poll() error('bad poll') end",
		{ "sensors/s.lua:3: bad poll", "bad cleanup: failed" },
		function(_, core) has_said(core, "bad cleanup") end))

	it("after finish", says("function S:run() self:finish('done') end",
		{ "finished: done", "bad cleanup: finished" },
		function(_, core) has_said(core, "bad cleanup") end, true))

	it("after reject", says("function S:run() self:reject('no') end",
		{ "rejected: no", "bad cleanup: rejected" },
		function(_, core) has_said(core, "bad cleanup") end, true))

	it("of the version before a reload", says("function S:poll() end",
		{ "bad cleanup: reload", "bad cleanup: shutdown" },
		function(h)
			h:write_sensor("demo", "S", CLASS:format("polling_sensor",
				"function S:poll() end -- changed"))
			assert.equal(0, h:run("reload").code)
		end))

	it("of the version that failed to take over", says(
		"function S:poll() end",
		{ "bad setup; if", "bad cleanup: failed", "bad cleanup: shutdown" },
		function(h)
			h:write_sensor("demo", "S", CLASS:format("polling_sensor",
				"function S:setup() error('bad setup') end "
				.. "function S:poll() end"))
			assert.equal(1, h:run("reload").code)
		end))

	it("where it failed while it was to stop", says(
		[[function S:poll() print("polls") time.sleep(0.5)
			error("bad poll") end]],
		{ "poll failed while the sensor was ending: sensors/s.lua:4: bad poll",
			"bad cleanup: shutdown" },
		function(_, core) has_said(core, "polls") end))

	it("of --once", host.with(function(h)
		h:write_sensor("demo", "S", CLASS:format("polling_sensor",
			"function S:poll() end"))
		local result = h:run("run", "demo.S", "--once")
		assert.equal(1, result.code)
		assert.equal(1, select(2, result.stderr:gsub("bad cleanup: once", "")))
	end))
end)
