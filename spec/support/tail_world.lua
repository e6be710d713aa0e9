-- A world for sensorhost.tail, in which every moment can be chosen: the Lua
-- modules and the C reader as they are, on files in a folder of their own, but
-- between any two looks that the tail takes (open, stat, list, read) writers
-- and rotations may take steps of theirs, and the host may be killed. Times of
-- birth and change come from a clock that ticks when the world says so, and
-- seldom: most files are of one instant, as they are in a busy moment.
--
--	local w = world.new(seed)
--	w:script({ step, ... })	functions, run in their order, one by one
--	w:run()	follows to the end; what was read, what should have been: "1-40"
--	w:close()

local ffi = require("ffi")
local lfs = require("lfs")
local lib = require("spec.support.reader")
local stubs = require("spec.support.tail_stubs")

local AT_FDCWD = -100
local KILLED = {}
local INSTANT = 4000000 -- nanoseconds

local world = {}
local World = {}
World.__index = World

-- A generator of our own: the same numbers whatever else draws some.
local function random_source(seed)
	local state = seed % 2147483647
	state = state == 0 and 1 or state
	return function(low, high)
		state = state * 48271 % 2147483647
		return low + state % (high - low + 1)
	end
end

-- Facts as host.file gives them, with the world's times in them.
function World:facts(f, name)
	local times = self.times[tonumber(f.inode)] or { born = 0, modified = 0 }
	return {
		id = ("%s.%d"):format(tostring(f.inode):match("%d+"), times.born),
		born = times.born / 1e9,
		modified = times.modified / 1e9,
		size = tonumber(f.size),
		links = f.links,
		folder = f.folder,
		regular = f.regular,
		name = name,
	}
end

function World.stat(_, path)
	local f = ffi.new("struct file_facts")
	if lib.file_facts_at(AT_FDCWD, path, f) == 0 then
		return f
	end
end

-- The moment between two looks: others may act, or the host be killed.
function World:moment()
	if not self.saved then
		return -- what comes before the first commit is nobody's promise
	end
	if self.kill_in then
		self.kill_in = self.kill_in - 1
		if self.kill_in < 0 then
			error(KILLED, 0)
		end
	end
	if self.random(1, 100) <= self.busy then
		for _ = 1, self.random(1, 8) do
			self:step()
		end
	end
end

-- Tells the story as it goes, if asked to.
function World:trace(...)
	if os.getenv("SENSORHOST_SPEC_TRACE") then
		print(self.now / INSTANT % 1e6, ...)
	end
end

-- The next instant of the clock by which files are dated.
function World:tick()
	self.now = self.now + INSTANT
end

-- Runs the next step of the script; false if there is none.
function World:step()
	local step = table.remove(self.steps, 1)
	if not step then
		return false
	end
	if self.random(1, 100) <= self.ticking then
		self:tick()
	end
	step()
	return true
end

