-- Connections over TCP and Unix sockets, and sockets that listen. The
-- descriptors are host.socket's; core opens those that listen and keeps them
-- while the sensor is reloaded.

local check = require("host.arguments")
local host = require("host.socket")
local spawn = require("sensorhost.spawn")
local time = require("sensorhost.time")

local socket = {}
local Socket = {}
check.object(Socket)
local Listener = {}
check.object(Listener)

-- Seconds until a listener that could not accept tries again.
local PAUSE = 0.1
local HANDLERS = 1000

local function wrap(handle)
	return setmetatable({ handle = handle }, Socket)
end

local function check_timeout(call, what, timeout)
	if timeout == false then
		return 0
	end
	check.number(call, what, timeout, 0, 1e9)
	return math.max(timeout, 1e-6)
end

-- Arguments that say where: a host and a port, or unix: and a path alone.
local function check_place(call, where, port, options)
	check.name(call, "host", where)
	if where:find("\0", 1, true) then
		check.raise("%s: host must not hold a NUL byte", call)
	end
	if where:sub(1, 5) == "unix:" then
		if type(port) == "table" and options == nil then
			return 0, port
		end
		return 0, options
	end
	check.integer(call, "port", port, 0, 65535)
	return port, options
end

---@class sensorhost.socket.ConnectOptions
---@field timeout? number|false seconds that connecting may take (default 30)

---Connects. [wait]
---
---The host is a numeric address (127.0.0.1, ::1), localhost, or unix: and the
---absolute path of a Unix socket, which needs no port.
---
---```lua
---local sock, err = socket.connect("127.0.0.1", 9, { timeout = 2 })
---if not sock then
---	self.log:info("nobody there: %s", err) -- connect 127.0.0.1:9: ...
---end
---```
---@param where string
---@param port? integer
---@param options? sensorhost.socket.ConnectOptions
---@return sensorhost.socket.Socket|nil
---@return sensorhost.error? err refused, timeout, unreachable, not_found,
---invalid (no numeric address)
function socket.connect(where, port, options)
	check.dot("socket.connect", socket, where)
	port, options = check_place("socket.connect", where, port, options)
	options = check.options("socket.connect", options, {
		timeout = { default = 30, hint = "seconds" } })
	local seconds = check_timeout("socket.connect", "option \"timeout\"",
		options.timeout)
	local handle, err = host.connect(where, port, seconds)
	if not handle then
		return nil, err
	end
	return wrap(handle)
end

---@class sensorhost.socket.ListenOptions
---@field max_handlers? integer of serve, at a time (default 1000); further
---connections wait in the kernel

---Listens for connections. The socket is the host's: it stays open while the
---sensor is reloaded, restarted or waits after a failure, so that connections
---queue meanwhile and none is refused. It is closed with close(), when the
---sensor is stopped or removed, and 10 s after a start that did not ask for
---it again.
---
---Where sensors may listen is said by `sensor_listen` in sensorhost.yaml: by
---default ports from 1024 on of 127.0.0.1 and ::1.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---local host, port = l:address()
---l:close()
---```
---@param where string a numeric address, localhost, or unix:/path (then
---without a port)
---@param port? integer 0: one that is free; it stays the same over reloads
---@param options? sensorhost.socket.ListenOptions
---@return sensorhost.socket.Listener|nil
---@return sensorhost.error? err permission (sensor_listen), busy (taken),
---exists (this sensor listens there), not_found, invalid
function socket.listen(where, port, options)
	check.dot("socket.listen", socket, where)
	port, options = check_place("socket.listen", where, port, options)
	options = check.options("socket.listen", options, {
		max_handlers = { type = "number", default = HANDLERS,
			check = function(call, what, v)
				check.integer(call, what, v, 1, 100000)
			end } })
	local handle, err = host.listen(where, port, options.max_handlers)
	if not handle then
		return nil, err
	end
	return setmetatable({ handle = handle }, Listener)
end

---@class sensorhost.socket.Listener

---Waits for a connection. [wait]
---
---A task that is halted for a reload with a connection in hand loses it with
---the old worker: use serve where none may be lost.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---local server = spawn(function()
---	local sock = assert(l:accept())
---	sock:write("hello\n")
---	sock:close()
---end)
---local sock = assert(socket.connect(l:address()))
---assert(sock:read("line") == "hello")
---server:join()
---l:close()
---```
---@return sensorhost.socket.Socket|nil
---@return sensorhost.error? err closed, busy (another task accepts or serves,
---or the worker has too many descriptors)
function Listener:accept()
	check.self("listener", "accept", self, Listener)
	local handle, err
	repeat
		handle, err = self.handle:accept()
	until handle ~= false
	if not handle then
		return nil, err
	end
	return wrap(handle)
end

-- Accepts what is there and starts a handler for each.
local function accept_all(self, fn)
	local handle, err = self.handle:accept(true)
	while handle do
		self.handle:handle(fn, handle, wrap(handle))
		handle, err = self.handle:take()
	end
	return err
end

-- The task of serve: ends when the listener is closed.
local function accept_for_ever(self, fn)
	local told
	if self.closed then
		return -- before it could begin
	end
	self.handle:alone()
	while not self.closed do
		local err = accept_all(self, fn)
		if err and not self.closed then
			if told ~= err.kind then
				check.warn(("%s; tries again"):format(tostring(err)))
			end
			told = err.kind
			time.sleep(PAUSE)
		else
			told = nil
		end
	end
end

