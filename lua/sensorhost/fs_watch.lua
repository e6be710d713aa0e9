-- What happens to files and folders, as the kernel tells it (inotify). Should
-- it lose events, the folders are looked at again and what differs is
-- reported. Nothing is kept over a restart: list the folder first.

local check = require("host.arguments")
local file = require("host.file")
local inotify = require("host.inotify")
local time = require("sensorhost.time")

local fs_watch = {}
local Watch = {}
check.object(Watch)

local masks = {
	created = bit.bor(inotify.CREATE, inotify.MOVED_TO),
	modified = inotify.MODIFY,
	written = inotify.CLOSE_WRITE,
	removed = bit.bor(inotify.DELETE, inotify.MOVED_FROM),
	renamed = bit.bor(inotify.MOVED_FROM, inotify.MOVED_TO),
	attributes = inotify.ATTRIB,
}
-- What is needed to know the tree, whatever is asked for.
local STRUCTURE = bit.bor(masks.created, masks.removed)
local SELF = bit.bor(inotify.DELETE_SELF, inotify.MOVE_SELF)

local kinds = { "attributes", "created", "modified", "removed", "renamed",
	"written" }
local default = { "created", "written", "removed", "renamed" }

local options_spec = {
	recursive = { type = "boolean", default = false },
	events = { type = "table", default = default, check = function(call, what,
		v)
		for _, kind in ipairs(v) do
			if not masks[kind] then
				local near = type(kind) == "string"
					and check.nearest(kind, kinds)
				check.raise("%s: %s holds %s%s", call, what,
					check.describe(kind),
					near and ("; did you mean %q?"):format(near)
						or "; there are " .. table.concat(kinds, ", "))
			end
		end
	end },
}

local function has(mask, bits)
	return bit.band(mask, bits) ~= 0
end

