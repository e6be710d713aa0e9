-- Listening sockets as core hands them to workers: opened here, sent over a
-- link behind the bytes of a message.

local ffi = require("ffi")
local socket = require("posix.sys.socket")
local cdef = require("spec.support.cdef")

cdef([[
struct spec_iovec { const void *base; size_t len; };
struct spec_cmsg { size_t len; int level; int type; int fd; int pad; };
struct spec_msghdr { void *name; uint32_t namelen; struct spec_iovec *iov;
	size_t iovlen; void *control; size_t controllen; int flags; };
long sendmsg(int fd, const struct spec_msghdr *m, int flags);
]])

local listening = {}

-- A socket that listens on a port of 127.0.0.1 (0: any): fd, port.
function listening.open(port)
	local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
	local O_NONBLOCK = 2048
	require("posix.fcntl").fcntl(fd, 4, O_NONBLOCK)
	socket.setsockopt(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	assert(socket.bind(fd, { family = socket.AF_INET, addr = "127.0.0.1",
		port = port }))
	assert(socket.listen(fd, 128))
	-- luaposix's getsockname leaves the port out now and then.
	local name
	repeat
		name = assert(socket.getsockname(fd))
	until name.port
	return fd, name.port
end

-- Sends bytes, which must fit, with a descriptor.
function listening.send(link, bytes, fd)
	local iov = ffi.new("struct spec_iovec", ffi.cast("const char *", bytes),
		#bytes)
	local c = ffi.new("struct spec_cmsg", 20, 1, 1, fd)
	local m = ffi.new("struct spec_msghdr")
	m.iov, m.iovlen, m.control, m.controllen = iov, 1, c, 24
	assert(ffi.C.sendmsg(link, m, 0) == #bytes)
end

-- A connection to a port of 127.0.0.1, or nil and why not.
function listening.connect(port)
	local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
	local ok, why = socket.connect(fd, { family = socket.AF_INET,
		addr = "127.0.0.1", port = port })
	if not ok then
		require("posix.unistd").close(fd)
		return nil, why
	end
	return fd
end

return listening
