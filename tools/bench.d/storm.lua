-- A storm of reloads: a sensor that serves a count over a listening socket is
-- edited and reloaded 200 times, while a client connects in a loop.

local measure = require("measure")
local process = require("spec.support.process")
local listening = require("spec.support.listening")
local unistd = require("posix.unistd")

local RELOADS = 200

local METADATA = "class_name: Server\nentry_point: server.lua\n"
	.. "trigger_types: [{name: served}]\n"

local SOURCE = [[
local Server = require("sensorhost.sensor"):extend()
local socket = require("sensorhost.socket")
function Server:run()
	local service = self.sensor_service
	assert(socket.listen("127.0.0.1", %d)):serve(function(sock)
		sock:read("line")
		local n = service:get_number("n", 0) + 1
		service:set_value("n", n)
		service:dispatch("bench.served", { n = n })
		sock:write(n, "\n")
	end)
	self.log:info("version %d serves")
	self:wait()
end
return Server
]]

-- Sorts what the client printed: requests, those that failed, counts that
-- were not the next one.
local function sort_answers(text)
	local requests, failed, odd, last = 0, 0, 0, 0
	for line in text:gmatch("[^\n]+") do
		local n = tonumber(line:match("^ok (%d+)$"))
		requests = requests + 1
		if not n then
			failed = failed + 1
		elseif n ~= last + 1 then
			odd = odd + 1
		end
		last = n or last
	end
	return requests, failed, odd, last
end

-- Instances of the journal that are not the next count.
local function odd_instances(h, last)
	local odd, count = 0, 0
	for i, record in ipairs(h:journal("--trigger", "bench.served")) do
		count = i
		if record.payload.n ~= i then
			odd = odd + 1
		end
	end
	return odd + math.abs(count - last)
end

local function reload_all(h, run, port)
	local began = process.now()
	for version = 2, RELOADS + 1 do
		h:write_pack("bench", { ["sensors/server.lua"] =
			SOURCE:format(port, version) })
		run:signal("HUP")
		run:wait_for("version " .. version .. " serves", 30)
	end
	return (process.now() - began) / RELOADS * 1000
end

local function storm(h, report)
	local fd, port = listening.open(0)
	unistd.close(fd)
	h:write_pack("bench", { ["sensors/server.yaml"] = METADATA,
		["sensors/server.lua"] = SOURCE:format(port, 1) })
	local run = h:start({ "serve", "--only", "bench.Server",
		stdout = "/dev/null" })
	run:wait_for("version 1 serves", 30)
	local client = process.start({ "luajit",
		"spec/support/listen_client.lua", tostring(port), stdin = "pipe",
		stdout = h.dir .. "/answers" })
	local ms = reload_all(h, run, port)
	unistd.close(client.stdin)
	client.stdin = nil
	client:wait(90)
	client:close()
	run:signal("TERM")
	run:wait(30)
	local requests, failed, odd, last = sort_answers(h:read("answers"))
	report({ figure = "reload of a serving sensor", unit = "ms", value = ms })
	report({ figure = "requests during " .. RELOADS .. " reloads", unit = "",
		value = requests })
	report({ figure = "of them refused, reset, unanswered", unit = "",
		value = failed, less = true, at_least = 0 })
	report({ figure = "counts lost or twice", unit = "",
		value = odd + odd_instances(h, last), less = true, at_least = 0 })
end

return function(_, report)
	return measure.with(measure.host({}), storm, report)
end