-- Queues an event for events(), if its kind is asked for.
local function tell(self, kind, path, from)
	if self.wanted[kind] then
		self.queue[#self.queue + 1] = { path = path, kind = kind, from = from }
	end
end

-- Watches a folder and, if so asked, those below. With `report`, what is in
-- it is told as created.
local function add_folder(self, path, report)
	local id, err = self.watch:add(path == "" and "/" or path, self.mask)
	if not id then
		return nil, err
	end
	-- The watch comes before the list: what is made in between comes twice,
	-- and names tells.
	local names = file.list(path == "" and "/" or path) or {}
	self.folders[id] = { path = path, names = names }
	for name, is_folder in pairs(names) do
		local below = path .. "/" .. name
		if report then
			tell(self, "created", below)
		end
		if is_folder and self.recursive then
			local ok
			ok, err = add_folder(self, below, report)
			if not ok and err.kind == "busy" then
				return nil, err
			end
		end
	end
	return id
end

-- Whether a path is that of a folder or below it.
local function within(path, folder)
	return path == folder or path:sub(1, #folder + 1) == folder .. "/"
end

-- Forgets a folder and those below it.
local function remove_folder(self, path)
	for id, folder in pairs(self.folders) do
		if within(folder.path, path) then
			self.folders[id] = nil
			self.watch:remove(id)
		end
	end
end

-- A folder has another name now; so have those below it.
local function rename_folder(self, from, to)
	for _, folder in pairs(self.folders) do
		if within(folder.path, from) then
			folder.path = to .. folder.path:sub(#from + 1)
		end
	end
end

-- Watches a folder that has come up below a watched one.
local function folder_came(self, path)
	if self.recursive then
		local ok, err = add_folder(self, path, true)
		if not ok and err.kind == "busy" then
			err.op, err.target = "fs_watch:events", self.path
			error(err, 0)
		end
	end
end

-- An entry of a folder came or went.
local function came(self, folder, name, is_folder)
	local path = folder.path .. "/" .. name
	if folder.names[name] ~= nil then
		return -- listed when its folder was new
	end
	folder.names[name] = is_folder
	tell(self, "created", path)
	if is_folder then
		folder_came(self, path)
	end
end

local function went(self, folder, name)
	local path = folder.path .. "/" .. name
	if folder.names[name] then
		remove_folder(self, path)
	end
	folder.names[name] = nil
	tell(self, "removed", path)
end

-- One entry got another name, perhaps in another folder.
local function renamed(self, old, old_name, new, new_name, is_folder)
	local from = old.path .. "/" .. old_name
	local to = new.path .. "/" .. new_name
	old.names[old_name] = nil
	new.names[new_name] = is_folder
	tell(self, "renamed", to, from)
	if is_folder then
		rename_folder(self, from, to)
	end
end

-- The event of the same rename that names the new place, taken out of the
-- list; nil if it went where nobody watches.
local function take_moved_to(events, from, cookie)
	for i = from, #events do
		local event = events[i]
		if event.cookie == cookie and has(event.mask, inotify.MOVED_TO) then
			event.taken = true
			return event
		end
	end
end

-- Events of the folder itself, beside those of its entries.
local function folder_event(self, id, folder, mask)
	if has(mask, inotify.IGNORED) then
		self.folders[id] = nil
	end
	if folder.path == self.path and has(mask, bit.bor(SELF, inotify.IGNORED))
		and not self.gone then
		self.gone = true
		tell(self, "removed", self.path)
	end
end

local function entry_event(self, folder, event, events, i)
	local name, mask = event.name, event.mask
	if self.only and name ~= self.only then
		return
	end
	local path = folder.path .. "/" .. name
	local is_folder = has(mask, inotify.ISDIR)
	if has(mask, inotify.MOVED_FROM) then
		local to = take_moved_to(events, i + 1, event.cookie)
		local new = to and self.folders[to.id]
		if new and not self.only then
			renamed(self, folder, name, new, to.name, is_folder)
		else
			went(self, folder, name)
		end
	elseif has(mask, inotify.DELETE) then
		went(self, folder, name)
	elseif has(mask, masks.created) then
		came(self, folder, name, is_folder)
	elseif has(mask, inotify.CLOSE_WRITE) then
		tell(self, "written", path)
	elseif has(mask, inotify.MODIFY) then
		tell(self, "modified", path)
	elseif has(mask, inotify.ATTRIB) then
		tell(self, "attributes", path)
	end
end

-- An entry of a folder after events were lost: is it new, was it written?
local function look_again(self, folder, name, is_folder)
	local path = folder.path .. "/" .. name
	if folder.names[name] == nil then
		came(self, folder, name, is_folder)
		return
	end
	local facts = file.facts(path)
	if facts and facts.modified >= self.looked - 1 then
		tell(self, "modified", path)
		tell(self, "written", path)
	end
end

-- Events were lost: looks at all folders, and tells what is different. What
-- has changed since shortly before then may have been told already.
local function rescan(self)
	local list = {}
	for id, folder in pairs(self.folders) do
		list[#list + 1] = { id = id, folder = folder }
	end
	for _, item in ipairs(list) do
		local folder = item.folder
		local now = self.folders[item.id] and file.list(folder.path)
		for name in pairs(now and folder.names or {}) do
			if now[name] == nil and (not self.only or name == self.only) then
				went(self, folder, name)
			end
		end
		for name, is_folder in pairs(now or {}) do
			if not self.only or name == self.only then
				look_again(self, folder, name, is_folder)
			end
		end
	end
	if not file.facts(self.path) and not self.only then
		folder_event(self, 0, { path = self.path }, inotify.IGNORED)
	end
end

-- Takes what the kernel told and makes events of it.
local function take(self)
	local events, lost = self.watch:take()
	for i, event in ipairs(events) do
		local folder = self.folders[event.id]
		if folder and event.name == "" then
			folder_event(self, event.id, folder, event.mask)
		elseif folder and not event.taken then
			entry_event(self, folder, event, events, i)
		end
	end
	if lost then
		rescan(self)
	end
	self.looked = time.now()
end

---@class sensorhost.fs_watch.Options
---@field recursive? boolean folders below, too, and those that come
---@field events? string[] what is asked for: created, modified (each write),
---written (closed after writing), removed, renamed, attributes. Default:
---created, written, removed, renamed

---@class sensorhost.fs_watch.Event
---@field path string
---@field kind string one of the above
---@field from? string with renamed: the old path

---Watches a folder, or one file (also while it is away, as when an editor
---puts a new one in its place). The folder, or that of the file, must exist.
---
---```lua
---local w = assert(fs_watch.open("/srv/inbox", { events = { "written" } }))
---for event in w:events() do
---	self.sensor_service:dispatch("demo.file", { path = event.path })
---end
---```
---@param path string
---@param options? sensorhost.fs_watch.Options
---@return sensorhost.fs_watch.Watch|nil
---@return sensorhost.error? err not_found, permission, busy (the limits of
---inotify: the message names the sysctl)
function fs_watch.open(path, options)
	check.dot("fs_watch.open", fs_watch, path)
	check.name("fs_watch.open", "path", path)
	options = check.options("fs_watch.open", options, options_spec)
	path = path:match("^(.-)/+$") or path
	local facts, err = file.facts(path == "" and "/" or path)
	local parent = path:match("^(.*)/[^/]*$") or "."
	local is_folder = facts and facts.folder
	if not facts and not (err.kind == "not_found" and file.facts(parent)) then
		err.op, err.target = "fs_watch.open", path
		return nil, err
	end

	local self = setmetatable({
		path = path,
		folders = {},
		queue = {},
		wanted = {},
		mask = bit.bor(STRUCTURE, SELF, inotify.ONLYDIR),
		recursive = options.recursive and is_folder,
		only = not is_folder and path:match("[^/]*$") or nil,
		looked = time.now(),
	}, Watch)
	for _, kind in ipairs(options.events) do
		self.wanted[kind] = true
		self.mask = bit.bor(self.mask, masks[kind])
	end
	self.watch, err = inotify.open(true)
	if self.watch then
		local ok
		ok, err = add_folder(self, is_folder and path or parent)
		if ok then
			return self
		end
		self.watch:close()
	end
	err.op, err.target = "fs_watch.open", path
	return nil, err
end

---@class sensorhost.fs_watch.Watch
---@field path string

---The events, as they come. A wait when none is there. The loop ends when the
---watch is closed, and when the watched folder itself is gone (its event is
---the last one).
---
---```lua
---for event in w:events() do
---	self.log:info("%s %s", event.kind, event.path)
---end
---```
---@return fun(): sensorhost.fs_watch.Event?
function Watch:events()
	check.self("fs_watch", "events", self, Watch)
	if self.closed then
		check.raise("fs_watch:events(): the watch is closed")
	end
	local at = 0
	return function()
		at = at + 1
		while not self.queue[at] do
			if self.closed or self.gone then
				self.closed = true
				self.watch:close()
				return nil
			end
			at, self.queue = 1, {}
			self.watch:wait(-1)
			if not self.closed then
				take(self)
			end
		end
		return self.queue[at]
	end
end

---Ends it: a loop over its events ends too. Twice is fine.
---
---```lua
---w:close()
---```
function Watch:close()
	check.self("fs_watch", "close", self, Watch)
	if self.closed then
		return
	end
	self.closed = true
	if self.watch:waiting() then
		self.watch:poke()
	else
		self.watch:close()
	end
end

return fs_watch
