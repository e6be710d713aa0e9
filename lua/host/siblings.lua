-- Files that lie beside a log file: which of them may have been it before they
-- were rotated, and which of two is the older one. Under host/chain.lua.

local file = require("host.file")

local siblings = {}

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
function siblings.older(a, b)
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
function siblings.list(folder, base, id, reborn)
	local stem = base:match("^[^.]+") or base
	local found = file.scan(folder, id or "0", stem) or {}
	for _, facts in ipairs(found) do
		facts.when = reborn[facts.id] and facts.modified or born(facts)
		facts.added = facts.name ~= base and rotation_of(base, facts.name)
			or nil
	end
	return found
end

return siblings
