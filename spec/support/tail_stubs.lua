-- The modules in C under sensorhost.tail, for spec.support.tail_world: readers
-- are the real ones, through FFI; before each look at a file or folder the
-- world has its moment. What the place would store is kept in the world.

local cjson = require("cjson")
local ffi = require("ffi")
local lfs = require("lfs")
local lib = require("spec.support.reader")

local stubs = {}

local Reader = {}
Reader.__index = Reader

local function taken(fn, r)
	local text, len = ffi.new("const char *[1]"), ffi.new("size_t[1]")
	local cut = ffi.new("bool[1]")
	if fn(r, text, len, cut) then
		return ffi.string(text[0], len[0]), cut[0] or nil
	end
end

function Reader:next()
	self:joined()
	local line, cut = taken(lib.reader_next, self.r)
	if line and self.place then
		self.place.hand = self.r
	end
	return line, cut
end

function Reader:rest()
	local line, cut = taken(lib.reader_rest, self.r)
	if line and self.place then
		self.place.hand = self.r
	end
	return line, cut
end

function Reader:joined()
	if self.place then
		self.place:done()
	end
end

local states = { [0] = "line", "more", "end", "changed" }

function Reader:fill()
	self.world:moment()
	self:joined()
	return assert(states[lib.reader_fill(self.r)])
end

function Reader:same()
	self.world:moment()
	return states[lib.reader_same(self.r)]
end

function Reader:rewind()
	lib.reader_rewind(self.r)
end

function Reader:covers(other)
	self.world:moment()
	return lib.reader_covers(self.r, other.r)
end

function Reader:past(copy)
	self.world:moment()
	return lib.reader_past(self.r, copy.r)
end

function Reader:facts()
	local f = ffi.new("struct file_facts")
	assert(lib.file_facts_fd(self.r.fd, f) == 0)
	return self.world:facts(f), "/proc/self/fd/" .. self.r.fd
end

local function mark_table(r, seen)
	local m = ffi.new("struct reader_mark")
	lib.reader_mark(r, seen or false, m)
	return {
		id = ("%s.%s"):format(tostring(m.inode):match("%d+"),
			tostring(m.born):match("%d+")),
		since = tostring(m.since):match("-?%d+"),
		offset = tonumber(m.offset),
		head_length = m.head_len, head = ffi.string(m.head),
		before_length = m.before_len, before = ffi.string(m.before),
	}
end

function Reader:mark(seen)
	return mark_table(self.r, seen)
end

function Reader:resume(mark, crashed)
	local m = ffi.new("struct reader_mark")
	self.world:moment()
	m.since = tonumber(mark.since)
	m.offset, m.head_len = mark.offset, mark.head_length
	m.before_len = mark.before_length
	m.head, m.before = mark.head, mark.before
	return lib.reader_resume(self.r, m, crashed or false)
end

function Reader:begun(seconds)
	if seconds then
		self.r.since = seconds * 1e9
	end
	return tonumber(self.r.since) / 1e9
end

function Reader:blank()
	return lib.reader_blank(self.r)
end

function Reader:headed()
	return lib.reader_headed(self.r)
end

function Reader:close()
	lib.reader_release(self.r)
	self.world.readers[self] = nil
end

local Place = {}
Place.__index = Place

function Place:load()
	local saved = self.world.saved
	return saved and cjson.decode(saved)
end

function Place:hold(notes, ...)
	self.notes = notes
	self.readers = { ... }
	for _, reader in ipairs(self.readers) do
		reader.place = self
	end
	if self.hand then
		local held
		for _, reader in ipairs(self.readers) do
			held = held or reader.r == self.hand
		end
		self.hand = held and self.hand or nil
	end
end

function Place:done()
	if self.hand then
		lib.reader_done(self.hand)
		self.hand = nil
		self.join = true
	end
end

function Place:keep()
	self.join = true
end

Place.close = function() end

-- The unit of work goes to the disk.
function Place:commit()
	if not self.join then
		return
	end
	self.join = false
	local marks = {}
	for i, reader in ipairs(self.readers or {}) do
		marks[i] = cjson.encode(mark_table(reader.r))
	end
	self.world.saved = ("{\"at\":\"%d\",%s\"files\":[%s]}"):format(
		self.world.now, self.notes or "",
		table.concat(marks, ","))
	self.world.committed = #self.world.out
end

-- host.file, on the files of a world.
function stubs.file(w)
	local file = {}

	function file.facts(path)
		w:moment()
		local f = w:stat(path)
		if f then
			return w:facts(f)
		end
		return nil, { kind = "not_found" }
	end

	function file.open(path, offset)
		w:moment()
		local r = ffi.new("struct reader")
		if lib.reader_open(r, path, offset) ~= 0 then
			return nil, { kind = "not_found" }
		end
		r.line_max = 1048576
		local times = w.times[tonumber(r.inode)]
		r.born, r.since = times.born, w.now
		local reader = setmetatable({ r = r, world = w }, Reader)
		w.readers[reader] = true
		return reader
	end

	-- A folder is read in no order, and not in one moment.
	function file.scan(folder, id, stem)
		local found = {}
		w:moment()
		for name in lfs.dir(folder) do
			w:moment()
			local f = w:stat(folder .. "/" .. name)
			if f and f.regular and (name:sub(1, #stem) == stem
				or tostring(f.inode):match("%d+") == id:match("^%d+")) then
				found[#found + 1] = w:facts(f, name)
			end
		end
		return found
	end

	function file.link() end

	function file.place()
		w.place = setmetatable({ world = w }, Place)
		return w.place
	end

	return file
end

-- host.inotify: an event, or time that goes by, at each wait.
function stubs.inotify(w)
	local watch = {}
	watch.add = function() return 1 end
	watch.remove = function() end
	watch.waiting = function() return false end
	watch.close = function() end
	function watch:wait(seconds)
		w.place:commit()
		w:moment()
		w.waits = w.waits + 1
		if w.committed == #w.out then
			w:trace("commit", w.saved)
		end
		w.monotonic = w.monotonic + seconds
		if seconds > 0 and not (w.saved and w:step()) then
			w.idle = w.idle + 1
			if w.idle > 40 then
				self.tail:close()
			end
		end
	end
	local inotify = setmetatable({}, { __index = function() return 1 end })
	inotify.open = function()
		return setmetatable({}, { __index = watch })
	end
	return inotify
end

return stubs
