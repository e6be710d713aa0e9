-- sensorhost.tail in the real program, where log files are not as they should
-- be: links, holes in permissions, bytes that are no text, two readers of one.

local ffi = require("ffi")
require("spec.support.cdef")
local host = require("spec.support.host")
local process = require("spec.support.process")
local tailing = require("spec.support.tailing")

local append, expect = tailing.append, tailing.expect
local kill, start = tailing.kill, tailing.start

-- From the start, unless the options say otherwise.
local function setup(h, options)
	options = options or {}
	options.from = options.from or "start"
	tailing.setup(h, options)
end

local function shell(h, command)
	assert.equal(0, os.execute("cd " .. h.dir .. " && " .. command))
end

describe("sensorhost.tail", function()
	it("names what was compressed before it was read", host.with(function(h)
		setup(h)
		append(h, "1\n")
		local r = start(h)
		expect(r, { "1" })
		kill(r)
		append(h, "2\n")
		shell(h, "mv x.log x.log.1 && gzip x.log.1")
		append(h, "3\n")
		r = h:start("run", "t.Tailer")
		r:wait_for("compressed meanwhile, and not read: .*/x%.log%.1%.gz; "
			.. "lines that had not been read yet are left out")
		expect(r, { "3" })
	end))

	it("names what was cut and compressed under it", host.with(function(h)
		setup(h)
		append(h, "1\n")
		local r = start(h)
		expect(r, { "1" })
		r:signal("STOP")
		local worker = host.family(r.process.pid).workers[1]
		shell(h, "kill -STOP " .. worker)
		append(h, "2\n")
		shell(h, "cp x.log x.log.1 && truncate -s 0 x.log && gzip x.log.1")
		append(h, "three\n")
		shell(h, "kill -CONT " .. worker)
		r:signal("CONT")
		r:wait_for("compressed meanwhile, and not read: .*/x.log.1.gz;")
		expect(r, { "three" })
	end))

	it("follows a symbolic link, and what it leads to when rotated there",
		host.with(function(h)
		setup(h)
		shell(h, "mkdir pods && ln -s pods/0.log x.log")
		append(h, "1\n", "pods/0.log")
		local r = start(h)
		expect(r, { "1" })
		kill(r)
		append(h, "2\n", "pods/0.log")
		shell(h, "mv pods/0.log pods/0.log.20260101-000000")
		append(h, "3\n", "pods/0.log")
		shell(h, "mv pods/0.log pods/0.log.20260102-000000")
		append(h, "4\n", "pods/0.log")
		r = start(h)
		expect(r, { "2", "3", "4" })
		append(h, "5\n", "pods/1.log")
		append(h, "late\n", "pods/0.log")
		shell(h, "ln -sfn pods/1.log x.log")
		expect(r, { "late", "5" })
	end))

	it("reads on when a folder was removed and made again",
		host.with(function(h)
		setup(h, { path = "y/x.log" })
		shell(h, "mkdir y")
		append(h, "1\n", "y/x.log")
		local r = start(h)
		expect(r, { "1" })
		shell(h, "echo 2 >> y/x.log && rm -r y && mkdir y")
		append(h, "3\n", "y/x.log")
		expect(r, { "2", "3" })
		shell(h, "mv y z && mkdir y")
		append(h, "4\n", "y/x.log")
		expect(r, { "4" })
	end))

	it("takes a file back that was renamed there and back",
		host.with(function(h)
		setup(h)
		append(h, "1\n")
		local r = start(h)
		expect(r, { "1" })
		shell(h, "mv x.log x.log.1 && echo 2 > x.log")
		expect(r, { "2" })
		shell(h, "mv x.log x.log.2 && mv x.log.1 x.log && echo 3 >> x.log")
		expect(r, { "3" })
		shell(h, "echo 4 >> x.log")
		expect(r, { "4" })
	end))

	it("does not read again what was copied aside", host.with(function(h)
		setup(h)
		local long = ("x"):rep(600)
		append(h, "1" .. long .. "\n2" .. long .. "\n")
		local r = start(h)
		expect(r, { "1" .. long, "2" .. long })
		shell(h, "cp x.log x.log.20260101")
		append(h, "3\n")
		expect(r, { "3" })
		shell(h, "cp x.log x.log.0; mv x.log x.log.1; echo 4 > x.log")
		expect(r, { "4" })
		shell(h, "mv x.log x.log.2; echo 5 > x.log")
		expect(r, { "5" })
	end))

	it("does not read what is unpacked", host.with(function(h)
		setup(h)
		shell(h, "echo old > x.log.2; touch -d '-1 day' x.log.2; gzip x.log.2")
		append(h, "1\n")
		local r = start(h)
		expect(r, { "1" })
		shell(h, "gunzip x.log.2.gz; mv x.log x.log.1; echo 2 > x.log")
		expect(r, { "2" })
		shell(h, "mv x.log x.log.0; echo 3 > x.log")
		expect(r, { "3" })
	end))

	it("finds a copy that is written over the one before", host.with(function(h)
		setup(h)
		append(h, "1\n")
		local r = start(h)
		expect(r, { "1" })
		for i = 2, 6, 2 do
			local worker = host.family(r.process.pid).workers[1]
			shell(h, "kill -STOP " .. worker)
			append(h, i .. "\n")
			shell(h, "cat x.log > x.log.1; truncate -s 0 x.log")
			append(h, i + 1 .. "\n")
			shell(h, "kill -CONT " .. worker)
			expect(r, { tostring(i), tostring(i + 1) })
		end
	end))

	it("notices a cut file that has outgrown the place at once",
		host.with(function(h)
		setup(h)
		append(h, "old 1\n")
		local r = start(h)
		expect(r, { "old 1" })
		for round = 1, 5 do
			local worker = host.family(r.process.pid).workers[1]
			shell(h, "kill -STOP " .. worker)
			shell(h, "truncate -s 0 x.log")
			local lines = {}
			for i = 1, 20 do
				lines[i] = ("round %d line %d"):format(round, i)
			end
			append(h, table.concat(lines, "\n") .. "\n")
			shell(h, "kill -CONT " .. worker)
			expect(r, lines)
		end
	end))

	it("takes any bytes for lines", host.with(function(h)
		setup(h, { max_line = 8 })
		append(h, "a\0b\n\n\r\n\255\254\n\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\n"
			.. ("y"):rep(300000) .. "\nend\n")
		expect(start(h), { "a\0b", "", "", "\239\191\189\239\191\189",
			"\xe2\x82\xac\xe2\x82\xac", "yyyyyyyy", "end" })
	end))

	it("reads latin-1", host.with(function(h)
		setup(h, { encoding = "latin-1" })
		append(h, "caf\xe9\n")
		expect(start(h), { "caf\195\169" })
	end))

	it("does not lose its place inside a line that is too long",
		host.with(function(h)
		setup(h, { max_line = 8 })
		append(h, "1\n" .. ("y"):rep(3000000))
		local r = start(h)
		expect(r, { "1" })
		kill(r)
		append(h, ("z"):rep(1000) .. "\n2\n")
		r = start(h)
		expect(r, { "yyyyyyyy", "2" })
	end))

	it("goes on with a file that may not be read for a while",
		host.with(function(h)
		setup(h)
		append(h, "1\n")
		local r = start(h)
		expect(r, { "1" })
		shell(h, "mv x.log x.log.1 && mkdir x.log")
		r:wait_for("not a plain file; trying again")
		shell(h, "rmdir x.log && echo 2 > x.log")
		expect(r, { "2" })
	end))

	it("lets two read one file, each at its own pace", host.with(function(h)
		h:write_sensor("t", "Two", [[
local Sensor = require("sensorhost.sensor")
local spawn = require("sensorhost.spawn")
local tail = require("sensorhost.tail")
local Two = Sensor:extend()
function Two:follow(name)
	local t = assert(tail.open("]] .. h.dir .. [[/x.log",
		{ from = "start", name = name }))
	for line in t:lines() do
		self.sensor_service:dispatch("t.line", { line = name .. line })
	end
end
function Two:run()
	spawn(self.follow, self, "a")
	spawn(self.follow, self, "b")
	self:wait()
end
return Two
]], tailing.METADATA)
		append(h, "1\n")
		local r = h:start("run", "t.Two")
		local function both(n)
			local got = {}
			for i = 1, 2 * n do
				got[i] = r:json().payload.line
			end
			table.sort(got)
			return got
		end
		assert.same({ "a1", "b1" }, both(1))
		shell(h, "echo 2 >> x.log && mv x.log x.log.1 && echo 3 > x.log")
		assert.same({ "a2", "a3", "b2", "b3" }, both(2))
		kill(r)
		shell(h, "echo 4 >> x.log && mv x.log x.log.2 && echo 5 > x.log")
		r = h:start("run", "t.Two")
		assert.same({ "a4", "a5", "b4", "b5" }, both(2))
	end))

	it("goes on in the middle of a rotation over a reload",
		host.with(function(h)
		setup(h)
		append(h, "")
		local r = h:start("serve")
		r:wait_for("open$")
		local source = h:read("packs/t/sensors/tailer.lua")
		local n = 0
		local function write(lines)
			for _ = 1, lines do
				n = n + 1
				append(h, "line " .. n .. "\n")
			end
		end
		for reload = 1, 6 do
			write(50)
			h:write("packs/t/sensors/tailer.lua", source .. "-- "
				.. reload .. "\n")
			shell(h, "mv x.log x.log." .. 20 - reload)
			r:signal("HUP")
			write(50)
			h:write("x.log." .. 10 - reload, h:read("x.log"))
			assert(ffi.C.truncate(h.dir .. "/x.log", 0) == 0)
			write(10)
			r:wait_for("open$")
		end
		local lines = process.eventually(function()
			local lines = {}
			for _, record in ipairs(h:journal()) do
				lines[#lines + 1] = record.payload.line
			end
			return #lines >= n and lines
		end, "an instance for each of " .. n .. " lines")
		for i = 1, n do
			assert.equal("line " .. i, lines[i])
		end
		assert.equal(n, #lines)
	end))
end)