---Serves: calls fn(sock) for each connection, in a task of its own, and
---closes the connection when fn has returned and its unit is on disk. Returns
---at once. An error in fn is logged, its unit is undone, and serving goes on.
---
---At a reload no new connection is accepted, handlers that run may finish
---within stop_timeout, and those that wait in the kernel are served by the new
---version.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:serve(function(sock)
---	for line in sock:lines() do
---		self.sensor_service:dispatch("demo.event", { line = line })
---		sock:write("ok\n") -- when the dispatch is on disk
---	end
---end)
---local sock = assert(socket.connect(l:address()))
---sock:write("one\n")
---assert(sock:read("line") == "ok")
---sock:close()
---l:close()
---```
---@param fn fun(sock: sensorhost.socket.Socket)
function Listener:serve(fn)
	check.self("listener", "serve", self, Listener)
	check.type("listener:serve", "fn", fn, "function")
	if self.closed then
		check.raise("listener:serve(): the listener is closed")
	elseif self.serving then
		check.raise("listener:serve(): it serves already")
	end
	self.serving = true
	spawn(accept_for_ever, self, fn)
end

---Where it listens: the port is the real one where 0 was asked for.
---
---```lua
---local l = assert(socket.listen("::1", 0))
---local host, port = l:address()
---self.log:info("listening on %s, port %d", host, port)
---l:close()
---```
---@return string host of a Unix socket unix:/path
---@return integer port of a Unix socket 0
function Listener:address()
	check.self("listener", "address", self, Listener)
	return self.handle:address()
end

---Ends it: clients are refused from now on, unless it is closed while the
---sensor ends (in cleanup): then the host keeps it for the next start. Twice
---is fine.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:close()
---```
function Listener:close()
	check.self("listener", "close", self, Listener)
	self.closed = true
	self.handle:close()
end

Listener.__tostring = function(self)
	return tostring(self.handle)
end

---@class sensorhost.socket.Socket

---Reads. A wait [wait] when what is asked for is not buffered yet.
---
---A number: exactly so many bytes (at most 16 MB). "line": up to LF or CR LF,
---without it (at most 1 MB). "some": what is there, at least a byte. "all":
---up to the end (at most 16 MB).
---
---After `closed` and other ends, partial is what had come of it. After a
---timeout it is that, too, but stays buffered: the next read has it again.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:serve(function(sock) sock:write("3 abc") end)
---local sock = assert(socket.connect(l:address()))
---assert(sock:read(2) == "3 ")
---assert(sock:read("all") == "abc")
---l:close()
---```
---@param what integer|"line"|"some"|"all"
---@return string|nil data
---@return sensorhost.error? err closed, timeout, reset, too_large, busy
---(another task reads)
---@return string? partial
function Socket:read(what)
	check.self("socket", "read", self, Socket)
	return self.handle:read(what)
end

---Reads up to a mark, which is not part of the result. Otherwise like read.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:serve(function(sock) sock:write("<34>one\0<34>two\0") end)
---local sock = assert(socket.connect(l:address()))
---assert(sock:read_until("\0") == "<34>one")
---l:close()
---```
---@param mark string 1 to 256 bytes
---@param max? integer bytes before it (default 1 MB, at most 16 MB)
---@return string|nil data
---@return sensorhost.error? err
---@return string? partial
function Socket:read_until(mark, max)
	check.self("socket", "read_until", self, Socket)
	return self.handle:read_until(mark, max)
end

---The lines, without their ends, until the other end (or a task of yours)
---closes the connection; a last line may lack its end. Raises on failure.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:serve(function(sock) sock:write("one\ntwo\n") end)
---for line in assert(socket.connect(l:address())):lines() do
---	self.log:info("%s", line)
---end
---l:close()
---```
---@return fun(): string?
function Socket:lines()
	check.self("socket", "lines", self, Socket)
	local over = false
	return function()
		if over or self.closed then
			return nil
		end
		local line, err, partial = self.handle:read("line")
		if line then
			return line
		elseif err.kind ~= "closed" then
			error(err, 0)
		end
		over = true
		return partial ~= "" and partial or nil
	end
end

---Writes all of the strings, one behind the other. [wait]
---
---Ends when the kernel has them; whether they arrived, only an answer tells.
---After an error some of it may have gone out.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:serve(function(sock) sock:write(sock:read("line"), "!\n") end)
---local sock = assert(socket.connect(l:address()))
---assert(sock:write("ping", "\n"))
---assert(sock:read("line") == "ping!")
---l:close()
---```
---@param data string|number
---@param ... string|number
---@return true|nil
---@return sensorhost.error? err closed, reset, timeout, busy (another task
---writes)
function Socket:write(data, ...)
	check.self("socket", "write", self, Socket)
	return self.handle:write(data, ...)
end

---How long one read or write may wait from now on. At first there is no limit.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---local sock = assert(socket.connect(l:address()))
---sock:settimeout(0.01)
---local data, err = sock:read("line")
---assert(data == nil and err.kind == "timeout")
---l:close()
---```
---@param seconds number|false
function Socket:settimeout(seconds)
	check.self("socket", "settimeout", self, Socket)
	self.handle:settimeout(check_timeout("socket:settimeout", "seconds",
		seconds))
end

---The other end.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---l:serve(function(sock)
---	local host, port = sock:peer()
---	self.log:info("%s, port %d, is here", host, port)
---end)
---l:close()
---```
---@return string host of a Unix socket unix:/path of the listening end
---@return integer port of a Unix socket 0
function Socket:peer()
	check.self("socket", "peer", self, Socket)
	return self.handle:peer()
end

---Ends the connection: tasks that wait in it get an error of kind closed.
---Twice is fine; what you forget, the host closes.
---
---```lua
---local l = assert(socket.listen("127.0.0.1", 0))
---local sock = assert(socket.connect(l:address()))
---sock:close()
---l:close()
---```
function Socket:close()
	check.self("socket", "close", self, Socket)
	self.closed = true
	self.handle:close()
end

Socket.__tostring = function(self)
	return tostring(self.handle)
end

return socket
