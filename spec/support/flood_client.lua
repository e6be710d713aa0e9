-- luajit spec/support/flood_client.lua PATH-OR-PORT [CONNECTIONS]: asks for
-- /v1/status without pause until the host hangs up or our input ends.
-- It pipelines: writes as fast as the host takes it and reads what comes; with
-- CONNECTIONS it asks on so many one request after the other. Prints "answered"
-- at the first answer, and at the end how many answers of each status came.

package.path = "./?.lua;" .. package.path
local ffi = require("ffi")
local poll = require("posix.poll")
local unistd = require("posix.unistd")
local http = require("spec.support.http")

local REQUEST = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
local BURST = REQUEST:rep(200)
local DONTWAIT_NOSIGNAL = 0x4040

local where, connections = arg[1], tonumber(arg[2])
local counts, fds, told = {}, {}, false
local input = { events = { IN = true } }

local function send(client, bytes)
	local n = tonumber(ffi.C.send(client.fd, bytes, #bytes,
		DONTWAIT_NOSIGNAL))
	return n > 0 and bytes:sub(n + 1) or bytes
end

-- Counts the answers among what has come; a status line may lie in two reads.
local function count(client, bytes)
	local text, first = client.rest .. bytes, 1
	for status, past in text:gmatch("HTTP/1%.1 (%d%d%d)()") do
		counts[status] = (counts[status] or 0) + 1
		client.due, first = client.due + 1, past
	end
	client.rest = text:sub(math.max(first, #text - 11))
	if not told and client.due > 0 then
		told = true
		print("answered")
		io.stdout:flush()
	end
end

for _ = 1, connections or 1 do
	local fd = assert(http.connect(where)).fd
	fds[fd] = { events = { IN = true, OUT = not connections }, fd = fd,
		rest = "", due = 0, left = connections and REQUEST or "" }
	fds[fd].left = send(fds[fd], fds[fd].left)
end
local open = connections or 1
while open > 0 do
	fds[0] = input
	poll.poll(fds, 1000)
	if input.revents.HUP then
		break
	end
	fds[0] = nil
	for fd, client in pairs(fds) do
		local had = client.due
		if client.revents.OUT then
			client.left = send(client, #client.left > 0 and client.left
				or BURST)
		end
		if client.revents.IN or client.revents.HUP then
			local bytes = unistd.read(fd, 65536)
			if not bytes or bytes == "" then
				fds[fd], open = nil, open - 1
			else
				count(client, bytes)
			end
		end
		if connections and client.due > had then
			send(client, REQUEST)
		end
	end
end
for status, n in pairs(counts) do
	print(status, n)
end
