-- Sockets of a sensor: reads and writes, listening, serving, quiet.

local poll = require("posix.poll")
local unistd = require("posix.unistd")
local listening = require("spec.support.listening")
local process = require("spec.support.process")
local worker = require("spec.support.worker")

local HEAD = [[
	local Sensor = require("sensorhost.sensor")
	local socket = require("sensorhost.socket")
	local time = require("sensorhost.time")
	local spawn = require("sensorhost.spawn")
	local Checker = Sensor:extend()
	local function raises(text, fn, ...)
		local ok, err = pcall(fn, ...)
		if ok or not tostring(err):find(text, 1, true) then
			error(("%s, not %s"):format(tostring(err), text), 2)
		end
	end
	local function is(expected, value)
		if expected ~= value then
			error(("%s, not %s"):format(tostring(value),
				tostring(expected)), 2)
		end
	end
	local function fails(kind, text, ok, err, ...)
		is(nil, ok)
		is(kind, err.kind)
		if not tostring(err):find(text, 1, true) then
			error(("%s, not %s"):format(tostring(err), text), 2)
		end
		return ...
	end
	-- Two ends of a connection.
	local function pair()
		local l = assert(socket.listen("127.0.0.1", 0))
		local task = spawn(l.accept, l)
		local a = assert(socket.connect(l:address()))
		local b = assert(task:join())
		l:close()
		return a, b
	end
	local _ = { raises, is, fails, pair, time, spawn }
]]

local function start(source, options)
	options = options or {}
	options.source = HEAD .. source .. "\n return Checker"
	local w = worker.new(options):start()
	return w
end

-- Runs a body as the `run` of a sensor; it must come to its end.
local function run(body)
	return function()
		local w = start("function Checker:run() local service = "
			.. "self.sensor_service\n local _ = service " .. body .. "\nend")
		w:run_until(function()
			return w.state and w.state.state ~= "running"
		end)
		assert.equal("returned", w.state.state, w.state.error)
	end
end

after_each(worker.close_all)

