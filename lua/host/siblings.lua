-- Files that lie beside a log file: what it was before it was rotated. Tells
-- which of them nobody has read, in which order they were written, and where
-- a mark leads to. Under chain.lua and lives.lua; `self` is the object of
-- sensorhost/tail.lua. Changes nothing but what is settled.
--
-- All is decided on a picture of the folder (picture.lua). Clocks are coarse and
-- may be set back, so which files are settled is a list of who they are; only
-- what is over a day older than the newest of them (self.since) is settled by
-- its birth alone.

local file = require("host.file")
local picture = require("host.picture")

local siblings = {}

local TRIES = 10      -- pictures of a folder in which files are renamed
local SETTLED = 64    -- settled files that are remembered
local SLACK = 86400   -- seconds by which a clock may be set back
local CERTAIN = 1024  -- bytes that are hardly the same in two files by chance

function siblings.open(self, path, offset)
	return file.open(path, offset, self.options.encoding,
		self.options.max_line)
end

-- Opens a file of a picture; nil, err if its name is another one's by now.
function siblings.open_file(self, facts)
	local reader, err = siblings.open(self, facts.path, 0)
	if reader and reader:facts().id ~= facts.id then
		reader:close()
		return nil, { kind = "not_found" }
	end
	return reader, err
end

local function in_chain(self, id)
	for _, entry in ipairs(self.chain) do
		if entry.id == id then
			return true
		end
	end
	return false
end

-- Whether a file was made after its last change, which was before what is read
-- now began: an old one that was unpacked, or brought back.
local function is_restored(self, facts)
	return facts.modified < facts.born - 1 and facts.modified < self.begun
end

-- Whether a file is not of what is settled.
local function is_unsettled(self, facts)
	return self.reborn[facts.id] or facts.when >= self.since
		and not self.settled[facts.id] and not is_restored(self, facts)
end

-- Opens a file of a picture; if that is not there any more, the picture is no
-- longer true (moved).
local function open_seen(self, facts, now)
	local reader, err = siblings.open_file(self, facts)
	now.moved = now.moved or err and err.kind == "not_found"
	return reader
end

-- What test says of the readers of two files; closes them.
local function compare(reader, copy, test)
	local is = reader and copy and test(reader, copy) or false
	if reader then
		reader:close()
	end
	if copy then
		copy:close()
	end
	return is
end

-- Whether a file is a copy of what is at the path and about to be cut: a reader
-- will have it all from there, be it cut or not.
local function is_pending(self, facts, now)
	local here = now.here
	if not here or facts.when < here.born then
		return false
	end
	local reader, err = siblings.open(self, self.path, 0)
	now.moved = now.moved or err and err.kind == "not_found"
		or reader and reader:facts().id ~= here.id
	return compare(reader, open_seen(self, facts, now), function(r, copy)
		return r:covers(copy)
	end)
end

-- Whether what a file holds was copied from what a reader's file holds.
local function is_part_of(reader, copy)
	local size = copy:facts().size
	return size > 0 and (size >= CERTAIN or size == reader:facts().size)
		and reader:covers(copy)
end

-- Whether a file is a copy of one that is being read.
local function is_copy(self, facts, now)
	local copy = facts.size > 0 and open_seen(self, facts, now)
	local is = false
	for _, entry in ipairs(copy and self.chain or {}) do
		is = is or is_part_of(entry.reader, copy)
	end
	if copy then
		copy:close()
	end
	return is
end

-- Whether one of two files that nobody has read is a copy of the other.
local function is_copy_of(self, facts, other, now)
	return compare(open_seen(self, other, now), open_seen(self, facts, now),
		is_part_of)
end

