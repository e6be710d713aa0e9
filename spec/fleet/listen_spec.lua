-- Listening sockets that core keeps: over reloads, restarts and kills none is
-- refused; where sensors may not listen, and when a socket is closed.

local poll = require("posix.poll")
local signal = require("posix.signal")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local listening = require("spec.support.listening")
local process = require("spec.support.process")
local shim = require("spec.support.shim")
local stat = require("posix.sys.stat")

local ROUNDS = tonumber(os.getenv("SENSORHOST_SPEC_STORM") or 30)
local METADATA = "trigger_types:\n  - name: count\n"

-- A port that is free now.
local function free_port()
	local fd, port = listening.open(0)
	unistd.close(fd)
	return port
end

-- A sensor that serves a count. more: further lines of run, in front.
local function counter(port, version, more)
	return ([[
local S = require("sensorhost.sensor"):extend()
local socket = require("sensorhost.socket")
local time = require("sensorhost.time")
local _ = time
function S:run()
	%s
	local l = assert(socket.listen("127.0.0.1", %d, { max_handlers = 4 }))
	l:serve(function(sock)
		if sock:read("line") == "hold" then
			time.sleep(3600)
		end
		local service = self.sensor_service
		local n = service:get_number("n", 0) + 1
		service:set_value("n", n)
		service:dispatch("demo.count", { n = n, version = %d })
		sock:write(n, " ", %d, "\n")
	end)
	self.log:info("serving as %d")
	self:wait()
end
return S
]]):format(more or "", port, version, version, version)
end

describe("an address that a sensor wants", function()
	-- Asks for it with each poll until it has it, and says what came of it.
	local function wanting(where)
		return ([=[
local S = require("sensorhost.polling_sensor"):extend()
local socket = require("sensorhost.socket")
function S:poll()
	if not self.listener then
		local l, err = socket.listen(%s)
		self.log:info("%%s", l and "has it" or tostring(err))
		self.listener = l
	end
end
return S]=]):format(where)
	end

	it("can be had after descriptors had run out", host.with(function(h)
		local port = free_port()
		h:write_sensor("demo", "S", wanting(('"127.0.0.1", %d'):format(port)),
			"poll_interval: 0.1\n")
		local file = h:write("none", "")
		local library = shim.compile(h.dir, ([=[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
int fcntl(int fd, int command, ...)
{
	__builtin_va_list ap;
	long arg;
	__builtin_va_start(ap, command);
	arg = __builtin_va_arg(ap, long);
	__builtin_va_end(ap);
	if (command == F_DUPFD_CLOEXEC && access("%s", F_OK) == 0) {
		errno = EMFILE;
		return -1;
	}
	return ((int (*)(int, int, long))dlsym(RTLD_NEXT, "fcntl"))(fd,
	    command, arg);
}
int fcntl64(int, int, ...) __attribute__((alias("fcntl")));
]=]):format(file))
		local core = h:start({ "serve",
			env = { LD_PRELOAD = shim.preload(library) } })
		core:wait_for("Too many open files")
		-- nobody is kept waiting meanwhile
		assert.is_nil(listening.connect(port))
		os.remove(file)
		core:wait_for("has it")
		unistd.close((assert(listening.connect(port))))
	end))

	it("is not opened, nor taken away, where it may not listen: a path like "
	    .. "any port", host.with(function(h)
		local path = h:write("forbidden/x", ""):gsub("x$", "y:0")
		local fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0))
		assert(socket.bind(fd, { family = socket.AF_UNIX, path = path }))
		unistd.close(fd)
		local function id()
			return stat.lstat(path).st_ino
		end
		local before = id()
		h:write_sensor("demo", "S", wanting('"unix:' .. path .. '"'),
			"poll_interval: 0.1\n")
		local core = h:start("serve")
		core:wait_for("is not allowed")
		assert.equal(before, id())
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
		assert.equal(before, id())
	end))
end)

-- Asks once; the answer, or nil and why not.
local function ask(port, text)
	local fd, why = listening.connect(port)
	if not fd then
		return nil, why
	end
	unistd.write(fd, text or "count\n")
	poll.rpoll(fd, 10000)
	local bytes, failure = unistd.read(fd, 1000)
	unistd.close(fd)
	if bytes == "" then
		return nil, "unanswered"
	end
	return bytes, failure
end

-- Waits until nobody listens at a port any more.
local function await_refused(port, seconds)
	local deadline = process.now() + seconds * process.slowness
	repeat
		local fd, why = listening.connect(port)
		if not fd then
			return assert.equal("connect: Connection refused", why)
		end
		unistd.close(fd)
		poll.rpoll(-1, 50)
	until process.now() > deadline
	error("port " .. port .. " is still open", 2)
end

