-- Bytes written into a worker's own end of its link, as code that has taken
-- the worker over could.
--
--	hostile.write_as(pid, hostile.frame("LISTEN", 1, body))

local ffi = require("ffi")
local stat = require("posix.sys.stat")
local seam = require("spec.support.seam")
require("spec.support.cdef")

local PIDFD_OPEN, PIDFD_GETFD = 434, 438

local hostile = {}

-- A frame of a type by its name, or number.
function hostile.frame(kind, id, body)
	return seam.u32(#body) .. string.char(seam.TYPES[kind] or kind, 0, 0, 0)
		.. seam.u32(id) .. body
end

-- Writes to the first socket that the process has, its link. How many bytes
-- were taken: all, unless the link is full.
function hostile.write_as(pid, bytes)
	local wrote
	local pidfd = tonumber(ffi.C.syscall(PIDFD_OPEN, ffi.cast("long", pid),
		ffi.cast("long", 0)))
	assert(pidfd >= 0)
	for fd = 3, 12 do
		local copy = tonumber(ffi.C.syscall(PIDFD_GETFD,
			ffi.cast("long", pidfd), ffi.cast("long", fd),
			ffi.cast("long", 0)))
		if copy >= 0 then
			local is = stat.stat(("/proc/self/fd/%d"):format(copy))
			if is and stat.S_ISSOCK(is.st_mode) ~= 0 and not wrote then
				wrote = tonumber(ffi.C.write(copy, bytes, #bytes))
			end
			ffi.C.close(copy)
		end
	end
	ffi.C.close(pidfd)
	return wrote or 0
end

return hostile
