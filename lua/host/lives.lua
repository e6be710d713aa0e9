-- The chain of a tail: which life of a log is read after which. Under chain.lua,
-- which reads them; `self` is the object of sensorhost/tail.lua.
--
-- A log is a row of lives. A life is what was written to one file from its
-- creation, or from when it was cut, until it was rotated or cut; after a cut
-- it may live on in a copy. The chain holds those lives that are being read:
-- first those that were rotated and may still grow, last the newest one. Three
-- rules keep the order, whatever is renamed, copied and cut between any two
-- looks of ours:
--
-- 1. A life is left for the next one only after the next one was seen, and the
--    life then read to its end. The next one is the oldest rotated file that
--    nobody has read, else what the path leads to (advance).
-- 2. Of a file at the path not a line is given before it is proven: its first
--    bytes are seen, then the folder, then the same first bytes again. What
--    was copied away and cut before this life is then in the folder (prove).
-- 3. A file that no longer begins or goes on as it did was cut. The rest of
--    that life is in a copy, or gone (changed, in chain.lua). Copies are
--    looked for after the cut was seen, since they were made before it.

local check = require("host.arguments")
local inotify = require("host.inotify")
local picture = require("host.picture")
local siblings = require("host.siblings")

local lives = {}

local TRIES = 10 -- looks at what changes under our eyes

local FILE_EVENTS = bit.bor(inotify.MODIFY, inotify.ATTRIB,
	inotify.MOVE_SELF, inotify.DELETE_SELF)

-- Where a read or a look failed: the loop ends with that error.
function lives.broken(self, err)
	err.op, err.target = "tail:lines", self.path
	error(err, 0)
end

-- The ids of a set, as JSON.
local function ids(set)
	local all = {}
	for id in pairs(set) do
		all[#all + 1] = '"' .. id .. '"'
	end
	return table.concat(all, ",")
end

-- Tells the host which readers' marks to keep, and what is settled.
local function hold(self)
	local readers = {}
	for i, entry in ipairs(self.chain) do
		readers[i] = entry.reader
	end
	self.place:hold(('"since":"%.0f","cut":[%s],"settled":[%s],'):format(
		self.since * 1e9, ids(self.reborn), ids(self.settled)),
		unpack(readers))
end

-- Puts a reader into the chain, at its end or at a place.
function lives.add_entry(self, reader, at)
	local facts, proc = reader:facts()
	local entry = { reader = reader, id = facts.id }
	entry.subscription = self.watch:add(proc, FILE_EVENTS)
	self.reborn[entry.id] = nil
	table.insert(self.chain, at or #self.chain + 1, entry)
	hold(self)
	return entry
end

-- Ends with a file.
function lives.drop_entry(self, at)
	local entry = table.remove(self.chain, at)
	siblings.settle(self, entry.id)
	if self.reader == entry.reader then
		self.reader = nil
	end
	if entry.subscription then
		self.watch:remove(entry.subscription)
	end
	hold(self)
	entry.reader:close()
end

-- A file cannot be opened: says so once. What is gone by now is no fault.
local function unreadable(self, err)
	if err.kind ~= "not_found" and not self.unreadable then
		self.unreadable = true
		check.warn(("%s; trying again"):format(tostring(err)))
	end
end

-- Opens the rotated file that comes next, in front of an entry or at the end.
local function add_rotated(self, facts, at)
	local reader, err = siblings.open_file(self, facts)
	if not reader then
		unreadable(self, err)
		return err.kind == "not_found"
	end
	self.unreadable = nil
	reader:begun(facts.when)
	lives.add_entry(self, reader, at).proven = true
	return true
end

-- Opens what the path leads to, now that all before it is read.
local function add_here(self, now, pending)
	for at, entry in ipairs(self.chain) do
		if entry.id == now.here.id then -- it was renamed back
			table.insert(self.chain, table.remove(self.chain, at))
			hold(self)
			return at < #self.chain
		end
	end
	local reader, err = siblings.open(self, self.path, 0)
	if not reader then
		unreadable(self, err)
		return err.kind == "not_found"
	elseif reader:facts().id == now.here.id then
		self.unreadable = nil
		siblings.settle_all(self, now, pending)
		reader:begun(self.begun)
		lives.add_entry(self, reader)
	else
		reader:close()
	end
	return true
end

-- What is read is at its end, or there is nothing: opens the next file, if
-- there is one. Whether to look again at once.
function lives.advance(self)
	local now = picture.look(self)
	local unread, pending
	if now then
		unread, pending = siblings.unread(self, now)
	end
	if not unread then
		return true
	elseif unread[1] then
		return add_rotated(self, unread[1])
	end
	return now.here and add_here(self, now, pending) or false
end

-- Sees the first bytes of a file that is not proven.
local function see_beginning(self, reader)
	local state, err = reader:same()
	if not state then
		lives.broken(self, err)
	elseif state == "changed" then
		reader:rewind() -- they were of an earlier life
	end
	return state == "end"
end

-- Whether nothing unread comes before what is at the start of a file; if so,
-- and a whole line is there, the file may be read from now on. What does come
-- before is put in its place.
function lives.prove(self, at)
	local entry = self.chain[at]
	local reader = entry.reader
	for _ = 1, TRIES do
		see_beginning(self, reader)
		local blank, headed = reader:blank(), reader:headed()
		local now = picture.look(self)
		local missed
		if now then
			missed = siblings.before(self, entry, now)
		end
		if missed ~= nil and see_beginning(self, reader)
			and reader:blank() == blank then
			if missed then
				self.more = add_rotated(self, missed, at)
				return false
			end
			-- two lives may begin with the same half of a line
			entry.proven = headed or not blank
				and (now.here and now.here.id) ~= entry.id
			return entry.proven
		end
	end
	self.more = true
	return false
end

return lives