-- What lies in the folder and is none of what is read, at the path or settled.
local function new_files(self, now)
	local all = {}
	for _, facts in ipairs(now.found) do
		if facts.added and not in_chain(self, facts.id)
			and not (now.here and now.here.id == facts.id)
			and is_unsettled(self, facts) then
			all[#all + 1] = facts
		end
	end
	table.sort(all, picture.older)
	return all
end

-- The rotated files that nobody has read, the oldest first; beside them those
-- that are copies of what is at the path (id → true). What somebody else has
-- copied beside them is settled. nil if the picture is no longer true.
function siblings.unread(self, now)
	local all, pending = {}, {}
	for _, facts in ipairs(new_files(self, now)) do
		local before = all[#all]
		if is_pending(self, facts, now) then
			pending[facts.id] = true
		elseif is_copy(self, facts, now)
			or before and is_copy_of(self, facts, before, now) then
			siblings.settle(self, facts.id)
		else
			if before and is_copy_of(self, before, facts, now) then
				siblings.settle(self, before.id)
				all[#all] = nil
			end
			all[#all + 1] = facts
		end
	end
	if now.moved then
		return nil
	end
	return all, pending
end

-- The oldest unread file that was written before what an entry of the chain
-- holds, false if there is none; nil if the picture is no longer true.
function siblings.before(self, entry, now)
	local unread = siblings.unread(self, now)
	local oldest = unread and unread[1] or false
	if oldest and not (now.here and now.here.id == entry.id) then
		local facts = now.by_id[entry.id] or entry.reader:facts()
		return picture.older(oldest, facts) and oldest
	end
	return unread and oldest
end

-- A file is done with, and not to be taken for new. One that was cut, though,
-- is the same file with a new life.
function siblings.settle(self, id)
	if not self.reborn[id] then
		self.settled[id] = true
	end
end

-- All that was rotated up to this picture is settled: what the path leads to is
-- read next, and began not before self.begun. But for copies of that (pending),
-- which may yet be needed.
function siblings.settle_all(self, now, pending)
	local all, least = {}, math.huge
	for _, facts in ipairs(now.found) do
		if pending[facts.id] then
			least = math.min(least, facts.when - 1e-6)
		elseif facts.added and not (now.here and now.here.id == facts.id) then
			all[#all + 1] = facts
		end
	end
	table.sort(all, function(a, b) return a.when > b.when end)
	local newest = all[1] and all[1].when or -math.huge
	self.settled, self.reborn = {}, {}
	for i = 1, math.min(#all, SETTLED) do
		self.settled[all[i].id] = true
	end
	local edge = all[SETTLED + 1] and all[SETTLED + 1].when + 1e-6 or 0
	self.since = math.min(math.max(newest - SLACK, edge, 0), least)
	self.begun = math.min(math.max(newest, now.here and now.here.born or 0),
		least)
end

-- The files that may be copies of what the mark's file was. The longest first:
-- what goes on where the mark says and is shorter is a part of it.
local function copies_of(self, mark, now)
	local all = {}
	if mark.offset == 0 and mark.head_length == 0 then
		return all
	end
	for _, facts in ipairs(now.found) do
		local is_new = facts.when >= self.since
			and not self.settled[facts.id]
		if facts.id ~= mark.id and not facts.packed
			and not (now.here and now.here.id == facts.id)
			and not in_chain(self, facts.id)
			and (is_new or facts.modified >= tonumber(mark.since) / 1e9) then
			all[#all + 1] = facts
		end
	end
	table.sort(all, function(a, b)
		if a.size ~= b.size then
			return a.size > b.size
		end
		return picture.older(b, a)
	end)
	return all
end

-- The one of the files that goes on where mark says: its reader and facts. Else
-- nil, and whether one was renamed meanwhile.
local function try(self, files, mark, crashed)
	local moved = false
	for _, facts in ipairs(files) do
		local reader, err = siblings.open_file(self, facts)
		if reader and reader:resume(mark, crashed) then
			return reader, facts
		elseif reader then
			reader:close()
		end
		moved = moved or err and err.kind == "not_found"
	end
	return nil, moved
end

-- The mark's file in a picture.
local function itself_of(self, mark, now)
	local here = now.here
	if here and here.id == mark.id then
		here.path = self.path
		return here
	end
	return now.by_id[mark.id]
end

-- A reader that goes on where mark says, if that file is still somewhere: at
-- the path, under another name, or as a copy of what it was (then also that
-- copy's facts). Else nil, why ("gone", or "moving" if the folder did not hold
-- still), and the file if its name is there and it holds something else.
-- crashed: the system went down since, and may have lost the end of a file.
function siblings.resume(self, mark, crashed)
	for _ = 1, TRIES do
		local now = picture.look(self, mark.id)
		local itself = now and itself_of(self, mark, now)
		local reader, moved = try(self, { itself }, mark, crashed)
		if reader then
			return reader
		end
		-- it was cut by now: only a new picture shows all copies
		now = now and not moved and picture.look(self, mark.id)
		if now then
			reader, moved = try(self, copies_of(self, mark, now), mark,
				crashed)
			if reader then
				return reader, moved
			elseif not moved then
				return nil, "gone", itself
			end
		end
	end
	return nil, "moving"
end

-- Whether a copy begins as the mark's file did, and ends no later than the mark.
local function ends_before(copy, facts, mark)
	return mark.head_length >= CERTAIN and facts.size <= mark.offset
		and copy:resume({ id = mark.id, since = mark.since,
			offset = mark.head_length, before_length = 0, before = "",
			head_length = mark.head_length, head = mark.head })
end

-- A file that was read in part was cut or is gone, and no copy goes on where
-- the mark says. A copy that ends before has nothing new. reader: the file's, if
-- it is still open. false if the folder did not hold still.
function siblings.settle_copies(self, mark, reader)
	local now = picture.look(self)
	for _, facts in ipairs(now and copies_of(self, mark, now) or {}) do
		local copy = facts.added and open_seen(self, facts, now)
		if copy and (reader and reader:past(copy)
			or ends_before(copy, facts, mark)) then
			siblings.settle(self, facts.id)
		end
		if copy then
			copy:close()
		end
	end
	return now and not now.moved
end

-- The names of what was compressed since something was read, for a message;
-- nil if nothing was.
function siblings.compressed(self, since)
	local now = picture.look(self)
	local names = {}
	for _, facts in ipairs(now and now.found or {}) do
		if facts.packed and facts.when >= since then
			names[#names + 1] = facts.path
		end
	end
	table.sort(names)
	return names[1] and table.concat(names, ", ", 1, math.min(#names, 8))
end

return siblings
