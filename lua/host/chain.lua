-- The files of a tail: read from the first to the last, and taken up again
-- where they were left. Under sensorhost/tail.lua, whose object `self` is all
-- the state there is; which file comes after which is decided in lives.lua.
--
-- What is written to the place: a mark for each file in the chain (who it is,
-- an offset, and digests of the file's first bytes and of those before the
-- offset), and which files beside it are settled. Files are told apart by
-- inode and time of birth; a copy is known by what it holds.

local check = require("host.arguments")
local file = require("host.file")
local inotify = require("host.inotify")
local lives = require("host.lives")
local picture = require("host.picture")
local siblings = require("host.siblings")
local time = require("sensorhost.time")

local chain = {}

local QUIET = 10     -- seconds without growth that end a rotated file
local LOOK = 5       -- seconds between looks, should no event come
local LOOK_BLIND = 1 -- the same where the kernel cannot tell
local ROTATED = 16   -- rotated files kept open
local TRIES = 10     -- looks at a folder in which files are renamed

local FOLDER_EVENTS = bit.bor(inotify.CREATE, inotify.MOVED_TO,
	inotify.MOVED_FROM, inotify.DELETE, inotify.MOVE_SELF,
	inotify.DELETE_SELF)

-- Watches the folder, or the nearest one above it that is there.
function chain.watch_folder(self)
	local folder, name = self.folder, self.base
	while true do
		local id, err = self.watch:add(folder, FOLDER_EVENTS, name)
		if id then
			if self.subscription and self.subscription ~= id then
				self.watch:remove(self.subscription)
			end
			self.subscription = id
			return true
		elseif err.kind == "busy" or folder == "/" or folder == "." then
			return nil, err
		end
		name = folder:match("[^/]*$")
		folder = folder:match("^(.*)/[^/]*$") or "."
		if folder == "" then
			folder = "/"
		end
	end
end

-- Warns of what was compressed before it was read to its end.
local function warn_compressed(self, since)
	local names = siblings.compressed(self, since)
	if names then
		check.warn(("tail: %s: compressed meanwhile, and not read: %s; lines "
			.. "that had not been read yet are left out"):format(self.path,
			names))
	end
	return names
end

-- The file was cut or written anew under us. What was not read of it may be
-- in a copy; else what is buffered of its last line is all there is.
local function changed(self, at)
	local entry = self.chain[at]
	local reader = entry.reader
	local mark = reader:mark(true)
	local copy, why = siblings.resume(self, mark)
	if why == "moving" then
		return nil
	end
	self.reborn[entry.id] = true
	if copy then
		lives.drop_entry(self, at)
		entry = lives.add_entry(self, copy, at)
		entry.proven, entry.quiet = true, time.monotonic() + QUIET
		return nil
	end
	if not siblings.settle_copies(self, mark, reader) then
		return nil
	end
	warn_compressed(self, reader:begun())
	entry.over = true
	return reader:rest()
end

-- A file that was deleted, and nothing came in its place: lets it go once it
-- has been quiet, so that it does not take up the disk for ever.
local function leave_deleted(last)
	if last.reader:facts().links > 0 then
		last.deleted = nil
	elseif not last.deleted then
		last.deleted = time.monotonic() + QUIET
	elseif time.monotonic() >= last.deleted then
		last.over = true
		return last.reader:rest()
	end
end

