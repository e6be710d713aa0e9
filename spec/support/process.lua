-- Child processes with deadlines, for the specs and for tools/: started with
-- fork and exec, watched through pidfd and poll, never through sleeps. A
-- child dies with whoever started it.

local ffi = require("ffi")
local errno = require("posix.errno")
local fcntl = require("posix.fcntl")
local poll = require("posix.poll")
local signal = require("posix.signal")
local stdlib = require("posix.stdlib")
local unistd = require("posix.unistd")
local wait = require("posix.sys.wait")
local cdef = require("spec.support.cdef")

cdef([[
struct process_timespec { long sec; long nsec; };
int clock_gettime(int clock, struct process_timespec *t);
]])

local SYS_pidfd_open = 434
local PR_SET_PDEATHSIG = 1

local process = {}
local Process = {}
Process.__index = Process

local timespec = ffi.new("struct process_timespec")

-- Seconds of the monotonic clock.
function process.now()
	ffi.C.clock_gettime(1, timespec)
	return tonumber(timespec.sec) + tonumber(timespec.nsec) / 1e9
end

-- How much longer everything takes in a sanitizer build.
process.slowness = tonumber(os.getenv("SENSORHOST_SPEC_SLOWNESS") or 1)

-- Seconds that a wait lasts when it is not told otherwise: far more than
-- anything takes on a busy machine, since only what is broken costs them.
process.PATIENCE = 45

-- When a wait that begins now has to end, in seconds of process.now().
function process.deadline(seconds)
	return process.now() + (seconds or process.PATIENCE) * process.slowness
end

-- Asks fn() again and again until it returns something true, and returns
-- that; raises when it does not within the patience. `what` is for the error.
function process.eventually(fn, what)
	local deadline = process.deadline()
	while true do
		local found = fn()
		if found then
			return found
		elseif process.now() > deadline then
			error((what or "it") .. " did not come to pass", 2)
		end
		poll.poll({}, 10)
	end
end

