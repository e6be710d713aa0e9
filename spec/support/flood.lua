-- Clients that ask a host without pause, each a process of its own: for the
-- specs and for tools/bench.
--
--	local flood = require("spec.support.flood")
--	local clients = flood.start(3, h.data .. "/api.sock")
--	...
--	local answers = flood.stop(clients)     -- how many, by status

local process = require("spec.support.process")
local unistd = require("posix.unistd")

local flood = {}

-- Starts so many clients that pipeline, or have `connections` each in
-- ping-pong; returns them once each has had an answer.
function flood.start(count, where, connections)
	local clients = {}
	for i = 1, count do
		clients[i] = process.start({ "luajit",
			"spec/support/flood_client.lua", tostring(where),
			connections and tostring(connections), stdin = "pipe",
			stdout = "pipe", env = { LD_PRELOAD = false } })
		clients[i].text = ""
	end
	for _, client in ipairs(clients) do
		if not client:pump(process.deadline(), function(_, bytes)
			client.text = client.text .. bytes
			return client.text:match("answered\n")
		end) then
			error("no answer to a client of the flood", 2)
		end
	end
	return clients
end

-- Ends them, unless they have seen the host hang up; returns how many answers
-- of each status came.
function flood.stop(clients)
	local answers = {}
	for _, client in ipairs(clients) do
		unistd.close(client.stdin)
		client.stdin = nil
		client:pump(process.deadline(), function(_, bytes)
			client.text = client.text .. bytes
		end)
		for status, n in client.text:gmatch("(%d+)\t(%d+)") do
			answers[status] = (answers[status] or 0) + tonumber(n)
		end
		client:close()
	end
	return answers
end

return flood
