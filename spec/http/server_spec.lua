-- The HTTP server of the real program, and clients that mean it no good.

local resource = require("posix.sys.resource")
local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")

local HOST = "Host: localhost\r\n"
local LIVE = "GET /livez HTTP/1.1\r\n" .. HOST
local POST = "POST /v1/sensortypes/demo.Tick/enable HTTP/1.1\r\n" .. HOST

-- A host that serves nothing but its API, with options of `api:`.
local function serving(api, fn, ...)
	local words = { "serve", ... }
	return host.with(function(h)
		local options = {}
		for name, value in pairs(api) do
			options[#options + 1] = name .. ": " .. value
		end
		h:write("host.yaml", "packs_path: [packs]\napi: {"
			.. table.concat(options, ", ") .. "}\n")
		table.insert(words, "--config")
		table.insert(words, h.dir .. "/host.yaml")
		h.core = h:start(words)
		h.core:wait_for("ready: ")
		h.sock = h.data .. "/api.sock"
		fn(h)
		h.core:signal("TERM")
		assert.same({ "exited", 0 }, { h.core:wait() })
	end)
end

-- The statuses that come for some bytes, and whether the end was closed: when
-- `count` have come it is "timeout" unless more follows soon.
local function statuses(h, bytes, count)
	local c, list = assert(http.connect(h.sock)), {}
	c:send(bytes)
	while true do
		local answer, why = c:answer(#list == count and 0.2 or nil)
		if not answer then
			c:close()
			return table.concat(list, " "), why
		end
		list[#list + 1] = answer.status
	end
end

-- Waits until nobody is connected but who asks.
local function alone(h)
	process.eventually(function()
		return http.ask(h.sock, "GET", "/v1/status").json.connections == 1
	end, "the end of all connections")
end

describe("the server", function()
	it("answers, keeps alive, pipelines and knows HEAD", serving({},
	    function(h)
		assert.same({ "200", "timeout" }, { statuses(h, LIVE .. "\r\n", 1) })
		assert.same({ "200 404 405 200", "timeout" },
			{ statuses(h, LIVE .. "\r\nGET /nothing HTTP/1.1\r\n" .. HOST
			.. "\r\nDELETE /livez HTTP/1.1\r\n" .. HOST .. "\r\n" .. LIVE
			.. "\r\n", 4) })
		assert.same({ "200", "closed" }, { statuses(h,
			"GET /livez HTTP/1.0\r\n" .. HOST .. "\r\n") })
		local head = http.ask(h.sock, "HEAD", "/livez")
		assert.equal(200, head.status)
		assert.equal("", head.body)
		assert.equal("GET, HEAD", http.ask(h.sock, "POST",
			"/livez").headers.allow)
		assert.is_string(http.ask(h.sock, "GET", "/x").json.faultstring)
	end))

	it("refuses what could be read in two ways, and closes", serving({},
	    function(h)
		for _, bytes in ipairs({
			"GET /livez HTTP/1.1\r\n\r\n",
			LIVE .. HOST .. "\r\n",
			"GET /livez HTTP/1.9\r\n" .. HOST .. "\r\n",
			"GET /livez\r\n\r\n",
			"GET /livez\r\n" .. HOST .. "\r\n",
			LIVE .. "X : 1\r\n\r\n",
			LIVE .. "X\1: 1\r\n\r\n",
			LIVE .. "X: a\rb\r\n\r\n",
			LIVE .. "X: a\1b\r\n\r\n",
			LIVE .. "no colon\r\n\r\n",
			"GET http://localhost/livez HTTP/1.1\r\n" .. HOST .. "\r\n",
			"GET /v1/sensortypes/a%00b HTTP/1.1\r\n" .. HOST .. "\r\n",
			"GET /v1/sensortypes/%ff HTTP/1.1\r\n" .. HOST .. "\r\n",
			POST .. "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
			POST .. "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
			POST .. "Content-Length: 3\r\nTransfer-Encoding: chunked"
				.. "\r\n\r\n0\r\n\r\n",
			POST .. "Content-Length: +3\r\n\r\nabc",
			POST .. "Content-Length: -1\r\n\r\nabc",
			POST .. "Content-Length : 3\r\n\r\nabc",
			POST .. "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
			POST .. "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
			POST .. "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0"
				.. "\r\n\r\n",
			POST .. "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0"
				.. "\r\n\r\n",
		}) do
			-- What follows must not be taken for a request of its own.
			assert.same({ "400", "closed" },
				{ statuses(h, bytes .. LIVE .. "\r\n") }, bytes)
		end
		assert.same({ "505", "closed" }, { statuses(h,
			"GET /livez HTTP/2.0\r\n" .. HOST .. "\r\n") })
		assert.equal(200, http.ask(h.sock, "GET", "/livez").status)
	end))

	it("bounds head and body", serving({ max_header = "2K",
		max_body = "100K" }, function(h)
		local many = {}
		for i = 1, 101 do
			many[i] = "a" .. i .. ":b\r\n"
		end
		assert.equal("200", (statuses(h, LIVE .. "X: " .. ("a"):rep(1800)
			.. "\r\n\r\n", 1)))
		for _, bytes in ipairs({
			LIVE .. "X: " .. ("a"):rep(2100) .. "\r\n\r\n",
			LIVE .. "X: " .. ("a"):rep(50000) .. "\r\n\r\n",
			LIVE .. table.concat(many) .. "\r\n",
			LIVE .. ("a:b\r\n"):rep(5000) .. "\r\n",
		}) do
			assert.same({ "431", "closed" }, { statuses(h, bytes) })
		end
		assert.same({ "414", "closed" }, { statuses(h, "GET /"
			.. ("a"):rep(60000) .. " HTTP/1.1\r\n" .. HOST .. "\r\n") })
		local chunk = "10000\r\n" .. ("x"):rep(65536) .. "\r\n"
		for _, bytes in ipairs({
			POST .. "Content-Length: 102401\r\n\r\nabc",
			POST .. "Content-Length: 102401\r\nExpect: 100-continue"
				.. "\r\n\r\n",
			POST .. "Content-Length: 99999999999999999999\r\n\r\n",
			POST .. "Transfer-Encoding: chunked\r\n\r\n" .. chunk:rep(40),
		}) do
			assert.same({ "413", "closed" }, { statuses(h, bytes) })
		end
		assert.equal("100 404", (statuses(h, "PUT /v1/sensortypes/demo.X "
			.. "HTTP/1.1\r\n" .. HOST .. "Content-Length: 2\r\n"
			.. "Expect: 100-continue\r\n\r\n{}", 2)))
	end))

	it("does not wait for who dribbles", serving({ header_timeout = "1s",
		body_timeout = "1500ms", idle_timeout = "2s" }, function(h)
		local clients = { silent = "", dribbling = "GET /li",
			head = LIVE, body = POST .. "Content-Length: 90\r\n\r\nab",
			idle = LIVE .. "\r\n" }
		local wanted = { silent = { 408, 1 }, dribbling = { 408, 1 },
			head = { 408, 1 }, body = { 408, 1.5 }, idle = { 200, 2 } }
		local began, deadline = process.now(), process.deadline()
		for name, bytes in pairs(clients) do
			clients[name] = assert(http.connect(h.sock))
			clients[name]:send(bytes)
		end
		while next(clients) do
			for name, c in pairs(clients) do
				if name ~= "silent" and name ~= "idle" then
					c:send("a")
				end
				local _, why = c:more(process.now() + 0.05)
				if why == "closed" then
					local status, least = unpack(wanted[name])
					assert.equal(status, assert(c:answer(0), name).status,
						name)
					-- Never too early; by how much it is late is the
					-- machine's affair.
					assert.is_true(process.now() - began > least - 0.05,
						name)
					c:close()
					clients[name] = nil
				end
			end
			assert.is_true(process.now() < deadline)
		end
		assert.equal(200, http.ask(h.sock, "GET", "/livez").status)
	end))

	it("gives each request of a connection its own time", serving({
		header_timeout = "2s", idle_timeout = "5m" }, function(h)
		local c = http.connect(h.sock)
		for _ = 1, 4 do
			c:send(LIVE .. "\r\n")
			assert.equal(200, c:answer().status)
			assert.is_nil(c:closed(0.7 / process.slowness))
		end
		c:close()
	end))

	it("refuses connections beyond its cap politely", serving({
		max_connections = 20 }, function(h)
		local clients = {}
		for i = 1, 20 do
			clients[i] = assert(http.connect(h.sock))
			clients[i]:send(LIVE .. "\r\n")
			assert.equal(200, clients[i]:answer().status)
		end
		for _ = 1, 5 do
			local c = assert(http.connect(h.sock))
			local answer = assert(c:answer())
			assert.equal(503, answer.status)
			assert.equal("1", answer.headers["retry-after"])
			assert.is_not_nil(c:closed())
			c:close()
		end
		clients[1]:close()
		clients[2]:send(LIVE .. "\r\n")
		assert.equal(200, clients[2]:answer().status)
		process.eventually(function()
			local c = assert(http.connect(h.sock))
			c:send(LIVE .. "\r\n")
			local status = c:answer().status
			c:close()
			return status == 200
		end, "room for another connection")
	end))

	it("holds ten thousand, and answers the next one, too", serving({
		header_timeout = "10m", idle_timeout = "10m" }, function(h)
		local limit = resource.getrlimit(resource.RLIMIT_NOFILE)
		if limit.rlim_max < 20000 then
			return pending("20000 descriptors are not to be had")
		end
		limit.rlim_cur = limit.rlim_max
		resource.setrlimit(resource.RLIMIT_NOFILE, limit)
		local clients = {}
		for i = 1, 10000 do
			clients[i] = assert(http.connect(h.sock))
		end
		for i = 1, 10000, 100 do
			clients[i]:send(LIVE .. "\r\n")
			assert.equal(200, clients[i]:answer().status)
		end
		local c = assert(http.connect(h.sock))
		assert.equal(503, c:answer().status)
		c:close()
		for i = 1, 10000 do
			clients[i]:close()
		end
		alone(h)
	end))

	it("leaves the sensors half of the descriptors", host.with(function(h)
		local file = h:write("limited.sh", "#!/bin/sh\nulimit -n 300\n"
			.. 'exec "' .. host.program .. '" "$@"\n')
		os.execute("chmod +x " .. file)
		local program = host.program
		host.program = file
		local core = h:start("serve")
		host.program = program
		core:wait_for("api.max_connections: 150 of them")
		core:wait_for("ready: ")
		local clients = {}
		for i = 1, 200 do
			clients[i] = assert(http.connect(h.data .. "/api.sock"))
		end
		clients[1]:send(LIVE .. "\r\n")
		assert.equal(200, clients[1]:answer().status)
		assert.equal(503, clients[200]:answer().status)
	end))

	it("shares its connections between addresses", host.with(function(h)
		h:write("host.yaml", "packs_path: [packs]\napi: {auth: false, "
			.. "listen: ['127.0.0.1:0'], max_per_address: 5}\n")
		local core = h:start("serve", "--config", h.dir .. "/host.yaml")
		local port = core:wait_for("listening on http://127.0.0.1:(%d+)")
		local clients = {}
		for i = 1, 6 do
			clients[i] = assert(http.connect(port))
			clients[i]:send(LIVE .. "\r\n")
		end
		for i = 1, 5 do
			assert.equal(200, clients[i]:answer().status)
		end
		assert.equal(503, clients[6]:answer().status)
		-- The Unix socket has no share in it.
		assert.equal(200, http.ask(h.data .. "/api.sock", "GET",
			"/livez").status)
	end))

	it("on TCP without keys takes no page's requests", host.with(
	    function(h)
		local core = h:start("serve", "--listen", "127.0.0.1:0",
			"--listen", "[::1]:0", "--no-auth")
		local port = core:wait_for("listening on http://127.0.0.1:(%d+)")
		core:wait_for("listening on http://%[::1%]:(%d+)")
		local function ask(name, headers)
			local c = assert(http.connect(port))
			c:send("GET /livez HTTP/1.1\r\nHost: " .. name .. "\r\n"
				.. (headers or "") .. "\r\n")
			return c:answer().status
		end
		assert.equal(200, ask("localhost"))
		assert.equal(200, ask("127.0.0.1:" .. port))
		assert.equal(200, ask("localhost:" .. port,
			"Origin: http://localhost:" .. port .. "\r\n"))
		assert.equal(403, ask("evil.example"))
		assert.equal(403, ask("localhost",
			"Origin: http://evil.example\r\n"))
		assert.equal(403, ask("localhost", "Origin: null\r\n"))
	end))

	it("says where it cannot listen, and why", host.with(function(h)
		local function refused(...)
			local r = h:run("serve", ...)
			assert.equal(1, r.code)
			return (r.stderr:gsub("^sensorhost: ", ""))
		end
		local function wrong(address)
			local r = h:run("serve", "--listen", address, "--no-auth")
			assert.equal(2, r.code)
			return r.stderr
		end
		assert.matches("wants an API key", refused("--listen",
			"127.0.0.1:0"))
		assert.matches("no loopback address", refused("--listen",
			"0.0.0.0:0", "--no-auth"))
		assert.matches("an address and a port", wrong("9101"))
		assert.matches("a numeric address", wrong("localhost:9101"))
		local core = h:start("serve", "--listen", "127.0.0.1:0",
			"--no-auth")
		local port = core:wait_for("listening on http://127.0.0.1:(%d+)")
		h.data = h.dir .. "/other"
		assert.matches("127.0.0.1:" .. port .. ": Address already in use",
			refused("--listen", "127.0.0.1:" .. port, "--no-auth"))
	end))

	it("has its Unix socket under the mode it was given", serving({
		socket_mode = '"0620"' }, function(h)
		local p = io.popen("stat -c %a " .. h.sock)
		assert.equal("620", p:read("*l"))
		p:close()
	end))

	it("works however long the folder's path is", host.with(function(h)
		h.data = h.dir .. "/" .. ("long/"):rep(40) .. "data"
		os.execute("mkdir -p " .. h.data:match("^(.*)/"))
		local core = h:start("serve")
		core:wait_for("ready: ")
		local r = h:run("status", "--json")
		assert.equal(0, r.code, r.stderr)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
		assert.is_nil(io.open(h.data .. "/api.sock"))
	end))

	it("replaces the socket that a killed core left", host.with(function(h)
		for _ = 1, 3 do
			local core = h:start("serve")
			core:wait_for("ready: ")
			assert.equal(200, http.ask(h.data .. "/api.sock", "GET",
				"/readyz").status)
			core:signal("KILL")
			core:wait()
			assert.is_nil(http.connect(h.data .. "/api.sock"))
		end
	end))

	it("survives clients that leave in the middle", serving({}, function(h)
		for i = 1, 300 do
			local c = assert(http.connect(h.sock))
			local bytes = POST .. "Content-Length: 10\r\n\r\n0123456789"
			c:send(bytes:sub(1, i % #bytes + 1))
			c:close()
		end
		for _ = 1, 20 do
			local c = assert(http.connect(h.sock))
			c:send("POST /v1/reload HTTP/1.1\r\n" .. HOST .. "\r\n")
			c:close()
		end
		assert.equal(200, http.ask(h.sock, "POST", "/v1/reload").status)
		alone(h)
	end))
end)
