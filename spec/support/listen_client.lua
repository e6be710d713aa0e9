-- A client in a loop, as a process of its own: connects to a port of
-- 127.0.0.1, sends a line, prints what becomes of it, until its stdin ends.
--
--	luajit spec/support/listen_client.lua PORT
--
-- Prints "ok ANSWER", "refused", "reset", "unanswered" or "timeout" and why,
-- a line each.

local poll = require("posix.poll")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local errno = require("posix.errno")

local port = tonumber(arg[1])
local PATIENCE = 60000 -- milliseconds

local function failed(what, why, code)
	return (code == errno.ECONNREFUSED and "refused"
		or code == errno.ECONNRESET and "reset" or what) .. " " .. (why or "")
end

-- The answer, up to the end of the connection.
local function answer(fd)
	local text = ""
	while true do
		if poll.rpoll(fd, PATIENCE) == 0 then
			return "timeout"
		end
		local bytes, why, code = unistd.read(fd, 4096)
		if not bytes then
			return failed("error", why, code)
		elseif bytes == "" then
			local line = text:match("^(.*)\n$")
			return line and "ok " .. line or "unanswered"
		end
		text = text .. bytes
	end
end

local function ask()
	local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
	local ok, why, code = socket.connect(fd, { family = socket.AF_INET,
		addr = "127.0.0.1", port = port })
	local result
	if ok then
		unistd.write(fd, "count\n")
		result = answer(fd)
	else
		result = failed("error", why, code)
	end
	unistd.close(fd)
	return result
end

io.stdout:setvbuf("line")
while poll.rpoll(0, 0) == 0 do
	print(ask())
end