-- The tail's modules, loaded anew on top of the world's.
local function load_tail(w)
	local modules = {
		["host.file"] = stubs.file(w),
		["host.inotify"] = stubs.inotify(w),
		["host.check"] = { raise = error, fail = function(kind)
			return nil, { kind = kind }
		end, warn = function(text)
			w.warned[#w.warned + 1] = text
		end },
		["sensorhost.null"] = {},
		["sensorhost.time"] = {
			now = function() return w.now / 1e9 end,
			monotonic = function() return w.monotonic end,
		},
	}
	local fresh = { "host.arguments", "host.chain", "host.lives",
		"host.picture", "host.siblings", "sensorhost.tail" }
	local saved, path = {}, package.path
	package.path = "lua/?.lua;" .. path
	for name, stub in pairs(modules) do
		saved[name] = package.loaded[name] or false
		package.loaded[name] = stub
	end
	for _, name in ipairs(fresh) do
		saved[name] = package.loaded[name] or false
		package.loaded[name] = nil
	end
	local tail = require("sensorhost.tail")
	for name, was in pairs(saved) do
		package.loaded[name] = was or nil
	end
	package.path = path
	return tail
end

-- What writers and rotations do.

function World:path(name)
	return self.dir .. "/" .. (name or "x.log")
end

-- Writes to a file, making it if it is not there; lines count from 1.
function World:append(name, text)
	local is_new = not self:stat(self:path(name))
	local f = assert(io.open(self:path(name), "a"))
	f:write(text)
	f:close()
	self:trace("write", name, text)
	self:touch(name, is_new)
end

function World:touch(name, is_new)
	local inode = tonumber(self:stat(self:path(name)).inode)
	if is_new then
		self.times[inode] = { born = self.now }
	end
	self.times[inode].modified = self.now
end

-- The next line; lost: it may be read, or not at all.
function World:line(lost)
	self.lines = self.lines + 1
	self.lost[self.lines] = lost
	return ("line %d %s\n"):format(self.lines,
		("x"):rep(self.random(0, self.width)))
end

-- Whether all lines of a file are read, for good.
function World:is_read(name)
	local last = self:read(name):match(".*line (%d+)") or 0
	return self.out[self.committed]
		and tonumber(self.out[self.committed]:match("%d+")) >= tonumber(last)
end

function World:rename(from, to)
	self:trace("rename", from, to)
	assert(os.rename(self:path(from), self:path(to)))
end

function World:exists(name)
	return self:stat(self:path(name)) ~= nil
end

function World:read(name)
	local f = assert(io.open(self:path(name)))
	local text = f:read("*a")
	f:close()
	return text
end

function World:cut(name)
	self:trace("cut", name)
	assert(ffi.C.truncate(self:path(name), 0) == 0)
	self:touch(name)
end

function World:remove(name)
	assert(os.remove(self:path(name)))
end

function World:script(steps)
	for _, step in ipairs(steps) do
		self.steps[#self.steps + 1] = step
	end
end

-- One life of the host, until it is killed or has nothing more to do.
function World:live()
	self:trace("live", self.saved)
	local tail = load_tail(self)
	local ok, err = pcall(function()
		local t, err
		repeat -- a sensor that may not open is started again
			t, err = tail.open(self:path(), { from = self.from })
		until t or err.kind ~= "busy"
		assert(t, err)
		t.watch.tail = t
		self.idle = 0
		for line in t:lines() do
			self.out[#self.out + 1] = line
			self:trace("out", line)
		end
	end)
	for reader in pairs(self.readers) do
		lib.reader_release(reader.r)
	end
	self.readers = {}
	if not ok and err ~= KILLED then
		error(err, 0)
	end
	return ok
end

-- "1-412 966-1200": the runs of numbers that follow each other.
local function runs_of(numbers)
	local runs, last = {}, nil
	for _, number in ipairs(numbers) do
		if last and number == last + 1 then
			runs[#runs] = runs[#runs]:match("^[^-]*") .. "-" .. number
		else
			runs[#runs + 1] = tostring(number)
		end
		last = number
	end
	return table.concat(runs, " ")
end

-- What was read, and what should have been.
function World:runs()
	local read, expected, seen = {}, {}, {}
	for i, line in ipairs(self.out) do
		read[i] = tonumber(line:match("^line (%d+)")) or -1
		seen[read[i]] = true
	end
	for number = 1, self.lines do
		if seen[number] or not self.lost[number] then
			expected[#expected + 1] = number
		end
	end
	return runs_of(read), runs_of(expected)
end

-- Lives and is killed so often; then lives to the end.
function World:run(kills)
	for _ = 1, kills or 0 do
		self.kill_in = self.random(0, 120)
		if self:live() then
			break
		end
		while #self.out > self.committed do
			table.remove(self.out)
		end
		for _ = 1, self.random(1, 3) == 1 and self.random(1, 40) or 0 do
			self:step()
		end
	end
	self.kill_in = nil
	self:live()
	return self:runs()
end

function World:close()
	for name in lfs.dir(self.dir) do
		os.remove(self.dir .. "/" .. name)
	end
	os.remove(self.dir)
end

function world.new(seed)
	local dir = os.tmpname()
	os.remove(dir)
	assert(lfs.mkdir(dir))
	local w = setmetatable({
		dir = dir, from = "start", random = random_source(seed),
		busy = 10, ticking = 20, now = 1e18, monotonic = 0,
		times = {}, steps = {}, readers = {}, warned = {}, lines = 0, lost = {}, width = 30,
		out = {}, committed = 0, waits = 0, idle = 0,
	}, World)
	w.random(1, 2)
	return w
end

return world
