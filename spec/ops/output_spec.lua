-- What a worker writes to its standard output and error.

local host = require("spec.support.host")
local process = require("spec.support.process")

local IDLE = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() end
return S
]]
local LINE = 8192

-- A host that serves demo.Idle; fn(core, pid) with the worker's pid.
local function idle(fn, prepare)
	return host.with(function(h)
		h:write_sensor("demo", "Idle", IDLE)
		if prepare then
			prepare(h)
		end
		local core = h:start("serve")
		core:wait_for("ready: ")
		local pid = assert(host.family(core.pid).workers[1])
		fn(core, pid)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end)
end

-- Writes to a descriptor of the worker, as C code in it would.
local function write(pid, fd, ...)
	local f = assert(io.open(("/proc/%d/fd/%d"):format(pid, fd), "wb"))
	assert(f:write(...))
	f:close()
end

describe("the output of a worker", function()
	it("is in the log, line by line, under the sensor's name",
		idle(function(core, pid)
			write(pid, 1, "to stdout\n\nand ")
			write(pid, 2, "more\nto stderr\n")
			core:wait_for("warning demo%.Idle%.output%[1%]: to stdout$")
			core:wait_for("demo%.Idle%.output%[1%]: and more$")
			core:wait_for("demo%.Idle%.output%[1%]: to stderr$")
		end))

	it("is not lost when it ends without a newline", idle(function(core, pid)
		write(pid, 2, "the last words")
		require("posix.signal").kill(pid, 9)
		core:wait_for("demo%.Idle%.output%[1%]: the last words$")
		core:wait_for("demo%.Idle%[1%]: killed by signal 9")
	end))

	it("has lines that are cut", idle(function(core, pid)
		write(pid, 2, ("x"):rep(10 * 1024 * 1024), "\nnext\n")
		local cut = core:wait_for(
			"demo%.Idle%.output%[1%]: x+ %.%.%. %((%d+) bytes cut%)$", 60)
		assert.equal(10 * 1024 * 1024 - LINE, tonumber(cut))
		core:wait_for("output%[1%]: next$")
	end))

	it("has a rate, and what is beyond is counted", idle(function(core, pid)
		local lines = {}
		for i = 1, 1000 do
			lines[i] = "line " .. i .. "\n"
		end
		local began = process.now()
		write(pid, 2, table.concat(lines))
		core:wait_for("output%[1%]: line 100$")
		core:wait_for("warning demo%.Idle%[1%]: 900 lines of its output "
			.. "suppressed: more than 100 in 5 s$")
		assert.truthy(process.now() - began >= 4.9)
		assert.falsy(core:text("stderr"):find("line 101\n", 1, true))
		write(pid, 2, "afterwards\n")
		core:wait_for("output%[1%]: afterwards$")
	end))

	it("shows no secret, whole or cut, of one line or of many",
		idle(function(core, pid)
			write(pid, 2, "token=hunter2hunter2!\n",
				"-----BEGIN KEY-----\nabcdefgh\n",
				("y"):rep(LINE - 8), "hunter2hunter2\nend\n")
			core:wait_for("output%[1%]: token=%*+!$")
			core:wait_for("output%[1%]: end$")
			local text = core:text("stderr")
			assert.falsy(text:find("hunter2", 1, true))
			assert.falsy(text:find("abcdefgh", 1, true))
			assert.truthy(text:find("yy**** ... (6 bytes cut)", 1, true))
		end, function(h)
			h:write_pack("demo", {
				["config.schema.yaml"] = "token: {type: string, secret: true}\n"
					.. "key: {type: string, secret: true}\n",
				["config.yaml"] = "token: hunter2hunter2\nkey: |\n"
					.. "  -----BEGIN KEY-----\n  abcdefgh\n",
			})
		end))

	it("is a pipe of its own, as all its descriptors are few",
		idle(function(_, pid)
			local function read(name)
				local f = assert(io.open("/proc/" .. pid .. "/" .. name))
				local text = f:read("*a")
				f:close()
				return text
			end
			assert.truthy(read("limits"):find("Max open files%s+4096%s+4096"))
			local link = io.popen("readlink /proc/" .. pid .. "/fd/2")
			assert.truthy(link:read("*l"):match("^pipe:"))
			link:close()
			-- SIGPIPE and SIGXFSZ do not end it
			local ignored = tonumber(read("status"):match("SigIgn:%s*(%x+)"), 16)
			assert.truthy(bit.band(ignored, bit.lshift(1, 13 - 1)) ~= 0)
			assert.truthy(bit.band(ignored, bit.lshift(1, 25 - 1)) ~= 0)
		end))
end)
