-- A picture of the folder in which a log file lies: what its path leads to, and
-- which files may be it, rotated. Under chain.lua, lives.lua and siblings.lua,
-- which decide on it; `self` is the object of sensorhost/tail.lua.
--
-- Names change while a folder is read, so a picture counts when it was the same
-- twice. What was rotated is as old as its last change: a copy's is when it was
-- copied, a renamed file's when its last line came. Files of one instant go by
-- their names.

local check = require("host.arguments")
local file = require("host.file")

local picture = {}

local TRIES = 10      -- pictures of a folder in which files are renamed
local LINKS = 8       -- symbolic links that are followed

local COMPRESSED = { gz = true, xz = true, bz2 = true, zst = true, lz4 = true,
	lzma = true, Z = true, zip = true }

-- The part of a name that rotation adds, if it looks like it: "1" of
-- "x.log.1", "20260102" of "x-20260102.log"; nil for any other name.
local function rotation_of(base, name)
	local stem, extension = base:match("^(.+)(%.[^.]*)$")
	local added
	if name:sub(1, #base) == base then
		added = name:sub(#base + 1)
	elseif stem and name:sub(1, #stem) == stem
		and name:sub(-#extension) == extension then
		added = name:sub(#stem + 1, -#extension - 1)
	end
	return added and added:match("^[.%-_](%d[%d%-.T:_]*)$")
end

-- Where a rotated name stands among those of one instant: "2" before "1", then
-- dates, "20260101" before "20260102".
local function rank(added)
	local number = added and #added < 5 and tonumber(added)
	return number and -number or 1, added or ""
end

-- Whether a file that was rotated as `a` is older than `b`.
function picture.older(a, b)
	if a.modified ~= b.modified then
		return a.modified < b.modified
	end
	local first, a_text = rank(a.added)
	local second, b_text = rank(b.added)
	if first ~= second then
		return first < second
	end
	return a_text < b_text
end

-- Folder and last part of a path.
local function split(path)
	local folder, base = path:match("^(.*)/([^/]*)$")
	return folder == "" and "/" or folder or ".", base or path
end

-- The folders in which rotation may have put what the path led to: its own,
-- and where it is a symbolic link, that of what it leads to.
local function homes(path)
	local all = {}
	repeat
		local folder, base = split(path)
		all[#all + 1] = { folder = folder, base = base }
		path = file.link(path)
		if path and path:sub(1, 1) ~= "/" then
			path = folder .. "/" .. path
		end
	until not path or #all == LINKS
	return all
end

-- The files in a folder that may matter. That they cannot all be seen is said
-- once.
local function scan(self, home, id)
	local stem = home.base:match("^[^.]+") or home.base
	local found, err = file.scan(home.folder, id or "0", stem)
	local why = not found and err.kind ~= "not_found" and tostring(err)
		or found and err and ("over %d entries"):format(err)
	if why and not self.dim then
		self.dim = true
		check.warn(("tail: %s: not all of the folder can be seen, so what is "
			.. "rotated may be missed: %s"):format(self.path, why))
	end
	return found or {}
end

-- Adds what lies in one folder to a picture.
local function add_home(self, now, home, id)
	for _, facts in ipairs(scan(self, home, id)) do
		local plain, ending = facts.name:match("^(.*)%.(%w+)$")
		facts.path = home.folder .. "/" .. facts.name
		facts.added = rotation_of(home.base, facts.name)
		facts.packed = COMPRESSED[ending] and rotation_of(home.base, plain)
		facts.when = facts.born > 0 and facts.born or facts.modified
		local twin = now.by_id[facts.id]
		now.paths[facts.path] = facts.id
		if not twin then
			now.found[#now.found + 1] = facts
			now.by_id[facts.id] = facts
		elseif not twin.added then
			twin.added, twin.path = facts.added, facts.path
		end
	end
end

-- What the path leads to (here) and the files that may be it, rotated (found),
-- or that have this id.
local function take(self, id)
	local now = { here = file.facts(self.path), found = {}, by_id = {},
		paths = {} }
	for _, home in ipairs(homes(self.path)) do
		add_home(self, now, home, id)
	end
	return now
end

local function same_picture(a, b)
	for path, id in pairs(a.paths) do
		if b.paths[path] ~= id then
			return false
		end
	end
	for path in pairs(b.paths) do
		if not a.paths[path] then
			return false
		end
	end
	return (a.here and a.here.id) == (b.here and b.here.id)
end

-- What is in the folder at one moment; nil if it does not hold still.
function picture.look(self, id)
	local before = take(self, id)
	for _ = 1, TRIES do
		local now = take(self, id)
		if same_picture(before, now) then
			return now
		end
		before = now
	end
	return nil
end

return picture
