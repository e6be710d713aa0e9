-- Whoever reads the lines of `run`, or does not: core goes on, and stops
-- when it is told to.

local fcntl = require("posix.fcntl")
local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local host = require("spec.support.host")
local process = require("spec.support.process")

local COUNTER = [[
local C = require("sensorhost.polling_sensor"):extend()
function C:poll()
	local n = self.sensor_service:get_number("n", 0)
	for _ = 1, 50 do
		n = n + 1
		self.sensor_service:dispatch("demo.tick", {
			n = n, pad = ("x"):rep(4000) })
		self.sensor_service:dispatch("demo.tick", ("x"):rep(1000))
		print(n, ("y"):rep(1000))
	end
	self.sensor_service:set_value("n", n)
end
return C
]]

local METADATA = "poll_interval: 0.02\ntrigger_types:\n  - name: tick\n"

-- Two ends, { theirs, ours }: whatever is written to theirs comes to ours.
local ends = {
	["a pipe"] = function()
		local r, w = unistd.pipe()
		return w, r
	end,
	["a socket"] = function()
		return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0)
	end,
}

-- The command of a host, by another user where this one can be.
local function as(user, words)
	if user then
		for i, word in ipairs({ "setpriv", "--reuid", user, "--regid", user,
			"--clear-groups" }) do
			table.insert(words, i, word)
		end
	end
	return words
end

-- Starts a sensor with `stream` ("stdout", "stderr") into one of the ends.
local function started(h, make, user, stream)
	h:write_sensor("demo", "C", COUNTER, METADATA)
	if user then
		os.execute(("chown %s '%s' && chmod 755 '%s'"):format(user, h.dir,
			h.dir))
	end
	local theirs, ours = make()
	fcntl.fcntl(ours, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
	local words = as(user, h:command("run", "demo.C"))
	words.stdout, words.stderr = "/dev/null", "/dev/null"
	words[stream] = theirs
	local child = process.start(words)
	unistd.close(theirs)
	return child, ours
end

-- Waits until there is as much in the journal as no pipe holds.
local function outgrown(h)
	return process.eventually(function()
		local r = h:run("export", "--from", "1000")
		return r.code == 0 and #r.stdout > 0
	end, "instance 1000")
end

-- Another user as well, where root runs the specs and that user can get at
-- the program (in a folder like /root nobody else can).
local users = { false }
if unistd.getuid() == 0 and process.run(as("65534",
    { "test", "-x", host.program })).code == 0 then
	table.insert(users, "65534")
end

for stream, what in pairs({ stdout = "stdout", stderr = "stderr" }) do
	describe(what .. " that nobody reads", function()
		for kind, make in pairs(ends) do
			for _, user in ipairs(users) do
				local who = kind .. (user and " of another user" or "")

				it("does not hold up core: " .. who, host.with(function(h)
					local child, ours = started(h, make, user, stream)
					assert.is_true(outgrown(h))
					child:signal("TERM")
					assert.same({ "exited", 0 }, { child:wait(8
						* process.slowness) })
					unistd.close(ours)
				end))
			end
		end
	end)
end

describe("stdout that is closed", function()
	for kind, make in pairs(ends) do
		for _, user in ipairs(users) do
			it("ends it in order: " .. kind .. (user and " of another user"
				or ""), host.with(function(h)
				local child, ours = started(h, make, user, "stdout")
				assert.is_true(outgrown(h))
				unistd.close(ours)
				assert.same({ "exited", 0 }, { child:wait(8
					* process.slowness) })
			end))
		end
	end
end)

describe("stdout that finds no room", function()
	it("is said, and ends it with 1", host.with(function(h)
		h:write_sensor("demo", "C", COUNTER, METADATA)
		local r = h:start({ "run", "demo.C", stdout = "/dev/full" })
		r:wait_for("error cannot print: No space left on device; the journal "
			.. "has what is not printed")
		assert.same({ "exited", 1 }, { r:wait() })
	end))

	it("is said by commands, which end with 1", host.with(function(h)
		h:write_sensor("demo", "C", COUNTER, METADATA)
		local core = h:start("serve")
		core:wait_for("^ready")
		for _, words in ipairs({ { "--version" }, { "--help" },
			{ "status" }, { "status", "--json" }, { "sensor", "list" },
			{ "sensor", "get", "demo.C" }, { "sensor", "restart", "demo.C" },
			{ "reload" }, { "reload", "--json" }, { "check" },
			{ "check", "--json" }, { "journal", "stat" },
			{ "journal", "verify" }, { "journal", "verify", "--json" },
			{ "backup", h.dir .. "/copy" }, { "serve", "--print-config" } }) do
			local command = table.concat(words, " ")
			words.stdout = "/dev/full"
			local r = h:start(words)
			r:wait_for("cannot write to the standard output")
			assert.same({ command, "exited", 1 }, { command, r:wait() })
		end
		core:signal("TERM")
		assert.same({ "exited", 0 }, { core:wait() })
	end))
end)

describe("descriptors that are closed at the start", function()
	for _, closed in ipairs({ ">&-", "2>&- >/dev/null", "<&- >&- 2>&-" }) do
		it("are not taken for the database: " .. closed, host.with(function(h)
			h:write_sensor("demo", "C", COUNTER, METADATA)
			local words = h:command("run", "demo.C", "--for", "2")
			local r = process.run({ "sh", "-c", "exec '"
				.. table.concat(words, "' '") .. "' " .. closed,
				timeout = 20 })
			assert.equal(0, r.code)
			local n = 0
			for line in h:run("export", "--trigger", "demo.*").stdout
				:gmatch("[^\n]+") do
				n = n + 1
				assert.truthy(line:find('"n":' .. n .. "[,}]"))
			end
			assert.is_true(n >= 50)
		end))
	end
end)

describe("what goes to stderr", function()
	it("shows no secret, whatever holds it", host.with(function(h)
		h:write_pack("demo", {
			["config.schema.yaml"] = "pw: {type: string, secret: true}\n",
			["config.yaml"] = "pw: s3cr3tPW\n",
		})
		h:write_sensor("demo", "S", [[
local S = require("sensorhost.sensor"):extend()
function S:run()
	local pw = self.config.pw
	self.sensor_service:dispatch("demo.strict", { n = pw })
	self.sensor_service:set_value("pw", pw)
	print(pw)
	self:reject("wrong: " .. pw)
end
return S]], [[
trigger_types:
  - name: strict
    payload_schema: {type: object, properties: {n: {type: integer}}}
]])
		local r = h:run("run", "demo.S", "--dry-run")
		assert.equal(1, r.code)
		assert.matches("rejected: wrong: %*+", r.stderr)
		assert.matches('"dead_letter"', r.stderr)
		assert.matches('would set "demo.S:pw" = "%*+"', r.stderr)
		assert.is_nil(r.stderr:find("s3cr3tPW", 1, true))
	end))
end)
