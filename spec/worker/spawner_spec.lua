-- The process of a worker: whose child it is, and what it has not got.

local dirent = require("posix.dirent")
local host = require("spec.support.host")
local process = require("spec.support.process")

local function read(path)
	local f = io.open(path)
	local text = f and f:read("*a")
	if f then
		f:close()
	end
	return text
end

-- Where a descriptor of a process leads; nil if there is none.
local function descriptor(pid, fd)
	local p = io.popen(("readlink /proc/%d/fd/%s"):format(pid, fd))
	local to = p:read("*l")
	p:close()
	return to
end

-- The processes whose parent is pid, by their names.
local function children(pid)
	local found = {}
	for name in dirent.files("/proc") do
		local status = name:match("^%d+$") and read("/proc/" .. name .. "/status")
		if status and tonumber(status:match("PPid:%s*(%d+)")) == pid then
			found[status:match("Name:%s*(%S+)")] = tonumber(name)
		end
	end
	return found
end

describe("a worker", function()
	it("is core's child, has no privileges, files or environment of core's",
		host.with(function(h)
			h:write_sensor("demo", "Checker", [[
local C = require("sensorhost.sensor"):extend()
function C:run()
	self.log:info("HOME is %s, random is %d", os.getenv("HOME"),
		math.random(1e9))
	self.sensor_service:dispatch("demo.tick")
	self:wait()
end
return C
]], "trigger_types:\n  - name: tick\n")
			local run = h:start({ "run", "demo.Checker" })
			run:json()
			run:wait_for("HOME is nil, random is")
			local of = children(run.process.pid)
			local worker = assert(of["demo.Checker"], "no worker by its name")
			assert.truthy(of.spawner)
			local status = read("/proc/" .. worker .. "/status")
			assert.equal("1", status:match("NoNewPrivs:%s*(%d)"))
			assert.equal("", read("/proc/" .. worker .. "/environ"):gsub("%z", ""),
				nil)
			local limits = read("/proc/" .. worker .. "/limits")
			assert.truthy(limits:find("Max core file size%s+0%s+0"))
			local fds = 0
			for name in dirent.files("/proc/" .. worker .. "/fd") do
				local to = name:match("^%d+$") and descriptor(worker, name)
				fds = fds + (to and 1 or 0)
				assert.falsy(to and to:find("data", 1, true), to)
			end
			assert.truthy(fds <= 7, fds) -- 0, 1, 2, link, and three of libevent
			assert.equal("/dev/null", descriptor(worker, 0))
			assert.equal(descriptor(worker, 2),
				descriptor(worker, 1))
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
		end))
end)

describe("a spawner that cannot load the Lua library", function()
	it("says so in core's log, and is tried again", host.with(function(h)
		h:write_sensor("demo", "Idle",
			'return require("sensorhost.sensor"):extend()\n')
		local program = h.dir .. "/bin/sensorhost"
		os.execute(("mkdir -p %s/bin %s/share/sensorhost/lua; cp %s %s"):format(
			h.dir, h.dir, host.program, program))
		local log = h.dir .. "/log"
		local config = h:write("sensorhost.yaml", "log: {file: log}\n")
		local command = h:command("serve", "--config", config)
		command[1], command.stderr = program, "/dev/null"
		local core = process.start(command)
		local deadline = process.now() + 10 * process.slowness
		local text
		repeat
			core:wait(0.05)
			text = read(log) or ""
		until text:find("2nd time", 1, true) or process.now() > deadline
		core:signal("TERM")
		local how, code = core:wait(10)
		core:close()
		assert.truthy(text:find("demo%.Idle%[%d%]: no worker could be started: "
			.. "the spawner cannot load the Lua library: .*boot%.lua.*2nd time"),
			text)
		assert.same({ "exited", 0 }, { how, code })
	end))
end)