-- The path does not lead to the last file (here: it leads to another one). If
-- there is still nothing new in it, goes on to the next.
local function leave(self, last, here)
	local state, err = "end", nil
	if last.proven or lives.prove(self, #self.chain) then
		state, err = last.reader:fill()
	elseif self.more then
		return nil
	end
	if state == nil then
		lives.broken(self, err)
	elseif state ~= "end" then
		self.more = true
		return nil
	end
	last.quiet = last.quiet or time.monotonic() + QUIET
	self.more = lives.advance(self)
	if not self.more and not here then
		return leave_deleted(last)
	end
end

-- Whether all that is read still ends in the file at the path. May return a
-- line: what is left of a file that is over.
local function follow(self)
	local last = self.chain[#self.chain]
	local here = file.facts(self.path)
	if here and last and here.id == last.id then
		last.deleted = nil
		return nil
	end
	chain.watch_folder(self)
	if last then
		return leave(self, last, here)
	end
	self.more = lives.advance(self)
end

-- A rotated file that has been quiet for long, or the oldest of too many: what
-- is left of it is a line, and that is its end.
local function finish_quiet(self, at)
	local entry = self.chain[at]
	if at == #self.chain then
		return nil
	end
	entry.quiet = entry.quiet or time.monotonic() + QUIET
	local too_many = at == 1 and #self.chain - 1 > ROTATED
	if not too_many and time.monotonic() < entry.quiet then
		return nil
	end
	entry.over = true
	return entry.reader:rest()
end

-- Whether something has come into the files before this one, since they were
-- looked at: it was written before what has come here.
local function grew_before(self, at)
	local grew = false
	for i = 1, at - 1 do
		local entry = self.chain[i]
		local state = entry.proven and entry.reader:fill()
		grew = grew or state == "line" or state == "more"
			or state == "changed"
	end
	return grew
end

-- Reads the next block of a file. A line, if one is now there.
local function read_on(self, at)
	local entry = self.chain[at]
	if not entry.proven and not lives.prove(self, at) then
		if self.more then
			return nil
		end
		return finish_quiet(self, at)
	end
	local state, err = entry.reader:fill()
	if state == "line" then
		entry.quiet = entry.quiet and time.monotonic() + QUIET
		if not grew_before(self, at) then
			return entry.reader:next()
		end
		self.more = true
	elseif state == "end" then
		return finish_quiet(self, at)
	elseif state == "more" then
		self.more = true
	elseif state == "changed" then
		self.more = true
		return changed(self, at)
	else
		lives.broken(self, err)
	end
end

-- One look at all files, the oldest first. A line, if there is one; self.more
-- tells that there is something to do at once.
function chain.look(self)
	self.more = false
	local at = 1
	while self.chain[at] do
		local entry = self.chain[at]
		if entry.over then
			lives.drop_entry(self, at)
		else
			local reader = entry.reader
			local line, cut = reader:next()
			if not line then
				line, cut = read_on(self, at)
			end
			if line then
				self.reader = not entry.over and reader or nil
				return line, cut
			elseif self.more then
				return nil
			end
			at = at + 1
		end
	end
	return follow(self)
end

-- How long to wait for an event.
function chain.pause(self)
	local seconds = self.subscription and LOOK or LOOK_BLIND
	for at, entry in ipairs(self.chain) do
		if entry.quiet and at < #self.chain then
			seconds = math.min(seconds, entry.quiet - time.monotonic())
		end
		if not entry.subscription then
			seconds = math.min(seconds, LOOK_BLIND)
		end
	end
	return math.max(seconds, 0.01)
end

-- Frees what the tail holds, once no task waits in it.
function chain.release(self)
	for _, entry in ipairs(self.chain) do
		entry.reader:close()
	end
	self.chain = {}
	self.reader = nil
	self.watch:close()
end

-- When the system was started.
local function booted()
	local uptime = io.open("/proc/uptime")
	local seconds = uptime and uptime:read("*n")
	if uptime then
		uptime:close()
	end
	return time.now() - (seconds or math.huge)
end

-- No picture of the folder could be had.
local function fail_moving(self)
	return check.fail("busy", "tail.open", self.path,
		"files keep being renamed here; try again")
end

-- Opens what a mark is about. Whether that was there; nil if that cannot be
-- told now.
local function take_up(self, mark, crashed)
	local reader, copy, itself = siblings.resume(self, mark, crashed)
	if reader then
		self.reborn[mark.id] = copy and true or nil
		lives.add_entry(self, reader).proven = mark.offset > 0
		return true
	elseif copy == "moving" or not siblings.settle_copies(self, mark) then
		return nil
	end
	if itself then
		self.reborn[mark.id] = true -- its name is there, it is another life
	end
	siblings.settle(self, mark.id)
	return false
end

-- Goes on with what the place remembers.
local function go_on(self, state)
	local last = state.files[#state.files]
	local crashed = tonumber(state.at) / 1e9 < booted()
	self.since = tonumber(state.since or last and last.since or state.at)
		/ 1e9
	self.begun = last and tonumber(last.since) / 1e9 or self.since
	for _, id in ipairs(state.cut or {}) do
		self.reborn[id] = true
	end
	for _, id in ipairs(state.settled or {}) do
		self.settled[id] = true
	end
	local gone
	for _, mark in ipairs(state.files) do
		local found = take_up(self, mark, crashed)
		if found == nil then
			return fail_moving(self)
		end
		gone = not found and mark or gone
	end
	if gone and not warn_compressed(self, tonumber(gone.since) / 1e9)
		and #self.chain == 0 then
		check.warn(("tail: %s: what was read last is gone; going on with "
			.. "what came after it"):format(self.path))
	end
	return true
end

-- Begins where the options say: all that was rotated by now is not asked for.
local function begin_anew(self)
	local offset = self.options.from == "end" and -1 or 0
	for _ = 1, TRIES do
		local reader, err = siblings.open(self, self.path, offset)
		if not reader and err.kind ~= "not_found" then
			return nil, err
		end
		local now = picture.look(self)
		local id = reader and reader:facts().id
		local _, pending
		if now then
			_, pending = siblings.unread(self, now)
		end
		if pending and (now.here and now.here.id) == id
			and (not reader or reader:same() == "end") then
			siblings.settle_all(self, now, pending)
			if reader then
				reader:begun(self.begun)
				lives.add_entry(self, reader).proven = reader:headed()
			end
			return true
		elseif reader then
			reader:close()
		end
	end
	return fail_moving(self)
end

-- Opens what the place remembers, or begins.
function chain.begin(self)
	local state = self.place:load()
	self.since, self.begun = 0, 0
	if state then
		return go_on(self, state)
	end
	self.fresh = true
	return begin_anew(self)
end

return chain
