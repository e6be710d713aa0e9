-- Sockets that a service manager opened before the host started.

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local fcntl = require("posix.fcntl")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")

local IDLE = [[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() end
return S
]]

-- A socket that listens at an address of luaposix.
local function listening(address)
	local fd = assert(socket.socket(address.family, socket.SOCK_STREAM, 0))
	assert(socket.bind(fd, address))
	assert(socket.listen(fd, 16))
	return fd
end

-- The port of the first TCP address that the log says it listens on.
-- (luaposix's getsockname leaves the port out now and then.)
local function tcp_port(h)
	return assert(h:read("log"):match("listening on http://127%.0%.0%.1:(%d+)"))
end

local function tcp(addr)
	return { family = socket.AF_INET, addr = addr or "127.0.0.1", port = 0 }
end

-- Starts serve with descriptors as the third, fourth, ... and their names.
local function start(h, fds, names, ...)
	local words = h:command("serve", ...)
	local script = { ("LISTEN_PID=$$ LISTEN_FDS=%d"):format(#fds),
		names and "LISTEN_FDNAMES=" .. names or "", 'exec "$0" "$@"' }
	for i, fd in ipairs(fds) do
		-- Out of the way of the numbers that they are to get.
		fds[i] = fcntl.fcntl(fd, fcntl.F_DUPFD, 30)
		unistd.close(fd)
		table.insert(script, ("%d<&%d"):format(2 + i, fds[i]))
	end
	local command = { "bash", "-c", table.concat(script, " "),
		unpack(words) }
	command.cwd, command.env = words.cwd, words.env
	command.stdout, command.stderr = "/dev/null", h.dir .. "/log"
	local core = process.start(command)
	for _, fd in ipairs(fds) do
		unistd.close(fd)
	end
	return core
end

-- fn(h, core) with a host that is ready; it stops in order.
local function activated(h, fds, names, options, fn)
	local core = start(h, fds, names, unpack(options))
	local ok, err = pcall(function()
		local deadline = process.deadline()
		while not (h:read("log") or ""):find("ready: ", 1, true) do
			assert(core:alive() and process.now() < deadline, h:read("log"))
			core:wait(0.02)
		end
		fn(core)
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait(process.PATIENCE) })
	end)
	core:close()
	assert(ok, tostring(err) .. "\n" .. (h:read("log") or ""))
end

local function with_idle(fn)
	return host.with(function(h)
		h:write_sensor("demo", "Idle", IDLE)
		fn(h)
	end)
end

describe("a socket that was passed", function()
	it("serves the API, of TCP and Unix, beside the data folder's own",
		with_idle(function(h)
			local one = listening(tcp())
			local path = h.dir .. "/passed.sock"
			local two = listening({ family = socket.AF_UNIX, path = path })
			activated(h, { one, two }, "api:sensorhost.socket", { "--no-auth" },
				function(core)
					for _, to in ipairs({ path, h.data .. "/api.sock" }) do
						assert.equal(200, http.ask(to, "GET", "/livez").status)
					end
					local curl = process.run({ "curl", "-sS", "-m", "5",
						("http://127.0.0.1:%d/livez"):format(tcp_port(h)) })
					assert.equal(0, curl.code, curl.stderr)
					-- Workers and spawner have none of it.
					local family = host.family(core.pid)
					for _, pid in ipairs({ family.spawner, family.workers[1] }) do
						local p = io.popen("ls -l /proc/" .. pid .. "/fd")
						local fds = p:read("*a")
						p:close()
						assert.falsy(fds:find("socket.*socket"), fds)
					end
				end)
			-- It is the service manager's: not ours to remove.
			assert(require("posix.sys.stat").stat(path))
		end))

	it("may be the one of the data folder", with_idle(function(h)
		h:write("data/keep", "")
		os.execute("chmod 700 " .. h.data)
		local path = h.data .. "/api.sock"
		local fd = listening({ family = socket.AF_UNIX, path = path })
		local ino = require("posix.sys.stat").stat(path).st_ino
		activated(h, { fd }, nil, {}, function()
			assert.equal(200, http.ask(path, "GET", "/livez").status)
			assert.equal(ino, require("posix.sys.stat").stat(path).st_ino)
		end)
	end))

	it("is served under the same rules as any other", with_idle(function(h)
		local core = start(h, { (listening(tcp())) }, "api")
		assert.same({ "exited", 1 }, { core:wait(process.PATIENCE) })
		core:close()
		assert.truthy(h:read("log"):find(
			"socket activation: api.listen: http://127.0.0.1:", 1, true),
			h:read("log"))
		core = start(h, { (listening(tcp("0.0.0.0"))) }, "api", "--no-auth")
		assert.same({ "exited", 1 }, { core:wait(process.PATIENCE) })
		core:close()
		assert.truthy(h:read("log"):find("is no loopback address", 1, true))
	end))

	it("must listen, and bear a name that is known", with_idle(function(h)
		local plain = assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM,
			0))
		local other = listening(tcp())
		local r, w = unistd.pipe()
		activated(h, { plain, r, other }, "api:api:other", {}, function()
			local log = h:read("log")
			assert.truthy(log:find('descriptor 3 "api", which the service '
				.. "manager passed, is no stream socket that listens", 1, true), log)
			assert.truthy(log:find('descriptor 4 "api"', 1, true), log)
			assert.truthy(log:find('nobody here takes the socket "other"', 1,
				true), log)
		end)
		unistd.close(w)
	end))

	it("is not for this process where the number is another's",
		with_idle(function(h)
			local core = h:start({ "serve", env = { LISTEN_PID = "1",
				LISTEN_FDS = "1000000000" } })
			core:wait_for("ready: 1 sensor")
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
			assert.falsy(core:text("stderr"):find("passed", 1, true))
		end))
end)