-- Opens what a child's descriptor shall be: "pipe", a file name to append to,
-- a descriptor, or nil to inherit. Returns the child's end and ours.
local function open_end(what, fd)
	if what == nil then
		return fd
	elseif type(what) == "number" then
		return what
	elseif what == "pipe" then
		local r, w = unistd.pipe()
		local theirs, ours = w, r
		if fd == 0 then
			theirs, ours = r, w
		end
		fcntl.fcntl(ours, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
		return theirs, ours
	end
	local flags = fd == 0 and fcntl.O_RDONLY
		or bit.bor(fcntl.O_WRONLY, fcntl.O_CREAT, fcntl.O_APPEND)
	return assert(fcntl.open(what, flags, tonumber("644", 8)))
end

-- In the child: becomes the program; never returns.
local function become(options, ends)
	ffi.C.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
	for fd = 0, 2 do
		if ends[fd] ~= fd then
			unistd.dup2(ends[fd], fd)
		end
	end
	for fd = 0, 2 do
		if ends[fd] > 2 then
			unistd.close(ends[fd])
		end
	end
	if options.cwd and not unistd.chdir(options.cwd) then
		unistd._exit(126)
	end
	for name, value in pairs(options.env or {}) do
		stdlib.setenv(name, value or nil)
	end
	local arguments = { unpack(options, 2) }
	local _, err = unistd.execp(options[1], arguments)
	io.stderr:write(err or options[1], "\n")
	unistd._exit(127)
end

-- Starts options[1] with options[2..] as arguments; options.stdin, stdout and
-- stderr are "pipe", a file name, a descriptor or nil (inherited; stdin:
-- /dev/null); env sets variables (false unsets), cwd is the working folder.
function process.start(options)
	local theirs, ours, named = {}, {}, { [0] = "stdin", "stdout", "stderr" }

	for fd = 0, 2 do
		local what = options[named[fd]]
		if fd == 0 and what == nil then
			what = "/dev/null"
		end
		theirs[fd], ours[fd] = open_end(what, fd)
	end
	io.stdout:flush()
	io.stderr:flush()
	local pid = assert(unistd.fork())
	if pid == 0 then
		become(options, theirs)
	end
	for fd = 0, 2 do
		if theirs[fd] > 2 and theirs[fd] ~= options[named[fd]] then
			unistd.close(theirs[fd])
		end
	end
	return setmetatable({
		pid = pid,
		pidfd = assert(tonumber(ffi.C.syscall(SYS_pidfd_open,
			ffi.cast("long", pid), ffi.cast("long", 0)))),
		stdin = ours[0],
		stdout = ours[1],
		stderr = ours[2],
	}, Process)
end

-- Notes how the child ended and lets go of its pidfd.
function Process:reap()
	local _, how, code = wait.wait(self.pid)

	self.how, self.code = how, code
	unistd.close(self.pidfd)
	self.pidfd = nil
end

-- Waits for the end at most that many seconds (nil: for ever). Returns
-- "exited" and the exit code, "killed" and the signal, or nil, "timeout".
function Process:wait(seconds)
	while not self.how do
		local ms = seconds and math.ceil(seconds * 1000) or -1
		local n, _, code = poll.rpoll(self.pidfd, ms)
		if n == 1 then
			self:reap()
		elseif n == 0 then
			return nil, "timeout"
		elseif code ~= errno.EINTR then
			error("poll: " .. tostring(code))
		end
	end
	return self.how, self.code
end

-- Whether it still runs.
function Process:alive()
	return not self:wait(0)
end

-- Sends a signal by its name ("TERM") or number.
function Process:signal(what)
	if not self.how then
		signal.kill(self.pid, signal["SIG" .. tostring(what)] or what)
	end
end

-- Reads what the child prints to its pipes, calling take(name, bytes), until
-- take returns true, both pipes and the child have ended, or the deadline
-- (process.now() seconds) is over; returns what take returned.
function Process:pump(deadline, take)
	while true do
		local fds, any = {}, false
		for _, name in ipairs({ "stdout", "stderr" }) do
			if self[name] then
				fds[self[name]] = { events = { IN = true }, name = name }
				any = true
			end
		end
		if not any then
			return nil
		end
		local left = math.max(0, deadline - process.now())
		local n = poll.poll(fds, math.ceil(left * 1000))
		if n == 0 and left == 0 then
			return nil
		end
		for fd, entry in pairs(fds) do
			if entry.revents and (entry.revents.IN or entry.revents.HUP) then
				local bytes = unistd.read(fd, 65536)
				if not bytes or bytes == "" then
					unistd.close(fd)
					self[entry.name] = nil
				else
					local done = take(entry.name, bytes)
					if done then
						return done
					end
				end
			end
		end
	end
end

-- Kills what still runs and closes our ends.
function Process:close()
	if not self.how then
		signal.kill(self.pid, signal.SIGKILL)
		self:wait()
	end
	for _, name in ipairs({ "stdin", "stdout", "stderr" }) do
		if self[name] then
			unistd.close(self[name])
			self[name] = nil
		end
	end
end

-- Runs a command to its end, at most options.timeout seconds (60): returns
-- {code, signal, stdout, stderr, timeout}. input is written to its stdin
-- first and must fit a pipe (64 KB).
function process.run(options)
	local chunks = { stdout = {}, stderr = {} }
	local limit = (options.timeout or 60) * process.slowness

	options.stdout = options.stdout or "pipe"
	options.stderr = options.stderr or "pipe"
	if options.input then
		options.stdin = "pipe"
	end
	local p = process.start(options)
	if options.input then
		unistd.write(p.stdin, options.input)
		unistd.close(p.stdin)
		p.stdin = nil
	end
	local deadline = process.now() + limit
	p:pump(deadline, function(name, bytes)
		table.insert(chunks[name], bytes)
	end)
	local how, code = p:wait(math.max(0, deadline - process.now()))
	p:close()
	return {
		code = how == "exited" and code or nil,
		signal = how == "killed" and code or nil,
		timeout = how == nil or nil,
		stdout = table.concat(chunks.stdout),
		stderr = table.concat(chunks.stderr),
	}
end

return process
