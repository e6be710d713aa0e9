-- The files of a tail: which is read when, and where it was left. Under
-- sensorhost/tail.lua, whose object `self` is all the state there is.
--
-- A mark holds who a file is (inode and time of birth), an offset, and digests
-- of the file's first bytes and of those before the offset. The files of a
-- tail are a chain: first those that were rotated and may still grow, last the
-- one at the path. A file is left for the next one only after the next one was
-- seen and the file then read to its end. What was rotated unseen is found in
-- the folder: by inode, by content (a copy), and the files between by name and
-- time of birth.

local check = require("host.arguments")
local file = require("host.file")
local inotify = require("host.inotify")
local siblings = require("host.siblings")
local time = require("sensorhost.time")

local chain = {}

local QUIET = 10     -- seconds without growth that end a rotated file
local LOOK = 5       -- seconds between looks, should no event come
local LOOK_BLIND = 1 -- the same where the kernel cannot tell
local ROTATED = 16   -- rotated files kept open
local FINISHED = 32  -- finished files that are remembered
local TRIES = 10     -- looks at a folder in which files are renamed

local FILE_EVENTS = bit.bor(inotify.MODIFY, inotify.ATTRIB,
	inotify.MOVE_SELF, inotify.DELETE_SELF)
local FOLDER_EVENTS = bit.bor(inotify.CREATE, inotify.MOVED_TO,
	inotify.MOVED_FROM, inotify.DELETE, inotify.MOVE_SELF,
	inotify.DELETE_SELF)

-- Where a read or a look failed: the loop ends with that error.
local function broken(self, err)
	err.op, err.target = "tail:lines", self.path
	error(err, 0)
end

