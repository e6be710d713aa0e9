-- sensorhost.tail in the real program: what a log file goes through.

local cjson = require("cjson")
local ffi = require("ffi")
require("spec.support.cdef")
local host = require("spec.support.host")
local in_poll = require("spec.support.in_poll")
local process = require("spec.support.process")
local posix_signal = require("posix.signal")
local posix_time = require("posix.time")
local tailing = require("spec.support.tailing")

local append, expect = tailing.append, tailing.expect
local kill, setup, start = tailing.kill, tailing.setup, tailing.start

local function rename(h, from, to)
	assert(os.rename(h.dir .. "/" .. from, h.dir .. "/" .. to))
end

-- Copies x.log and cuts it, as logrotate's copytruncate does.
local function copy_truncate(h, to)
	h:write(to, h:read("x.log"))
	assert(ffi.C.truncate(h.dir .. "/x.log", 0) == 0)
end

-- Waits until the journal holds so many lines; returns them.
local function journal_lines(h, n)
	return process.eventually(function()
		local lines = {}
		for _, record in ipairs(h:journal()) do
			lines[#lines + 1] = record.payload.line
		end
		return #lines >= n and lines
	end, "an instance for each of " .. n .. " lines")
end

describe("sensorhost.tail", function()
	it("begins at the end, or at the start", host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "new\n")
		expect(r, { "new" })
		kill(r)
		setup(h, { from = "start" })
		append(h, "newer\n")
		r = start(h)
		expect(r, { "newer" }) -- `from` is for a file that is new
	end))

	it("reads from the start when told so", host.with(function(h)
		setup(h, { from = "start" })
		append(h, "one\ntwo\n")
		expect(start(h), { "one", "two" })
	end))

	it("waits for a file, and for its folder", host.with(function(h)
		setup(h, { path = "x/y/z.log" })
		local r = start(h)
		append(h, "", "x/.keep")
		os.execute("mkdir " .. h.dir .. "/x/y")
		append(h, "one\n", "x/y/z.log")
		expect(r, { "one" })
	end))

	it("keeps a partial line until it is whole", host.with(function(h)
		setup(h)
		append(h, "")
		local r = start(h)
		append(h, "one\ntw")
		expect(r, { "one" })
		kill(r)
		append(h, "o\nthree\n")
		r = start(h)
		expect(r, { "two", "three" })
	end))

	it("follows over a rename", host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "1\n")
		rename(h, "x.log", "x.log.1")
		append(h, "2\n", "x.log.1") -- the writer still has it open
		append(h, "3\n")
		expect(r, { "1", "2", "3" })
		append(h, "late\n", "x.log.1")
		expect(r, { "late" })
		append(h, "4\n")
		expect(r, { "4" })
	end))

	it("follows over a cut after a copy", host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "1\n2\n")
		expect(r, { "1", "2" })
		append(h, "3\n")
		copy_truncate(h, "x.log.1")
		append(h, "4\n5\n6\n7\n8\n")
		expect(r, { "3", "4", "5", "6", "7", "8" })
	end))

	it("notices a cut where all lines are the same", host.with(function(h)
		setup(h)
		append(h, ("tick\n"):rep(1000))
		local r = start(h)
		append(h, "tick\n")
		expect(r, { "tick" })
		assert(ffi.C.truncate(h.dir .. "/x.log", 0) == 0)
		append(h, ("tick\n"):rep(500) .. "tock\n")
		for _ = 1, 500 do
			expect(r, { "tick" })
		end
		expect(r, { "tock" })
	end))

	it("follows over deletion and creation anew", host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "1\n2")
		expect(r, { "1" })
		os.remove(h.dir .. "/x.log")
		append(h, "3\n")
		expect(r, { "3" })
		os.remove(h.dir .. "/x.log")
		append(h, "4\n")
		expect(r, { "4" })
	end))

	it("finishes what was rotated while it was away", host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "1\n")
		expect(r, { "1" })
		kill(r)
		append(h, "2\n")
		rename(h, "x.log", "x.log.1")
		append(h, "3\n")
		rename(h, "x.log.1", "x.log.2")
		rename(h, "x.log", "x.log.1")
		append(h, "4\n")
		rename(h, "x.log.2", "x.log.3")
		rename(h, "x.log.1", "x.log.2")
		rename(h, "x.log", "x.log.1")
		append(h, "5\n")
		r = start(h)
		expect(r, { "2", "3", "4", "5" })
	end))

	it("finds the copies that were made while it was away",
		host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "1\n")
		expect(r, { "1" })
		kill(r)
		append(h, "2\n")
		copy_truncate(h, "x.log.1")
		append(h, "3\n")
		rename(h, "x.log.1", "x.log.2")
		copy_truncate(h, "x.log.1")
		append(h, "4\n")
		r = start(h)
		expect(r, { "2", "3", "4" })
	end))

	it("does not take older rotated files for new ones",
		host.with(function(h)
		setup(h)
		append(h, "ancient\n", "x.log.2")
		append(h, "recent\n", "x.log.1")
		append(h, "old\n")
		local r = start(h)
		rename(h, "x.log.2", "x.log.3")
		rename(h, "x.log.1", "x.log.2")
		rename(h, "x.log", "x.log.1")
		append(h, "new\n")
		expect(r, { "new" })
		kill(r)
		append(h, "newer\n")
		rename(h, "x.log", "x.log.0")
		append(h, "newest\n")
		expect(start(h), { "newer", "newest" })
	end))

	it("cuts long lines and mends encodings", host.with(function(h)
		setup(h, { from = "start", max_line = 10 })
		append(h, ("x"):rep(100) .. "\nb\xffd\n")
		local r = start(h)
		local first = r:json().payload
		assert.same({ ("x"):rep(10), true }, { first.line, first.cut })
		expect(r, { "b\239\191\189d" })
	end))

	it("does not let a backlog outgrow the unit", host.with(function(h)
		setup(h, { from = "start" })
		local lines = {}
		for i = 1, 300000 do
			lines[i] = tostring(i)
		end
		append(h, table.concat(lines, "\n") .. "\n")
		local r = h:start({ "run", "t.Tailer", "--count", "300000",
			stdout = h.dir .. "/out" })
		assert.same({ "exited", 0 }, { r:wait(120) })
		local n = 0
		for line in io.lines(h.dir .. "/out") do
			n = n + 1
			if cjson.decode(line).payload.line ~= lines[n] then
				error("line " .. n .. " is " .. line)
			end
		end
		assert.equal(300000, n)
	end))

	it("gives a rest without a line end once the file is quiet",
		host.with(function(h)
		setup(h)
		append(h, "old\n")
		local r = start(h)
		append(h, "rest")
		rename(h, "x.log", "x.log.1")
		append(h, "next\n")
		expect(r, { "next" })
		assert.equal("rest", r:json().payload.line)
	end))

	it("gives every line once, whatever is killed and rotated when",
		host.with(function(h)
		setup(h, { from = "start" })
		local seed = tonumber(os.getenv("SENSORHOST_SPEC_SEED")) or os.time()
		local rounds = tonumber(os.getenv("SENSORHOST_SPEC_ROUNDS")) or 25
		math.randomseed(seed)
		print("tail: seed " .. seed)
		append(h, "")
		local n, keep = 0, 0
		local mode = "rename"
		local function write_some()
			local lines = {}
			for _ = 1, math.random(1, 40) do
				n = n + 1
				lines[#lines + 1] = ("line %d %s\n"):format(n,
					("x"):rep(math.random(0, 50)))
			end
			local text = table.concat(lines)
			local cut = math.random(1, #text)
			append(h, text:sub(1, cut))
			append(h, text:sub(cut + 1))
		end
		local function rotate()
			keep = keep + 1
			for i = keep - 1, 1, -1 do
				rename(h, "x.log." .. i, "x.log." .. (i + 1))
			end
			if mode == "rename" then
				rename(h, "x.log", "x.log.1")
				append(h, "")
			else
				copy_truncate(h, "x.log.1")
			end
		end
		local first = start(h)
		write_some()
		expect(first, { h:read("x.log"):match("^[^\n]+") })
		kill(first)
		for round = 1, rounds do
			mode = round % 10 < 5 and "rename" or "copy"
			local r = h:start({ "run", "t.Tailer", stdout = "/dev/null" })
			for _ = 1, math.random(1, 12) do
				write_some()
				if math.random() < 0.3 then
					rotate()
				end
				posix_time.nanosleep({ tv_sec = 0,
					tv_nsec = math.random(0, 60000000) })
			end
			local worker = host.family(r.process.pid).workers[1]
			if worker and math.random() < 0.3 then
				posix_signal.kill(worker, posix_signal.SIGKILL)
				write_some()
				rotate()
			end
			r:signal("KILL")
			r:wait()
			r.process:close()
			h.started = {}
			if math.random() < 0.5 then
				write_some()
				rotate()
			end
		end
		local r = h:start({ "run", "t.Tailer", stdout = "/dev/null" })
		r:wait_for("open$")
		local lines = journal_lines(h, n)
		kill(r)
		-- "1-412 966-1200": the runs of numbers that follow each other
		local runs, last = {}, nil
		for _, line in ipairs(lines) do
			local number = tonumber(line:match("^line (%d+)"))
			if last and number == last + 1 then
				runs[#runs] = runs[#runs]:match("^[^-]*") .. "-" .. number
			else
				runs[#runs + 1] = tostring(number)
			end
			last = number
		end
		assert.equal("1-" .. n, table.concat(runs, " "), "seed " .. seed)
	end))

	it("goes on over reloads of the sensor", host.with(function(h)
		setup(h, { from = "start" })
		append(h, "")
		local r = h:start("serve")
		r:wait_for("open$")
		local source = h:read("packs/t/sensors/tailer.lua")
		local n = 0
		for reload = 1, 8 do
			h:write("packs/t/sensors/tailer.lua", source .. "-- "
				.. reload .. "\n")
			r:signal("HUP")
			for _ = 1, 20 do
				n = n + 1
				append(h, "line " .. n .. "\n")
				posix_time.nanosleep({ tv_sec = 0, tv_nsec = 2000000 })
			end
			if reload % 3 == 0 then
				rename(h, "x.log", "x.log." .. reload)
			end
			r:wait_for("open$")
		end
		local lines = journal_lines(h, n)
		for i = 1, n do
			assert.equal("line " .. i, lines[i])
		end
		assert.equal(n, #lines)
	end))

	it("ends when another task closes it, and begins anew when forgotten",
		in_poll.body([[
	local tail = require("sensorhost.tail")
	local spawn = require("sensorhost.spawn")
	local time = require("sensorhost.time")
	local path = "/tmp/tail-spec." .. time.now()
	local file = assert(io.open(path, "w"))
	file:write("one\ntwo\n")
	file:close()
	local function read(t, most)
		local got = {}
		for line in t:lines() do
			got[#got + 1] = line
			if #got == most then
				t:close()
			end
		end
		return got
	end
	local t = assert(tail.open(path, { from = "start" }))
	same({ "one" }, read(t, 1))
	t = assert(tail.open(path, { from = "start" }))
	local reader = spawn(read, t)
	time.sleep(0.05)
	local second = spawn(function() for _ in t:lines() do end end)
	local _, err = second:join()
	assert(tostring(err):find("another task is reading this tail", 1, true),
		tostring(err))
	t:close()
	same({ "two" }, reader:join())
	tail.forget(path)
	t = assert(tail.open(path, { from = "start" }))
	same({ "one", "two" }, read(t, 2))
	-- under another name it is another reader
	t = assert(tail.open(path, { from = "start", name = ("n"):rep(5000) }))
	same({ "one" }, read(t, 1))
	tail.forget(path)
	]]))

	it("gives a line again that was not dispatched before a wait",
		host.with(function(h)
		h:write("x.log", "one\ntwo\nthree\n")
		local source = [[
local Sensor = require("sensorhost.sensor")
local tail = require("sensorhost.tail")
local time = require("sensorhost.time")
local Waiter = Sensor:extend()
function Waiter:run()
	local t = assert(tail.open("]] .. h.dir .. [[/x.log", { from = "start" }))
	for line in t:lines() do
		if line == "two" then
			self.log:info("waits")
			time.sleep(%s)
		end
		self.sensor_service:dispatch("t.line", { line = line })
	end
end
return Waiter
]]
		h:write_sensor("t", "Waiter", source:format("60"), tailing.METADATA)
		local r = h:start("run", "t.Waiter")
		expect(r, { "one" })
		r:wait_for("waits")
		kill(r)
		h:write_sensor("t", "Waiter", source:format("0"), tailing.METADATA)
		expect(h:start("run", "t.Waiter"), { "two", "three" })
	end))

	it("names the limits of inotify", host.with(function(h)
		setup(h)
		local words = h:command("run", "t.Tailer", "--for", "1s")
		for i, word in ipairs({ "unshare", "-Ur", "sh", "-c",
			'echo 0 > /proc/sys/user/max_inotify_instances || exit 99; exec "$@"',
			"sh" }) do
			table.insert(words, i, word)
		end
		local result = process.run(words)
		if result.code == 99 or result.stderr:find("unshare", 1, true) then
			return -- no user namespaces here
		end
		assert.truthy(result.stderr:find("inotify: the system's instances for "
			.. "watching files are used up; raise the sysctl "
			.. "fs.inotify.max_user_instances (now ", 1, true), result.stderr)
	end))

	it("says what is wrong, at the sensor's line", host.with(function(h)
		h:write_sensor("t", "Wrong", [[
local PollingSensor = require("sensorhost.polling_sensor")
local tail = require("sensorhost.tail")
local Wrong = PollingSensor:extend()
function Wrong:poll()
	local function try(fn, ...)
		local ok, err = pcall(fn, ...)
		self.log:info("%s: %s", tostring(ok), tostring(err))
	end
	try(function() tail.open() end)
	try(function() tail.open("x", { form = "start" }) end)
	try(function() tail.open("x", { from = "begin" }) end)
	try(function() tail.open("x", { max_line = 0 }) end)
	try(function() tail.open("x", { encoding = "utf-16" }) end)
	try(function() tail:open("x") end)
	local t = assert(tail.open("x"))
	try(function() t.lines() end)
	try(function() tail.open("x") end)
	try(function() tail.forget("x") end)
	t:close()
	t:close()
	try(function() t:lines() end)
	tail.forget("x")
	local none, err = tail.open("/tmp")
	try(function() error(tostring(none) .. " " .. err.kind .. " " .. err, 0) end)
end
return Wrong
]])
		local result = h:run("run", "t.Wrong", "--once")
		assert.equal(0, result.code, result.stderr)
		for _, text in ipairs({
			"wrong.lua:9: tail.open: path must be a string, not nil",
			'wrong.lua:10: tail.open: unknown option "form"; did you mean "from"?',
			'wrong.lua:11: tail.open: option "from" must be "start" or "end"',
			'wrong.lua:12: tail.open: option "max_line" must be between 1 and',
			'wrong.lua:13: tail.open: option "encoding" must be "utf-8"',
			"wrong.lua:14: tail.open needs a dot: tail.open(...)",
			"wrong.lua:16: tail.lines() needs a colon: tail:lines()",
			'wrong.lua:17: tail.open: "x" is open already',
			'wrong.lua:18: tail.forget: "x" is open; close it first',
			"wrong.lua:21: tail:lines(): the tail is closed",
			"nil invalid tail.open /tmp: not a plain file",
		}) do
			assert.truthy(result.stderr:find(text, 1, true),
				text .. " is not in " .. result.stderr)
		end
	end))
end)
