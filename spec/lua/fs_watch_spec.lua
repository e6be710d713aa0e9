-- sensorhost.fs_watch in the real program.

local host = require("spec.support.host")

local SENSOR = [[
local Sensor = require("sensorhost.sensor")
local fs_watch = require("sensorhost.fs_watch")
local Watcher = Sensor:extend()
function Watcher:run()
	local w = assert(fs_watch.open(%q, %s))
	self.log:info("open")
	for event in w:events() do
		self.sensor_service:dispatch("w.event", event)
	end
	self.log:info("over")
	self:finish("over")
end
return Watcher
]]

local METADATA = "trigger_types:\n  - name: event\n"

local function start(h, path, options)
	h:write_sensor("w", "Watcher", SENSOR:format(h.dir .. "/" .. path,
		options or "nil"), METADATA)
	local r = h:start("run", "w.Watcher")
	r:wait_for("open$")
	return r
end

local function sh(h, command)
	assert(os.execute("cd " .. h.dir .. " && " .. command) == 0)
end

-- The next event, its paths relative to the host's folder.
local function event(h, r)
	local payload = r:json().payload
	local function short(path)
		return path and path:sub(#h.dir + 2)
	end
	return payload.kind .. " " .. short(payload.path)
		.. (payload.from and " from " .. short(payload.from) or "")
end

describe("sensorhost.fs_watch", function()
	it("tells what happens in a folder", host.with(function(h)
		h:write("in/old", "x")
		local r = start(h, "in")
		sh(h, "echo 1 > in/a && mv in/a in/b && rm in/b && rm in/old")
		for _, expected in ipairs({ "created in/a", "written in/a",
			"renamed in/b from in/a", "removed in/b", "removed in/old" }) do
			assert.equal(expected, event(h, r))
		end
	end))

	it("follows one file, also when it is replaced", host.with(function(h)
		h:write("in/conf", "x")
		local r = start(h, "in/conf")
		sh(h, "echo 1 > in/other && echo 2 >> in/conf && echo 3 > in/new "
			.. "&& mv in/new in/conf && rm in/conf")
		for _, expected in ipairs({ "written in/conf", "removed in/conf" }) do
			local found
			repeat
				found = event(h, r)
				assert.truthy(found:find("in/conf", 1, true), found)
			until found == expected
		end
	end))

	it("looks into folders below, old and new", host.with(function(h)
		h:write("in/one/two/x", "x")
		local r = start(h, "in",
			'{ recursive = true, events = { "created", "removed" } }')
		sh(h, "echo > in/one/two/y")
		assert.equal("created in/one/two/y", event(h, r))
		sh(h, "mkdir -p in/three/four && echo > in/three/four/z")
		local seen = {}
		for _ = 1, 3 do
			seen[event(h, r)] = true
		end
		assert.same({ ["created in/three"] = true,
			["created in/three/four"] = true,
			["created in/three/four/z"] = true }, seen)
		sh(h, "mv in/three in/five && echo > in/five/four/w")
		assert.equal("created in/five/four/w", event(h, r))
		sh(h, "rm -r in/five/four")
		seen = {}
		for _ = 1, 3 do
			seen[event(h, r)] = true
		end
		assert.is_true(seen["removed in/five/four"])
	end))

	it("ends when the folder is gone", host.with(function(h)
		h:write("in/x", "x")
		local r = start(h, "in")
		sh(h, "rm -r in")
		assert.equal("removed in/x", event(h, r))
		assert.equal("removed in", event(h, r))
		assert.same({ "exited", 0 }, { r:wait() })
	end))

	it("finds out itself what the kernel did not tell", host.with(function(h)
		h:write("in/kept", "x")
		h:write("in/goes", "x")
		h:write_sensor("w", "Watcher", [[
local Sensor = require("sensorhost.sensor")
local fs_watch = require("sensorhost.fs_watch")
local time = require("sensorhost.time")
local Watcher = Sensor:extend()
function Watcher:run()
	local w = assert(fs_watch.open("]] .. h.dir .. [[/in"))
	self.log:info("open")
	time.sleep(0)
	-- So long in Lua that the kernel's queue of events runs over.
	local stop
	repeat
		stop = io.open("]] .. h.dir .. [[/stop")
	until stop
	stop:close()
	local found = {}
	for event in w:events() do
		found[event.path:match("[^/]*$")] = event.kind
		if found.last and found.late and found.goes then
			break
		end
	end
	self.sensor_service:dispatch("w.event", { goes = found.goes,
		late = found.late })
	w:close()
	self:finish()
end
return Watcher
]], METADATA)
		local r = h:start("run", "w.Watcher")
		r:wait_for("open$")
		sh(h, [[i=0; while [ $i -lt 9000 ]; do : > in/a; : > in/b; ]]
			.. [[i=$((i+1)); done; : > in/late; rm in/goes; : > in/last; ]]
			.. [[: > stop]])
		assert.same({ goes = "removed", late = "created" },
			r:json().payload)
	end))

	it("says what is wrong", host.with(function(h)
		h:write_sensor("w", "Wrong", [[
local PollingSensor = require("sensorhost.polling_sensor")
local fs_watch = require("sensorhost.fs_watch")
local Wrong = PollingSensor:extend()
function Wrong:poll()
	local function try(fn, ...)
		local ok, err = pcall(fn, ...)
		self.log:info("%s: %s", tostring(ok), tostring(err))
	end
	try(function() fs_watch.open() end)
	try(function() fs_watch.open("/", { events = { "writen" } }) end)
	try(function() fs_watch.open("/", { recursiv = true }) end)
	local w = assert(fs_watch.open("/"))
	try(function() w.events() end)
	w:close()
	w:close()
	try(function() w:events() end)
	local none, err = fs_watch.open("/no/such/folder")
	self.log:info("%s %s %s", tostring(none), err.kind, err)
end
return Wrong
]])
		local result = h:run("run", "w.Wrong", "--once")
		assert.equal(0, result.code, result.stderr)
		for _, text in ipairs({
			"wrong.lua:9: fs_watch.open: path must be a string, not nil",
			'holds the string "writen"; did you mean "written"?',
			'unknown option "recursiv"; did you mean "recursive"?',
			"fs_watch.events() needs a colon: fs_watch:events()",
			"fs_watch:events(): the watch is closed",
			"nil not_found fs_watch.open /no/such/folder: ",
		}) do
			assert.truthy(result.stderr:find(text, 1, true),
				text .. " is not in " .. result.stderr)
		end
	end))
end)
