-- A disk that keeps of a folder what it has to keep, and of all else what it
-- likes. It is fed with the notes of a recording; image() makes the folder as
-- it may be found after a cut of power at that instant:
--
-- - what was synced is there;
-- - of the writes since a file's last sync each is there, or not, or torn into
--   sectors of which some are there; so in any order, but that of two writes
--   to one place the later one wins;
-- - a size is in force or not, with zeros where nothing was written;
-- - names (made, renamed, removed) are in force up to some instant since the
--   last sync of their folder, whatever became of the files behind them; a
--   folder whose own name is not there takes what is in it along.

local ffi = require("ffi")
local stat = require("posix.sys.stat")
require("spec.support.cdef")

local SECTOR, PAGE = 512, 4096
local ZEROS = ("\0"):rep(PAGE)

-- What a folder's name stands for.
local FOLDER = {}

local disk = {}
local Disk = {}
Disk.__index = Disk

-- What a file holds: pages by number, those that are missing are zeros. A
-- layer has those of `below` where it has none of its own.
local function content(below)
	return {
		pages = setmetatable({}, below and { __index = below.pages }),
		size = below and below.size or 0,
	}
end

local function put(c, at, bytes)
	local from = 0
	while from < #bytes do
		local number = math.floor((at + from) / PAGE)
		local start = (at + from) % PAGE
		local n = math.min(PAGE - start, #bytes - from)
		local part = bytes:sub(from + 1, from + n)
		if n < PAGE then
			local page = c.pages[number] or ZEROS
			part = page:sub(1, start) .. part .. page:sub(start + n + 1)
		end
		c.pages[number] = part
		from = from + n
	end
	c.size = math.max(c.size, at + #bytes)
end

-- Cuts or grows to a size.
local function resize(c, size)
	if size < c.size then
		for number = math.floor(size / PAGE), math.ceil(c.size / PAGE) do
			local keep = math.max(0, size - number * PAGE)
			if keep < PAGE then
				c.pages[number] = (c.pages[number] or ZEROS):sub(1, keep)
					.. ZEROS:sub(keep + 1)
			end
		end
	end
	c.size = size
end

local function apply(c, op)
	if op.kind == "W" then
		put(c, op.at, op.bytes)
	elseif op.kind == "T" then
		resize(c, op.size)
	else
		resize(c, math.max(c.size, op.size))
	end
end

-- Those sectors of a write that chance lets be there.
local function tear(c, op)
	local from = 0
	local mode = math.random(3)
	local sectors = math.ceil((op.at % SECTOR + #op.bytes) / SECTOR)
	local edge, number = math.random(0, sectors), 0
	while from < #op.bytes do
		local n = math.min(SECTOR - (op.at + from) % SECTOR, #op.bytes - from)
		if mode == 1 and number < edge or mode == 2 and number >= edge
		    or mode == 3 and math.random() < 0.5 then
			put(c, op.at + from, op.bytes:sub(from + 1, from + n))
		end
		from, number = from + n, number + 1
	end
end

local function write_out(c, path)
	local numbers = {}
	local file = assert(io.open(path, "wb"))
	for number = 0, math.ceil(c.size / PAGE) - 1 do
		if c.pages[number] then
			numbers[#numbers + 1] = number
		end
	end
	for _, number in ipairs(numbers) do
		file:seek("set", number * PAGE)
		assert(file:write((c.pages[number]:sub(1, c.size - number * PAGE))))
	end
	file:close()
	-- The rest is a hole.
	assert(ffi.C.truncate(path, c.size) == 0, path)
end

function disk.new()
	return setmetatable({
		files = {},         -- by the recorder's number
		names = {},         -- as the program sees them
		synced_names = {},  -- as they are in any case
		changes = {},       -- of names since the last sync of their folder
	}, Disk)
end

local function change_names(names, change)
	if change.kind == "O" or change.kind == "K" then
		names[change.name] = change.file
	elseif change.kind == "U" then
		names[change.name] = nil
	else
		names[change.to], names[change.name] = change.file, nil
	end
end

function Disk:change(change)
	table.insert(self.changes, change)
	change_names(self.names, change)
end

local function sync(file)
	for _, op in ipairs(file.ops) do
		apply(file.synced, op)
	end
	file.ops = {}
end

-- The last write is on the disk, and what had been written there before it.
local function sync_last(file)
	local last = file.ops[#file.ops]
	local rest = {}
	for _, op in ipairs(file.ops) do
		if op.kind == "W" and op.at < last.at + #last.bytes
		    and last.at < op.at + #op.bytes then
			apply(file.synced, op)
		else
			rest[#rest + 1] = op
		end
	end
	file.ops = rest
end

local takes = {}

function takes.O(self, note)
	if note.made then
		local file = { synced = content(), ops = {} }
		self.files[note.file] = file
		self:change({ kind = "O", name = note.bytes, file = file })
	elseif not self.names[note.bytes] then
		error("the recorder does not know " .. note.bytes)
	end
end

function takes.R(self, note)
	local from, to = note.bytes:match("^([^%z]*)%z(.*)$")
	assert(from ~= "" and to ~= "" and self.names[from] ~= FOLDER,
		"a file that leaves the folder, or a folder that is renamed")
	self:change({ kind = "R", name = from, to = to, file = self.names[from] })
end

function takes.K(self, note)
	self:change({ kind = "K", name = note.bytes, file = FOLDER })
end

function takes.U(self, note)
	self:change({ kind = "U", name = note.bytes })
end

local function folder_of(name)
	return name and (name:match("^(.*)/[^/]*$") or "")
end

function takes.Y(self, note)
	local rest = {}
	for _, change in ipairs(self.changes) do
		if folder_of(change.name) == note.bytes
		    or folder_of(change.to) == note.bytes then
			change_names(self.synced_names, change)
		else
			rest[#rest + 1] = change
		end
	end
	self.changes = rest
end

function takes.S(self, note)
	sync(self.files[note.file])
end

function takes.D(self, note)
	sync_last(self.files[note.file])
end

local function take_op(self, note)
	table.insert(self.files[note.file].ops, note)
end

takes.W, takes.T, takes.A = take_op, take_op, take_op

-- Takes the next note in.
function Disk:take(note)
	if takes[note.kind] then
		takes[note.kind](self, note)
	end
end

-- How chance treats the writes of an image: the share of them that is there,
-- and the share that is torn.
local function weather()
	local share = ({ 0, 0.1, 0.5, 0.9, 1 })[math.random(5)]
	return { whole = share, torn = math.random() < 0.5 and 0 or 0.5 }
end

local function survivor(file, how)
	local c, size = content(file.synced), content(file.synced)
	for _, op in ipairs(file.ops) do
		apply(size, op)
		if op.kind == "W" and math.random() < how.torn then
			tear(c, op)
		elseif math.random() < how.whole then
			apply(c, op)
		end
	end
	if math.random() < 0.3 and size.size > c.size then
		resize(c, size.size)
	end
	return c
end

-- A lock file is written through a map, of which no disk promises anything.
local function lock_file(path)
	local file = assert(io.open(path, "wb"))
	local kind = math.random(3)
	for _ = 1, kind == 1 and 0 or 8192 do
		file:write(kind == 2 and "\0" or string.char(math.random(0, 255)))
	end
	file:close()
end

-- Makes the folder, which must not exist, as it may be after a cut now; with
-- `all`, as it is now.
function Disk:image(dir, all)
	local names = {}
	for name, file in pairs(self.synced_names) do
		names[name] = file
	end
	local until_change, fate = #self.changes, all and 1 or math.random()
	if fate < 0.2 then
		until_change = 0
	elseif fate < 0.7 then
		until_change = math.random(0, until_change)
	end
	for i = 1, until_change do
		change_names(names, self.changes[i])
	end
	local how = all and { whole = 1, torn = 0 } or weather()
	local sorted = {}
	for name in pairs(names) do
		sorted[#sorted + 1] = name
	end
	table.sort(sorted)
	assert(stat.mkdir(dir, 448)) -- 0700
	for _, name in ipairs(sorted) do
		local above = folder_of(name)
		if above ~= "" and names[above] ~= FOLDER then
			names[name] = nil
		elseif names[name] == FOLDER then
			assert(stat.mkdir(dir .. "/" .. name, 448))
		elseif name:match("lock%.mdb$") then
			lock_file(dir .. "/" .. name)
		else
			write_out(survivor(names[name], how), dir .. "/" .. name)
		end
	end
end

return disk
