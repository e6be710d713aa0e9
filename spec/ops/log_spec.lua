-- The log: its forms, its levels, its file, and who reads it too slowly.

local cjson = require("cjson")
local host = require("spec.support.host")
local process = require("spec.support.process")
local stat = require("posix.sys.stat")

local TALKER = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:setup()
	self.log:debug("a debug line")
	self.log:info("an info line")
	self.sensor_service:get_logger("net"):warning("two\nlines")
	self.log:error("an error line")
end
function S:poll() end
return S
]]

-- A host with two sensors that say something in setup, and this log section.
local function talking(section, fn)
	return host.with(function(h)
		h:write_sensor("demo", "Loud", TALKER)
		h:write_sensor("demo", "Quiet", TALKER)
		h.config = h:write("sensorhost.yaml", "log: " .. section .. "\n")
		fn(h)
	end)
end

local function start(h, options)
	options = options or {}
	options[1], options[2], options[3] = "serve", "--config", h.config
	local core = h:start(options)
	return core
end

local function stop(core)
	core:signal("TERM")
	assert.same({ "exited", 0 }, { core:wait() })
end

local eventually = process.eventually

describe("the log", function()
	it("says time, level, sensor and generation", talking("{}", function(h)
		local core = start(h)
		core:wait_for("ready: ")
		stop(core)
		local text = core:text("stderr")
		assert.truthy(("\n" .. text):find("\n20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ "
			.. "info demo%.Loud%[1%]: an info line\n"), text)
		assert.truthy(text:find("warning demo.Quiet.net[1]: two\n    lines\n", 1,
			true), text)
		assert.falsy(text:find("debug", 1, true), text)
	end))

	it("can be JSON, an object a line", talking("{format: json}", function(h)
		local core = start(h)
		core:wait_for("ready: ")
		stop(core)
		local seen = {}
		for line in core:text("stderr"):gmatch("[^\n]+") do
			if line:match("^{") then
				local event = cjson.decode(line)
				assert.truthy(event.time:match("^%d+%-%d%d%-%d%dT.*Z$"))
				seen[(event.sensor or "") .. "|" .. event.message] = event
			end
		end
		local event = assert(seen["demo.Loud|two\nlines"])
		assert.same({ "warning", 1, "net" },
			{ event.level, event.generation, event.logger })
		assert.is_nil(assert(seen["demo.Loud|an info line"]).logger)
	end))

	it("has levels of single sensors",
		talking("{level: warning, sensors: {demo.Loud: debug, demo.Quiet: "
			.. "critical}}", function(h)
			local core = start(h)
			core:wait_for("ready: ")
			stop(core)
			local text = core:text("stderr")
			assert.truthy(text:find("demo.Loud[1]: a debug line", 1, true), text)
			assert.truthy(text:find("demo.Loud[1]: running", 1, true), text)
			assert.falsy(text:find("demo.Quiet", 1, true), text)
		end))

	it("is a file that is opened anew on SIGUSR1",
		talking("{file: logs/host.log}", function(h)
			h:write("logs/keep", "")
			local core = start(h)
			core:wait_for("ready: ")
			assert.falsy(core:text("stderr"):find("an info line", 1, true))
			assert.truthy(h:read("logs/host.log"):find("an info line", 1, true))
			assert(os.rename(h.dir .. "/logs/host.log", h.dir .. "/logs/old.log"))
			core:signal("USR1")
			eventually(function()
				return h:read("logs/host.log")
			end)
			h:write("packs/demo/sensors/loud.lua", TALKER .. "-- changed\n")
			core:signal("HUP")
			eventually(function()
				return h:read("logs/host.log"):find("an info line", 1, true)
			end)
			assert(os.rename(h.dir .. "/logs", h.dir .. "/gone"))
			core:signal("USR1")
			eventually(function()
				return h:read("gone/host.log"):find("goes on in the file", 1, true)
			end)
			stop(core)
		end))

	it("must be a file that can be opened",
		talking("{file: nowhere/host.log}", function(h)
			local result = h:run("serve", "--config", h.config)
			assert.equal(1, result.code)
			assert.truthy(result.stderr:find("log.file: cannot open", 1, true),
				result.stderr)
		end))

	it("gives the journal a priority for each line", talking("{}", function(h)
		local file = h:write("journal", "")
		local at = stat.stat(file)
		local core = start(h, { stderr = file, env = {
			JOURNAL_STREAM = ("%d:%d"):format(at.st_dev, at.st_ino) } })
		local text = eventually(function()
			local text = "\n" .. h:read("journal")
			return text:find("ready: ", 1, true) and text
		end)
		stop(core)
		assert.truthy(text:find("\n<6>demo.Loud[1]: an info line\n", 1, true), text)
		assert.truthy(text:find("\n<4>demo.Quiet.net[1]: two\n<4>    lines\n", 1,
			true), text)
		assert.truthy(text:find("\n<3>demo.Loud[1]: an error line\n", 1, true),
			text)
	end))

	it("does not hold up the host when nobody reads it", host.with(function(h)
		for i = 1, 4 do
			h:write_sensor("demo" .. i, "Flood", [[
local S = require("sensorhost.polling_sensor"):extend()
local line = ("x"):rep(60000)
function S:poll()
	self.polls = (self.polls or 0) + 1
	for _ = 1, self.polls <= 5 and 20 or 1 do
		self.log:info(line)
	end
	self.sensor_service:dispatch("demo]] .. i .. [[.tick")
end
return S
]], "poll_interval: 0.1\ntrigger_types: [{name: tick}]\n")
		end
		local core = h:start("serve")
		core:wait_for("ready: ")
		eventually(function()
			return #h:journal() > 5
		end)
		core:wait_for("warning %d+ log lines lost: they were not taken in time")
		stop(core)
	end))
end)
