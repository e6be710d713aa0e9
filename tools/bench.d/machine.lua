-- What the figures were measured on, and what /proc says of a process.

local unistd = require("posix.unistd")

local machine = {}

local function read(path)
	local file = io.open(path)
	if not file then
		return ""
	end
	local text = file:read("*a")
	file:close()
	return text
end

-- Device and file system type that hold a path.
local function mount_of(path)
	local best, device, kind = "", "?", "?"
	for source, where, fs in read("/proc/mounts"):gmatch(
	    "(%S+) (%S+) (%S+)[^\n]*\n") do
		local inside = where == "/" or path == where
			or path:sub(1, #where + 1) == where .. "/"
		if inside and #where >= #best then
			best, device, kind = where, source, fs
		end
	end
	return device, kind
end

-- {cpu, cores, system, kernel, disk, filesystem}; the last two of `folder`.
function machine.describe(folder)
	local cpuinfo = read("/proc/cpuinfo")
	local cores = 0
	for _ in cpuinfo:gmatch("processor%s*:") do
		cores = cores + 1
	end
	local disk, filesystem = mount_of(folder)
	return {
		cpu = cpuinfo:match("model name%s*:%s*([^\n]+)") or "?",
		cores = cores,
		system = read("/etc/os-release"):match('PRETTY_NAME="([^"]+)"') or "?",
		kernel = read("/proc/sys/kernel/osrelease"):match("%S+") or "?",
		disk = disk,
		filesystem = filesystem,
	}
end

-- CPU nanoseconds that a process has used, 0 when it is gone.
function machine.cpu_ns(pid)
	return tonumber(read("/proc/" .. pid .. "/schedstat"):match("^%d+")) or 0
end

-- A field of /proc/PID/status in bytes, such as "VmRSS" or "VmHWM".
function machine.status_bytes(pid, field)
	local kb = read("/proc/" .. pid .. "/status"):match(
		field .. ":%s*(%d+) kB")
	return tonumber(kb or 0) * 1024
end

-- Proportional set size in bytes.
function machine.pss_bytes(pid)
	local kb = read("/proc/" .. pid .. "/smaps_rollup"):match(
		"\nPss:%s*(%d+) kB")
	return tonumber(kb or 0) * 1024
end

-- Waits, where nothing can be waited for: a window of time to measure in.
function machine.sleep(seconds)
	local whole = math.floor(seconds)
	if whole > 0 then
		unistd.sleep(whole)
	end
	local poll = require("posix.poll")
	poll.poll({}, math.floor((seconds - whole) * 1000))
end

return machine
