-- Files that lie beside a log file: which of them it was before it was rotated,
-- where a mark leads to, and what came after a file. Under host/chain.lua, whose
-- object `self` is.

local file = require("host.file")

local siblings = {}

local TRIES = 10 -- looks at a folder in which files are renamed

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

-- Whether a file rotated as `a` is older than `b`: by birth, then by name.
local function older(a, b)
	if a.when ~= b.when then
		return a.when < b.when
	end
	local first, a_text = rank(a.added)
	local second, b_text = rank(b.added)
	if first ~= second then
		return first < second
	end
	return a_text < b_text
end

-- When a file came to be: its birth, or where that is unknown its last change.
local function born(facts)
	return facts.born > 0 and facts.born or facts.modified
end

-- The files of a folder that may have been `base`, or that may be the file with
-- this id: their facts, `when` they came to be, and `added`, what rotation added
-- to the name. A file that was cut (reborn) counts from its last change.
local function list(folder, base, id, reborn)
	local stem = base:match("^[^.]+") or base
	local found = file.scan(folder, id or "0", stem) or {}
	for _, facts in ipairs(found) do
		facts.when = reborn[facts.id] and facts.modified or born(facts)
		facts.added = facts.name ~= base and rotation_of(base, facts.name)
			or nil
	end
	return found
end

local function is_known(self, id)
	for _, entry in ipairs(self.chain) do
		if entry.id == id then
			return true
		end
	end
	for _, finished in ipairs(self.finished) do
		if finished == id then
			return true
		end
	end
	return false
end

function siblings.open(self, path, offset)
	return file.open(path, offset, self.options.encoding,
		self.options.max_line)
end

local function same_file(a, b)
	return (a and a.id) == (b and b.id)
end

-- Opens one of the folder's files. Names change under our eyes: "moved" if it
-- is another one by now.
function siblings.open_sibling(self, facts)
	local reader = siblings.open(self, self.folder .. "/" .. facts.name, 0)
	if reader and reader:facts().id == facts.id then
		return reader
	elseif reader then
		reader:close()
	end
	return nil, "moved"
end

-- Whether a file may be a copy of what the mark's file was: made after that
-- had begun, and as long as what was read of it.
local function may_be_copy(self, facts, mark)
	return facts.id ~= mark.id and facts.name ~= self.base
		and mark.offset > 0 and facts.size >= mark.offset
		and not is_known(self, facts.id)
		and facts.when * 1e9 >= tonumber(mark.since) - 1000
end

-- The folder's file that the mark is about, or the latest copy of it; a reader
-- that goes on there, or nil, and "moved" if that may not be the last word.
local function resume_sibling(self, mark, crashed)
	local found = list(self.folder, self.base, mark.id, self.reborn)
	local moved
	table.sort(found, older)
	for pass = 1, 2 do
		for i = #found, 1, -1 do
			local facts = found[i]
			local is_it = facts.id == mark.id and facts.name ~= self.base
			if pass == 1 and is_it
				or pass == 2 and may_be_copy(self, facts, mark) then
				local reader, why = siblings.open_sibling(self, facts)
				moved = moved or why
				if reader and reader:resume(mark, crashed) then
					return reader, nil, not is_it and facts
				elseif reader then
					reader:close()
				end
			end
		end
	end
	return nil, moved
end

-- A reader that goes on where mark says, if that file is still somewhere: at
-- the path, under another name, or as a copy of what it was. crashed: the
-- system went down since, and may have lost the end of a file.
function siblings.resume(self, mark, crashed)
	for _ = 1, TRIES do
		local here = file.facts(self.path)
		local reader = here and here.id == mark.id
			and siblings.open(self, self.path, 0)
		if reader and reader:facts().id == mark.id
			and reader:resume(mark, crashed) then
			return reader
		elseif reader then
			reader:close()
		end
		local why, copy
		reader, why, copy = resume_sibling(self, mark, crashed)
		if copy then
			self.reborn[mark.id] = true
			reader:begun(copy.when - 1e-6)
		end
		if reader or why ~= "moved" and same_file(here, file.facts(self.path)) then
			return reader
		end
	end
	return nil
end

-- The oldest file that was rotated after `since` and that nobody has read.
function siblings.successor(self, since, here)
	local oldest
	for _, facts in ipairs(list(self.folder, self.base, nil,
		self.reborn)) do
		if facts.added and facts.when >= since
			and not (here and here.id == facts.id)
			and not is_known(self, facts.id)
			and (not oldest or older(facts, oldest)) then
			oldest = facts
		end
	end
	return oldest
end

-- Whether a rotated file is a copy of what is still at the path: it is yet to
-- be cut.
function siblings.is_current(self, rotated)
	local copy = siblings.open(self, self.folder .. "/" .. rotated.name, -1)
	local here = copy and siblings.open(self, self.path, 0)
	local mark = here and copy:mark()
	local is = mark and mark.offset > 0 and here:resume(mark)
	for _, reader in ipairs({ copy, here }) do
		reader:close()
	end
	return is
end

return siblings