describe("a connection", function()
	it("is read by bytes, lines, marks and whole", run([[
		local a, b = pair()
		assert(a:write("one\ntwo\r\n", 3, "\n\n", "ab", "<1>x\0<2>", "rest"))
		is("one", b:read("line"))
		is("two", b:read("line"))
		is("3", b:read("line"))
		is("", b:read("line"))
		is("a", b:read(1))
		is("b<1>x", b:read_until("\0"))
		is("<2", b:read_until(">"))
		is("re", b:read(2))
		a:close()
		is("st", b:read("all"))
		is("", b:read("all"))
		fails("closed", "the other end has closed the connection",
			b:read("some"))
	]]))

	it("joins what comes in pieces", run([[
		local a, b = pair()
		local parts = spawn(function()
			return { b:read("line"), b:read_until("--end--"), b:read(5),
				b:read("some") }
		end)
		for c in ("abc\r\nxyz--en--end--12345!"):gmatch(".") do
			assert(a:write(c))
			time.sleep(0.001)
		end
		is("abc|xyz--en|12345|!", table.concat(parts:join(), "|"))
	]]))

	it("carries what fits no buffer, both ways at once", run([[
		local a, b = pair()
		local big = ("0123456789abcdef"):rep(256 * 1024)
		local function send(sock)
			assert(sock:write(big))
			return true
		end
		local sa, sb = spawn(send, a), spawn(send, b)
		local rb = spawn(b.read, b, #big)
		is(true, a:read(#big) == big)
		is(true, rb:join() == big)
		is(true, sa:join())
		is(true, sb:join())
	]]))

	it("tells what had come when it ends", run([[
		local a, b = pair()
		a:write("part")
		a:close()
		is("part", fails("closed", "read 127.0.0.1:", b:read("line")))
		local c, d = pair()
		c:write("four")
		c:close()
		is("four", fails("closed", "", d:read(5)))
		is(nil, (d:read("line")))
	]]))

	it("keeps what had come when a read takes too long", run([[
		local a, b = pair()
		b:settimeout(0.02)
		a:write("par")
		is("par", fails("timeout", "timed out after 0.02 s", b:read("line")))
		a:write("tial\n")
		is("partial", b:read("line"))
		b:settimeout(false)
		local t = spawn(b.read, b, "line")
		time.sleep(0.05)
		a:write("late\n")
		is("late", t:join())
	]]))

	it("ends its lines with the connection, and raises on failure", run([[
		local a, b = pair()
		a:write("one\ntwo\nthree")
		a:close()
		local got = {}
		for line in b:lines() do got[#got + 1] = line end
		is("one,two,three", table.concat(got, ","))
		local c, d = pair()
		d:settimeout(0.01)
		local ok, err = pcall(function()
			for _ in d:lines() do end
		end)
		is(false, ok)
		is("timeout", err.kind)
		c:write("x\ny\n")
		local n = 0
		for _ in d:lines() do n = n + 1 d:close() end
		is(1, n)
	]]))

	it("bounds what it keeps", run([[
		local a, b = pair()
		local writer = spawn(function()
			return a:write(("x"):rep(2 * 1024 * 1024))
		end)
		fails("too_large", "over 1048576 bytes", b:read("line"))
		fails("too_large", "over 100 bytes", b:read_until("\0", 100))
		is(2 * 1024 * 1024, #b:read(2 * 1024 * 1024))
		is(true, writer:join())
		raises("from 1 to 16777216, not 16777217", b.read, b, 16777217)
		raises("from 1 to 16777216, not 0", b.read, b, 0)
	]]))

	it("times out a write that nobody reads", run([[
		local a = pair()
		a:settimeout(0.05)
		fails("timeout", "write 127.0.0.1:", a:write(
			("x"):rep(16 * 1024 * 1024)))
	]]))

	it("says that it was reset", run([[
		local a, b = pair()
		a:write("never read")
		time.sleep(0.01)
		b:close()
		time.sleep(0.01)
		fails("reset", "", a:read("line"))
		fails("reset", "", a:write("x"))
	]]))

	it("has one reader and one writer", run([[
		local a, b = pair()
		local t = spawn(b.read, b, "line")
		time.sleep(0)
		fails("busy", "another task of the sensor is in a read",
			b:read("line"))
		fails("busy", "read 127", b:read_until("x"))
		is(true, b:write("fine"))
		local w = spawn(a.write, a, ("x"):rep(16 * 1024 * 1024))
		time.sleep(0)
		fails("busy", "in a write", a:write("x"))
		w:cancel()
		t:cancel()
		is(true, #b:read("some") > 0)
	]]))

	it("wakes whoever waits when it is closed", run([[
		local a, b = pair()
		local reader = spawn(b.read, b, "line")
		local writer = spawn(b.write, b, ("x"):rep(16 * 1024 * 1024))
		time.sleep(0.01)
		b:close()
		b:close()
		fails("closed", "the sensor has closed", reader:join())
		fails("closed", "the sensor has closed", writer:join())
		raises("socket:read(): the socket is closed", b.read, b, "line")
		raises("socket:write(): the socket is closed", b.write, b, "x")
		is("socket (closed)", tostring(b))
		a:close()
	]]))

	it("checks its arguments", run([[
		local a = pair()
		raises('"line", "some" or "all", not the string "lines"', a.read, a,
			"lines")
		raises("not nil", a.read, a)
		raises("socket.read() needs a colon: socket:read()", a.read, "line")
		raises("data must be strings or numbers, not nil", a.write, a)
		raises("not a table", a.write, a, "x", {})
		raises("1 to 256 bytes, not 0", a.read_until, a, "")
		raises("seconds must be", a.settimeout, a, -1)
		raises("port must be a number, not nil", socket.connect, "127.0.0.1")
		raises("port must be between 0 and 65535", socket.connect,
			"127.0.0.1", 65536)
		raises('unknown option "time_out"; did you mean "timeout" (seconds)',
			socket.connect, "127.0.0.1", 80, { time_out = 1 })
		raises("socket.connect needs a dot", socket.connect, socket, "x")
		raises("max_handlers", socket.listen, "127.0.0.1", 0,
			{ max_handlers = 0 })
		fails("invalid", "is no numeric address", socket.connect("a.b", 80))
		fails("not_found", "connect unix:/none: ",
			socket.connect("unix:/none"))
	]]))

	it("is refused where nobody listens", run([[
		local l = assert(socket.listen("127.0.0.1", 0))
		local _, port = l:address()
		l:close()
		time.sleep(0.05) -- core hears of it
		fails("refused", "connect 127.0.0.1:" .. port, socket.connect(
			"127.0.0.1", port))
	]]))

	it("is closed when Lua has forgotten it", run([[
		local a, b = pair()
		b = nil
		collectgarbage()
		collectgarbage()
		is("", a:read("all"))
	]]))

	it("is not forgotten while a task waits in it", run([[
		local l = assert(socket.listen("127.0.0.1", 0))
		l:serve(function(sock)
			sock:read("line")
			time.sleep(0.02)
			sock:write("ok")
		end)
		local function ask()
			return (function()
				local sock = assert(socket.connect(l:address()))
				sock:write("x\n")
				return sock
			end)():read("all")
		end
		local t = spawn(ask)
		for _ = 1, 20 do
			time.sleep(0.002)
			collectgarbage()
		end
		is("ok", t:join())
	]]))

	it("is closed in the pass in which a read of it times out", run([[
		local _, b = pair()
		b:settimeout(0.03)
		local closer = spawn(function()
			time.sleep(0.02)
			b:close()
		end)
		local reader = spawn(b.read, b, "line")
		time.sleep(0.005)
		local till = time.monotonic() + 0.06
		while time.monotonic() < till do end -- both times are over
		fails("closed", "", reader:join())
		closer:join()
	]]))
end)

describe("a listener", function()
	it("says why core refuses", run([[
		fails("permission", "0.0.0.0:80 is not allowed",
			socket.listen("0.0.0.0", 80))
	]]))

	it("has one task that accepts", run([[
		local l = assert(socket.listen("127.0.0.1", 0))
		local t = spawn(l.accept, l)
		time.sleep(0)
		fails("busy", "another task of the sensor accepts", l:accept())
		l:close()
		l:close()
		fails("closed", "the sensor has closed the listener", t:join())
		raises("listener:accept(): the listener is closed", l.accept, l)
		raises("listener:serve(): the listener is closed", l.serve, l, print)
	]]))

	it("serves each connection in a task, and closes it", run([[
		local l = assert(socket.listen("127.0.0.1", 0))
		l:serve(function(sock)
			local line = sock:read("line")
			if line == "bad" then error("no good") end
			service:dispatch("demo.event", { name = line })
			sock:write("got ", line, "\n")
		end)
		raises("it serves already", l.serve, l, print)
		local socks = {}
		for i = 1, 50 do
			socks[i] = assert(socket.connect(l:address()))
		end
		for i = 50, 1, -1 do socks[i]:write(i == 7 and "bad" or i, "\n") end
		for i = 1, 50 do
			is(i == 7 and "" or "got " .. i .. "\n", socks[i]:read("all"))
		end
	]]))

	it("runs no more handlers than it may", run([[
		local l = assert(socket.listen("127.0.0.1", 0, { max_handlers = 3 }))
		local now, most = 0, 0
		l:serve(function(sock)
			now = now + 1
			most = math.max(most, now)
			time.sleep(0.01)
			now = now - 1
			sock:write("ok")
		end)
		local function ask()
			return assert(socket.connect(l:address())):read("all") == "ok"
		end
		local results = assert(spawn.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9, ask))
		is(9, #results)
		is(3, most)
	]]))

	-- Asks the sensor at a port; what it answers until the end.
	local function ask(w, port, text)
		local fd = assert(listening.connect(port))
		unistd.write(fd, text)
		return fd, function(seconds)
			local deadline = process.now() + (seconds or 5)
				* process.slowness
			repeat
				w:run_for(0.005)
				if poll.rpoll(fd, 5) == 1 then
					return unistd.read(fd, 1000)
				end
			until process.now() > deadline
		end
	end

	local SERVE = [[
		function Checker:setup()
			local l = assert(socket.listen("127.0.0.1", 0))
			l:serve(function(sock)
				local line = sock:read("line")
				self.sensor_service:dispatch("demo.event", { name = line })
				sock:write("got ", line, "\n")
			end)
			self.l = l
		end
		function Checker:run() self:wait() end
		function Checker:cleanup() self.l:close() end
	]]

	local function port_of(w)
		assert(w:wait_state("running"))
		return w.listening["127.0.0.1:0"].port
	end

	it("answers when the handler's unit is on disk", function()
		local w = start(SERVE, { hold = true })
		w:run_until(function() return #w.unanswered == 1 end)
		w:ack() -- setup
		local port = port_of(w)
		local fd, answer = ask(w, port, "x\n")
		assert.is_true(w:run_until(function() return #w.unanswered == 1 end))
		assert.is_nil(answer(0.05))
		w:ack()
		assert.equal("got x\n", answer())
		unistd.close(fd)
	end)

	it("accepts nothing while it is quiet; handlers finish", function()
		local w = start(SERVE)
		local port = port_of(w)
		local one, answer_one = ask(w, port, "on")
		w:run_for(0.05) -- its handler waits for the line
		w:send("QUIET", require("spec.support.seam").u32(5000), 900)
		w:run_for(0.05)
		assert.is_nil(w.replies[900])
		local two, answer_two = ask(w, port, "two\n")
		w:run_for(0.05)
		unistd.write(one, "e\n")
		assert.equal("got one\n", answer_one())
		assert.is_true(w:run_until(function() return w.replies[900] end))
		assert.is_nil(answer_two(0.05))
		w:send("RESUME", "")
		assert.equal("got two\n", answer_two())
		unistd.close(one)
		unistd.close(two)
	end)

	it("leaves the socket to core at the end, not before", function()
		local w = start(SERVE)
		port_of(w)
		w:stop()
		assert(w:wait_state("stopped"))
		assert.same({ "listen 127.0.0.1:0" }, w.requests)
		w = start([[
			function Checker:run()
				local l = assert(socket.listen("localhost", 0))
				l:close()
				self:wait()
			end
		]])
		assert.is_true(w:run_until(function() return w.requests[2] end))
		assert.equal("unlisten localhost:0", w.requests[2])
	end)
end)
