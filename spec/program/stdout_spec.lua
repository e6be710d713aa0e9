-- Whoever reads the lines of `run`, or does not: core goes on, and stops
-- when it is told to.

local fcntl = require("posix.fcntl")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local process = require("spec.support.process")

local COUNTER = [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	local n = self.sensor_service:get_number("n", 0)
	for _ = 1, 50 do
		n = n + 1
		self.sensor_service:dispatch("demo.tick", {
			n = n, pad = ("x"):rep(4000) })
	end
	self.sensor_service:set_value("n", n)
end
return C
]]

local METADATA = "poll_interval: 0.02\ntrigger_types:\n  - name: tick\n"

-- Two ends, { theirs, ours }: whatever is written to theirs comes to ours.
local ends = {
	["a pipe"] = function()
		local r, w = unistd.pipe()
		return w, r
	end,
	["a socket"] = function()
		return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
	end,
}

-- The command of a host, by another user where this one can be.
local function as(user, words)
	if user then
		for i, word in ipairs({ "setpriv", "--reuid", user, "--regid", user,
			"--clear-groups" }) do
			table.insert(words, i, word)
		end
	end
	return words
end

local function started(h, make, user)
	h:write_sensor("demo", "C", COUNTER, METADATA)
	if user then
		os.execute(("chown %s '%s' && chmod 755 '%s'"):format(user, h.dir,
			h.dir))
	end
	local theirs, ours = make()
	fcntl.fcntl(ours, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
	local words = as(user, h:command("run", "demo.C"))
	words.stdout, words.stderr = theirs, "/dev/null"
	local child = process.start(words)
	unistd.close(theirs)
	return child, ours
end

-- Waits until there is as much in the journal as no pipe holds.
local function outgrown(h)
	return process.eventually(function()
		local r = h:run("export", "--from", "1000")
		return r.code == 0 and #r.stdout > 0
	end, "instance 1000")
end

-- Another user as well, where root runs the specs and that user can get at
-- the program (in a folder like /root nobody else can).
local users = { false }
if unistd.getuid() == 0 and process.run(as("65534",
    { "test", "-x", host.program })).code == 0 then
	table.insert(users, "65534")
end

describe("stdout that nobody reads", function()
	for what, make in pairs(ends) do
		for _, user in ipairs(users) do
			local who = what .. (user and " of another user" or "")

			it("does not hold up core: " .. who, host.with(function(h)
				local child, ours = started(h, make, user)
				assert.is_true(outgrown(h))
				child:signal("TERM")
				assert.same({ "exited", 0 }, { child:wait(
					process.PATIENCE * process.slowness) })
				unistd.close(ours)
			end))

			it("ends it in order once it is closed: " .. who,
				host.with(function(h)
				local child, ours = started(h, make, user)
				assert.is_true(outgrown(h))
				unistd.close(ours)
				assert.same({ "exited", 0 }, { child:wait(
					process.PATIENCE * process.slowness) })
			end))
		end
	end
end)
