-- A service manager's end of $NOTIFY_SOCKET, faked.
--
--	local manager = notify.listen(h.dir .. "/notify")   -- or "@name"
--	h:start({ "serve", env = { NOTIFY_SOCKET = manager.name } })
--	manager:wait_for("READY=1")

local ffi = require("ffi")
local poll = require("posix.poll")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local cdef = require("spec.support.cdef")
local process = require("spec.support.process")

cdef([[
struct notify_address { uint16_t family; char path[108]; };
int bind(int fd, const struct notify_address *to, unsigned len);
]])

local notify = {}
local Manager = {}
Manager.__index = Manager

-- Binds to a path, or to an abstract name after "@".
function notify.listen(name)
	local fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
	local to = ffi.new("struct notify_address", { family = 1 })
	ffi.copy(to.path, name, #name)
	if name:sub(1, 1) == "@" then
		to.path[0] = 0
	end
	assert(ffi.C.bind(fd, to, 2 + #name) == 0, "bind " .. name)
	return setmetatable({ fd = fd, name = name, seen = {} }, Manager)
end

-- The next datagram, or nil when none comes in that many seconds.
function Manager:next(seconds)
	if poll.rpoll(self.fd, math.ceil(seconds * 1000)) ~= 1 then
		return nil
	end
	local text = socket.recv(self.fd, 65536)
	table.insert(self.seen, text)
	return text
end

-- Waits for a datagram that matches the Lua pattern; returns its captures.
function Manager:wait_for(pattern, seconds)
	local deadline = process.deadline(seconds)
	while true do
		local left = deadline - process.now()
		local text = left > 0 and self:next(left)
		if not text then
			error(("no datagram matches %q; there were:\n%s"):format(pattern,
				table.concat(self.seen, "\n")), 2)
		end
		local found = { text:match(pattern) }
		if #found > 0 then
			return unpack(found)
		end
	end
end

function Manager:close()
	unistd.close(self.fd)
end

return notify