-- Tells the host which readers' marks to keep, and which files were cut.
local function hold(self)
	local readers, cut = {}, {}
	for i, entry in ipairs(self.chain) do
		readers[i] = entry.reader
	end
	for id in pairs(self.reborn) do
		cut[#cut + 1] = '"' .. id .. '"'
	end
	self.place:hold(table.concat(cut, ",", 1, math.min(#cut, FINISHED)),
		unpack(readers))
end

-- Puts a reader into the chain, at its end or at a place.
local function add_entry(self, reader, at)
	local facts, proc = reader:facts()
	local entry = { reader = reader, id = facts.id, begun = reader:begun() }
	entry.subscription = self.watch:add(proc, FILE_EVENTS)
	table.insert(self.chain, at or #self.chain + 1, entry)
	hold(self)
	return entry
end

-- A file is done with, and not to be taken for new. One that was cut, though,
-- is the same file with a new life.
local function remember(self, id)
	if not self.reborn[id] then
		self.finished[#self.finished + 1] = id
	end
	if #self.finished > FINISHED then
		table.remove(self.finished, 1)
	end
end

-- Ends with a file.
local function drop_entry(self, at)
	local entry = table.remove(self.chain, at)
	remember(self, entry.id)
	if self.reader == entry.reader then
		self.reader = nil
	end
	if entry.subscription then
		self.watch:remove(entry.subscription)
	end
	hold(self)
	entry.reader:close()
end

-- The next file after what is read: one that was rotated unseen, or the one
-- at the path. Looks twice, since names change under our eyes.
local function advance(self)
	for _ = 1, TRIES do
		local here = file.facts(self.path)
		local rotated = self.since and siblings.successor(self, self.since, here)
		local target = rotated or here
		if not target then
			return false
		end
		local reader, err = siblings.open(self, rotated
			and self.folder .. "/" .. rotated.name or self.path, 0)
		local facts = reader and reader:facts()
		local again = self.since and siblings.successor(self, self.since, here)
		if facts and facts.id == target.id
			and (again and again.id) == (rotated and rotated.id) then
			if rotated then
				reader:begun(rotated.when - 1e-6)
			end
			self.since = reader:begun()
			self.reborn[target.id] = nil
			self.unreadable = nil
			add_entry(self, reader)
			return true
		elseif reader then
			reader:close()
		elseif err.kind ~= "not_found" then
			if not self.unreadable then
				check.warn(("%s; trying again"):format(tostring(err)))
			end
			self.unreadable = true
			return false
		end
	end
	return false
end

-- The last file has been empty as far as was seen: what it was before it was
-- last cut may be in a copy that nobody has read.
local function insert_missed(self)
	local last = self.chain[#self.chain]
	for _ = 1, ROTATED do
		local rotated = siblings.successor(self, last.begun, last)
		if not rotated or siblings.is_current(self, rotated) then
			return
		end
		local reader = siblings.open_sibling(self, rotated)
		if reader then
			reader:begun(rotated.when - 1e-6)
			add_entry(self, reader, #self.chain).quiet =
				time.monotonic() + QUIET
			last.begun = last.reader:begun(rotated.when - 1e-6)
			self.more = true
		end
	end
end

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

-- The file was cut or written anew under us. What was not read of it may be
-- in a copy; else what is buffered of its last line is all there is.
local function changed(self, at)
	local entry = self.chain[at]
	local mark = entry.reader:mark()
	self.reborn[entry.id] = true
	local copy = siblings.resume(self, mark)
	if copy then
		drop_entry(self, at)
		add_entry(self, copy, at).quiet = time.monotonic() + QUIET
		return nil
	end
	if at == #self.chain then
		self.since = entry.begun
	end
	entry.over = true
	return entry.reader:rest()
end

-- A file that was deleted, and nothing came in its place: lets it go once it
-- has been quiet, so that it does not take up the disk for ever.
local function leave_deleted(self, last)
	if last.reader:facts().links > 0 then
		last.deleted = nil
	elseif not last.deleted then
		last.deleted = time.monotonic() + QUIET
	elseif time.monotonic() >= last.deleted then
		self.since = last.begun
		last.over = true
		return last.reader:rest()
	end
end

-- The last file was read to its end, and the path leads to another one: if
-- there is still nothing new in it, goes on to the next.
local function leave(self, last)
	local state, err = last.reader:fill()
	if state == nil then
		broken(self, err)
	elseif state == "end" then
		last.quiet = last.quiet or time.monotonic() + QUIET
		self.since = last.begun
		self.more = advance(self)
	else
		self.more = true
	end
end

-- Whether all that is read still ends in the file at the path. May return a
-- line: what is left of a file that is over.
local function follow(self)
	local last = self.chain[#self.chain]
	local here = file.facts(self.path)
	if not here or not last or here.id ~= last.id then
		chain.watch_folder(self)
	end
	if not last then
		self.more = advance(self)
	elseif not here then
		return leave_deleted(self, last)
	elseif here.id ~= last.id then
		leave(self, last)
	elseif last.reader:blank() then
		insert_missed(self)
	end
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

-- Reads the next block of a file. A line, if one is now there.
local function read_on(self, at)
	local entry = self.chain[at]
	if at == #self.chain and entry.reader:blank() then
		insert_missed(self) -- what it is about to hold came later
		if self.more then
			return nil
		end
	end
	local state, err = entry.reader:fill()
	if state == "line" then
		entry.quiet = entry.quiet and time.monotonic() + QUIET
		return entry.reader:next()
	elseif state == "end" then
		return finish_quiet(self, at)
	elseif state == "more" then
		self.more = true
	elseif state == "changed" then
		self.more = true
		return changed(self, at)
	else
		broken(self, err)
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
			drop_entry(self, at)
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

-- Opens what the place remembers, or begins.
function chain.begin(self)
	local state = self.place:load()
	if state then
		for _, id in ipairs(state.cut or {}) do
			self.reborn[id] = true
		end
		local crashed = tonumber(state.at) / 1e9 < booted()
		for _, mark in ipairs(state.files) do
			local reader = siblings.resume(self, mark, crashed)
			if reader then
				add_entry(self, reader)
				self.since = reader:begun()
			else
				self.since = tonumber(mark.since) / 1e9
				remember(self, mark.id)
			end
		end
		local last = state.files[#state.files]
		if not last then
			self.since = tonumber(state.at) / 1e9
		elseif #self.chain == 0 then
			check.warn(("tail: %s: what was read last is gone; going on with "
				.. "what came after it"):format(self.path))
		elseif last.offset == 0 then
			insert_missed(self)
		end
		return true
	end
	self.fresh = true
	local offset = self.options.from == "end" and -1 or 0
	local reader, err = siblings.open(self, self.path, offset)
	if reader then
		add_entry(self, reader)
		return true
	end
	self.since = time.now() - 0.02 -- times of birth are coarse
	return err.kind == "not_found", err
end

return chain
