-- Follows a file that grows, line by line, over everything that happens to
-- log files: rotation by renaming or by copying and cutting, deletion,
-- creation anew, restarts and kills of the host. How far it got is stored in
-- the unit of work that holds what was dispatched for the lines: no line is
-- lost, and none comes twice. Which file is read when is decided in
-- host/chain.lua.

local chain = require("host.chain")
local check = require("host.arguments")
local file = require("host.file")
local inotify = require("host.inotify")

local tail = {}
local Tail = {}
check.object(Tail)

local MEGABYTE = 1024 * 1024

local encodings = { ["utf-8"] = true, ["latin-1"] = true, bytes = true }

local options_spec = {
	from = { type = "string", default = "end", check = function(call, what, v)
		if v ~= "start" and v ~= "end" then
			check.raise("%s: %s must be \"start\" or \"end\", not %q", call,
				what, v)
		end
	end },
	name = { type = "string", check = check.name },
	max_line = { type = "number", default = MEGABYTE, hint = "bytes",
		check = function(call, what, v)
			check.integer(call, what, v, 1, 8 * MEGABYTE)
		end },
	encoding = { type = "string", default = "utf-8",
		check = function(call, what, v)
			if not encodings[v] then
				check.raise("%s: %s must be \"utf-8\", \"latin-1\" or "
					.. "\"bytes\", not %q", call, what, v)
			end
		end },
}

-- Nothing is buffered: ends the unit, then looks and waits by turns.
local function next_line(self)
	self.place:done()
	self.watch:wait(0)
	while not self.closed do
		local line, cut = chain.look(self)
		if line then
			return line, cut
		end
		self.watch:wait(self.more and 0 or chain.pause(self))
	end
	chain.release(self)
	return nil
end

---@class sensorhost.tail.Options
---@field from? "end"|"start" where to begin in a file that is new to the
---sensor and exists already (default "end")
---@field name? string under which the place is kept (default: the path)
---@field max_line? integer bytes after which a line is cut (default 1 MB, at
---most 8 MB)
---@field encoding? "utf-8"|"latin-1"|"bytes" what the file is in; lines become
---UTF-8, bad bytes U+FFFD; "bytes": as they are (default "utf-8")

---Opens a file that grows, in order to read its lines as they come.
---
---It goes on where the sensor, in this life or an earlier one, had got to by
---the same name. At the first time it begins where `from` says. The file need
---not exist.
---
---```lua
---local t = assert(tail.open("/var/log/syslog", { from = "start" }))
---for line in t:lines() do
---	self.sensor_service:dispatch("demo.line", { line = line })
---end
---```
---@param path string
---@param options? sensorhost.tail.Options
---@return sensorhost.tail.Tail|nil
---@return sensorhost.error? err permission, invalid (no plain file), busy
---(the limits of inotify)
function tail.open(path, options)
	check.dot("tail.open", tail, path)
	check.name("tail.open", "path", path)
	if path:find("\0", 1, true) then
		check.raise("tail.open: path must not hold a NUL byte")
	end
	options = check.options("tail.open", options, options_spec)

	local self = setmetatable({
		path = path,
		folder = path:match("^(.*)/[^/]*$") or ".",
		base = path:match("[^/]*$"),
		options = options,
		chain = {},
		settled = {}, -- files beside it that are read, by id
		reborn = {}, -- files that were cut and are to be read again
		place = file.place(options.name or path),
	}, Tail)
	if self.folder == "" then
		self.folder = "/"
	end
	local watch, err = inotify.open(false)
	self.watch = watch
	local ok = watch
	if ok then
		ok, err = chain.watch_folder(self)
	end
	if ok then
		ok, err = chain.begin(self)
	end
	if ok then
		return self
	end
	self.place:close()
	if watch then
		chain.release(self)
	end
	return nil, err
end

---Forgets how far the file was read: the next tail.open by this name begins
---anew. Joins the unit; the tail must be closed.
---
---```lua
---tail.forget("/var/log/syslog")
---```
---@param name string the name given to tail.open, by default the path
function tail.forget(name)
	check.dot("tail.forget", tail, name)
	check.name("tail.forget", "name", name)
	file.forget(name)
end

---@class sensorhost.tail.Tail
---@field path string

---The lines, without their ends (LF or CR LF), as they come: the loop ends
---only when the tail is closed. The second value is true where a line was cut
---at max_line.
---
---A wait when no whole line is buffered, and when the unit has grown over
---1 MB. A line counts as done when the loop asks for the next one: that the
---place has moved is then in the unit that holds what you dispatched. If you
---wait between a line and its dispatch, a kill gives you the line again.
---
---```lua
---for line, cut in t:lines() do
---	self.sensor_service:dispatch("demo.line", { line = line, cut = cut })
---end
---```
---@return fun(): string?, boolean?
function Tail:lines()
	check.self("tail", "lines", self, Tail)
	if self.closed then
		check.raise("tail:lines(): the tail is closed")
	end
	if self.fresh then
		self.fresh = false
		self.place:keep()
	end
	self.task = coroutine.running()
	return function()
		local reader = self.reader
		if reader then
			local line, cut = reader:next()
			if line then
				return line, cut
			end
		end
		if self.closed then
			return nil
		elseif self.watch:waiting() then
			check.raise("tail:lines(): another task is reading this tail")
		end
		return next_line(self)
	end
end

---Ends it: a loop over its lines ends too. What was read stays noted, the
---line in hand as well when the task that reads closes it. Twice is fine.
---
---```lua
---t:close()
---```
function Tail:close()
	check.self("tail", "close", self, Tail)
	if self.closed then
		return
	end
	self.closed = true
	if coroutine.running() == self.task then
		self.place:done()
	end
	self.place:close()
	if self.watch:waiting() then
		self.watch:poke()
	else
		chain.release(self)
	end
end

Tail.__tostring = function(self)
	return "tail of " .. self.path
end

return tail