-- The journal holds each count up to `last` exactly once, in order.
local function assert_counts(h, last)
	local journal = h:journal("--trigger", "demo.count")
	for i, record in ipairs(journal) do
		assert.equal(i, record.payload.n)
	end
	assert.equal(last, #journal)
end

local function with_counter(fn)
	return host.with(function(h)
		local port = free_port()
		h:write_sensor("demo", "Counter", counter(port, 1), METADATA)
		h.core = h:start("serve")
		h.core:wait_for("serving as 1")
		fn(h, port)
		h.core:signal("TERM")
		assert.same({ "exited", 0 }, { h.core:wait() })
	end)
end

local function reload(h, source, metadata)
	h:write_sensor("demo", "Counter", source, metadata or METADATA)
	h.core:signal("HUP")
end

describe("a storm of reloads", function()
	-- Edits and reloads the sensor while a client connects in a loop.
	local function storm(h, port, metadata)
		local client = process.start({ "luajit",
			"spec/support/listen_client.lua", tostring(port),
			stdin = "pipe", stdout = h.dir .. "/answers" })
		for version = 2, ROUNDS + 1 do
			reload(h, counter(port, version), metadata)
			h.core:wait_for("serving as " .. version, 30)
		end
		unistd.close(client.stdin)
		client.stdin = nil
		assert.same({ "exited", 0 }, { client:wait(60) })
		client:close()
		local count, versions = 0, {}
		for line in h:read("answers"):gmatch("[^\n]+") do
			local n, version = line:match("^ok (%d+) (%d+)$")
			assert.equal(tostring(count + 1), n, line)
			count = count + 1
			versions[version] = true
		end
		assert.is_true(count >= ROUNDS)
		assert_counts(h, count)
		local heard = 0
		for _ in pairs(versions) do
			heard = heard + 1
		end
		return heard
	end

	it("refuses and resets nobody", with_counter(function(h, port)
		assert.is_true(storm(h, port) > ROUNDS / 4)
	end))

	it("nor does one of restarts", with_counter(function(h, port)
		local metadata = METADATA .. "reload: restart\n"
		reload(h, counter(port, 1), metadata)
		h.core:wait_for("serving as 1")
		assert.is_true(storm(h, port, metadata) > ROUNDS / 4)
	end))
end)

describe("a listening socket", function()
	it("keeps what queues while its worker is killed", with_counter(
	function(h, port)
		local held, queued = {}, {}
		for i = 1, 4 do
			held[i] = assert(listening.connect(port))
			unistd.write(held[i], "hold\n")
		end
		poll.rpoll(-1, 200)
		for i = 1, 20 do
			queued[i] = assert(listening.connect(port))
			unistd.write(queued[i], "count\n")
		end
		for _, pid in ipairs(host.family(h.core.pid).workers) do
			signal.kill(pid, signal.SIGKILL)
		end
		h.core:wait_for("killed by signal 9")
		assert(ask(port, "count\n"))
		local got = {}
		for i = 1, 20 do
			assert.equal(1, poll.rpoll(queued[i], 10000))
			got[tonumber(unistd.read(queued[i], 100):match("^%d+"))] = true
			unistd.close(queued[i])
		end
		for n = 1, 20 do
			assert.is_true(got[n], n)
		end
		for i = 1, 4 do
			assert.equal("", unistd.read(held[i], 1) or "")
			unistd.close(held[i])
		end
		assert_counts(h, 21)
	end))

	it("goes on with the old version when a reload fails", with_counter(
	function(h, port)
		local broken = counter(port, 2):gsub("function S:run",
			'function S:setup() assert(socket.listen("127.0.0.1", '
			.. port .. ')) error("no") end\n%0')
		reload(h, broken)
		h.core:wait_for("reload failed, the running version goes on")
		assert.equal("1 1\n", ask(port))
		reload(h, counter(port, 3))
		h.core:wait_for("serving as 3")
		assert.equal("2 3\n", ask(port))
	end))

	it("is closed when nobody asks for it any more", with_counter(
	function(h, port)
		reload(h, counter(port, 2, "self.log:info('serving none') "
			.. "self:wait()"))
		h.core:wait_for("serving none")
		assert(listening.connect(port)) -- for the time being
		h.core:wait_for("no longer listens on 127.0.0.1:" .. port, 15)
		await_refused(port, 1)
	end))

	it("is closed by close, and with its sensor", with_counter(
	function(h, port)
		reload(h, counter(port, 2, ("local l = assert(socket.listen("
			.. "'127.0.0.1', %d)) l:close() time.sleep(0.5)"):format(port)))
		await_refused(port, 5)
		h.core:wait_for("serving as 2")
		assert.truthy(ask(port):match("^%d+ 2\n$"))
		assert.equal(0, h:run("sensor", "disable", "demo.Counter").code)
		await_refused(port, 5)
		assert.equal(0, h:run("sensor", "enable", "demo.Counter").code)
		h.core:wait_for("serving as 2")
		assert.truthy(ask(port):match("^%d+ 2\n$"))
		os.remove(h.packs .. "/demo/sensors/counter.yaml")
		h.core:signal("HUP")
		await_refused(port, 5)
	end))

	it("stays the sensor's own while it backs off", with_counter(
	function(h, port)
		reload(h, counter(port, 2, "if not self.sensor_service:get_value("
			.. "'again') then self.sensor_service:set_value('again', 1) "
			.. "self.sensor_service:commit() error('once') end"))
		h.core:wait_for("failed in run")
		assert.equal("1 2\n", ask(port))
	end))
end)

describe("listening", function()
	-- What the sensor's log says of listening at a place; the host's
	-- configuration may be given.
	local function try(h, place, config)
		h:write_sensor("demo", "Try", ([[
			local S = require("sensorhost.polling_sensor"):extend()
			local socket = require("sensorhost.socket")
			function S:poll()
				local l, err = socket.listen(%s)
				if l then
					print("fine:", l:address())
				else
					print("kind " .. err.kind .. ": " .. tostring(err))
				end
			end
			return S
		]]):format(place))
		local words = { "run", "demo.Try", "--once" }
		if config then
			table.insert(words, "--config")
			table.insert(words, h:write("host.yaml", config))
		end
		local result = h:run(unpack(words))
		assert.equal(0, result.code, result.stderr)
		return result.stderr:match("info demo%.Try%S* (fine:[^\n]*)")
			or result.stderr:match("info demo%.Try%S* (kind [^\n]*)")
			or result.stderr
	end

	it("is allowed where the host says", host.with(function(h)
		local why = "kind permission: listen: 127.0.0.1:80 is not allowed; to "
			.. "allow it, add it to sensor_listen in sensorhost.yaml (which "
			.. "has now: 127.0.0.1:1024-65535, [::1]:1024-65535)"
		assert.equal(why, try(h, '"127.0.0.1", 80'))
		for _, place in ipairs({ '"0.0.0.0", 8080', '"::", 8080',
			'"10.0.0.1", 8080', '"unix:/tmp/x"' }) do
			assert.truthy(try(h, place):find("kind permission", 1, true),
				place)
		end
		local port = free_port()
		assert.equal("fine:\t127.0.0.1\t" .. port,
			try(h, '"localhost", ' .. port))
		assert.truthy(try(h, '"::1", 0'):find("^fine:\t::1\t%d+$"))
		assert.equal("fine:\t0.0.0.0\t" .. port, try(h,
			'"0.0.0.0", ' .. port, 'sensor_listen: ["0.0.0.0:1024-65535"]\n'))
		assert.truthy(try(h, '"127.0.0.1", 0',
			'sensor_listen: ["127.0.0.1:1-2"]\n'):find("which has now: "
			.. "127.0.0.1:1-2", 1, true))
		assert.truthy(try(h, '"localhost", 8080', "sensor_listen: []\n")
			:find("(which has now: nothing)", 1, true))
	end))

	it("fails where somebody else does", host.with(function(h)
		local fd, port = listening.open(0)
		assert.equal("kind busy: listen: Address already in use: another "
			.. "program has it", try(h, '"127.0.0.1", ' .. port))
		assert.truthy(try(h, '"127.1.2.3.4", 8080'):find("kind invalid"))
		unistd.close(fd)
	end))

	it("fails where another sensor does, and tells which", with_counter(
	function(h, port)
		h:write_sensor("demo", "Other", counter(port, 2), METADATA)
		h.core:signal("HUP")
		h.core:wait_for("127.0.0.1:" .. port
			.. " is taken by the sensor demo.Counter")
	end))

	it("works at Unix paths, also where a dead socket lies", host.with(
	function(h)
		local config = "sensor_listen: [unix:" .. h.dir .. "/]\n"
		local path = h.dir .. "/x.sock"
		local stale = assert(socket.socket(socket.AF_UNIX,
			socket.SOCK_STREAM, 0))
		assert(socket.bind(stale, { family = socket.AF_UNIX, path = path }))
		assert.truthy(h:read("x.sock") == nil)
		unistd.close(stale)
		assert.equal("fine:\tunix:" .. path .. "\t0",
			try(h, '"unix:' .. path .. '"', config))
		-- It is gone with the host.
		assert.is_nil(require("posix.sys.stat").lstat(path))
		local file = h:write("x.sock", "precious")
		assert.truthy(try(h, '"unix:' .. file .. '"', config):find(
			"kind busy", 1, true))
		assert.equal("precious", h:read("x.sock"))
		assert.truthy(try(h, '"unix:' .. h.dir .. '/packs/x"', config)
			:find("kind permission", 1, true))
	end))
end)
