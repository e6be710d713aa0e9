-- A client for the specs of the HTTP server: bytes as they are, so that it
-- can be as rude as it likes, and a polite ask() on top of it.
--
--	local c = http.connect(h.data .. "/api.sock")   -- or a port number
--	c:send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
--	assert.equal(200, c:answer().status)
--	http.ask(path, "GET", "/v1/status").json.pid

local ffi = require("ffi")
local cjson = require("cjson")
local cdef = require("spec.support.cdef")
local poll = require("posix.poll")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local process = require("spec.support.process")

cdef([[
ssize_t send(int fd, const void *p, size_t n, int flags);
]])
local NOWAIT_NOSIGNAL, EAGAIN = 0x4040, 11

local http = {}
local Client = {}
Client.__index = Client

-- Connects to a Unix socket by its path, or to a port of 127.0.0.1. Returns
-- nil and what went wrong when it is refused.
function http.connect(where)
	local port = tonumber(where)
	local family = port and socket.AF_INET or socket.AF_UNIX
	local fd = assert(socket.socket(family, socket.SOCK_STREAM, 0))
	local ok, err = socket.connect(fd, port
		and { family = family, addr = "127.0.0.1", port = port }
		or { family = family, path = where })
	if not ok then
		unistd.close(fd)
		return nil, err
	end
	return setmetatable({ fd = fd, text = "" }, Client)
end

-- Sends all of it, waiting where the other end is slow; false if it has gone.
function Client:send(bytes)
	local deadline = process.deadline()
	while #bytes > 0 and process.now() < deadline do
		local n = tonumber(ffi.C.send(self.fd, bytes, #bytes,
			NOWAIT_NOSIGNAL))
		if n >= 0 then
			bytes = bytes:sub(n + 1)
		elseif ffi.errno() == EAGAIN then
			poll.poll({ [self.fd] = { events = { OUT = true } } }, 100)
		else
			return false
		end
	end
	return #bytes == 0
end

-- Reads once more; false at the end of the stream or of the time.
function Client:more(deadline)
	local left = math.max(0, deadline - process.now())
	if poll.rpoll(self.fd, math.ceil(left * 1000)) ~= 1 then
		return false, "timeout"
	end
	local bytes = socket.recv(self.fd, 65536)
	if not bytes or bytes == "" then
		return false, "closed"
	end
	self.text = self.text .. bytes
	return true
end

-- Takes a whole answer off the front of what has come, or nil.
local function take(self, head_only)
	local head, rest = self.text:match("^(HTTP/1%.1 .-\r\n\r\n)()")
	if not head then
		return nil
	end
	local answer = { status = tonumber(head:match("^HTTP/1%.1 (%d+)")),
		headers = {} }
	for name, value in head:gmatch("\n([^:\r\n]+): ([^\r\n]*)") do
		answer.headers[name:lower()] = value
	end
	local len = tonumber(answer.headers["content-length"] or 0)
	if head_only or answer.status == 100 or answer.status == 204 then
		len = 0
	end
	if #self.text - rest + 1 < len then
		return nil
	end
	answer.body = self.text:sub(rest, rest + len - 1)
	self.text = self.text:sub(rest + len)
	local ok, value = pcall(cjson.decode, answer.body)
	answer.json = ok and value or nil
	return answer
end

-- The next answer: {status, headers, body, json}; nil and "closed" or
-- "timeout" when none comes.
function Client:answer(seconds, head_only)
	local deadline = process.deadline(seconds)
	while true do
		local answer = take(self, head_only)
		if answer then
			return answer
		end
		local ok, why = self:more(deadline)
		if not ok then
			return nil, why
		end
	end
end

-- Waits for the other end to close; returns how long it took, or nil.
function Client:closed(seconds)
	local began, deadline = process.now(), process.deadline(seconds)
	while true do
		local ok, why = self:more(deadline)
		if not ok then
			return why == "closed" and process.now() - began or nil
		end
	end
end

function Client:close()
	if self.fd then
		unistd.close(self.fd)
		self.fd = nil
	end
end

-- One polite request; a table body is sent as JSON.
function http.ask(where, method, path, body, headers)
	local c = assert(http.connect(where))
	local text = type(body) == "table" and cjson.encode(body) or body or ""
	c:send(method .. " " .. path .. " HTTP/1.1\r\nHost: localhost\r\n"
		.. (headers or "") .. "Content-Length: " .. #text .. "\r\n\r\n"
		.. text)
	local answer, why = c:answer(nil, method == "HEAD")
	c:close()
	return assert(answer, why)
end

return http
