-- The real program, started in a temporary folder of its own: packs written
-- from Lua strings, a private data folder, output read line by line with
-- deadlines. What it printed is shown when the spec fails.
--
--	local host = require("spec.support.host")
--
--	it("counts", host.with(function(h)
--		h:write_pack("demo", {
--			["pack.yaml"] = "name: demo\nversion: 1.0.0\n",
--			["sensors/counter.yaml"] = "...",
--			["sensors/counter.lua"] = "...",
--		})
--		local run = h:start("run", "demo.Counter")
--		assert.equal("demo.tick", run:json().trigger)
--		run:signal("TERM")
--		assert.same({ "exited", 0 }, { run:wait() })
--		assert.equal(1, #h:journal())
--	end))

local cjson = require("cjson")
local dirent = require("posix.dirent")
local libgen = require("posix.libgen")
local stdlib = require("posix.stdlib")
local process = require("spec.support.process")

local host = {}
local Host = {}
Host.__index = Host
local Running = {}
Running.__index = Running

host.program = os.getenv("SENSORHOST_SPEC_PROGRAM") or "./build/sensorhost"

-- Lines shown of what a host printed when its spec fails.
local SHOWN = 200
-- Bytes of each output shown of what ran to its end.
local SHOWN_BYTES = 4000

local function write_file(path, text)
	os.execute("mkdir -p '" .. libgen.dirname(path) .. "'")
	local file = assert(io.open(path, "wb"))
	assert(file:write(text))
	file:close()
end

local function read_file(path)
	local file = io.open(path, "rb")
	if not file then
		return nil
	end
	local text = file:read("*a")
	file:close()
	return text
end

-- A fresh folder with data and packs in it, in /tmp or the folder given.
function host.new(parent)
	local dir = assert(stdlib.mkdtemp((parent or "/tmp")
		.. "/sensorhost-spec.XXXXXX"))
	os.execute("mkdir -p " .. dir .. "/packs")
	return setmetatable({
		dir = dir,
		data = dir .. "/data",
		packs = dir .. "/packs",
		started = {},
	}, Host)
end

-- fn with a host of its own, as the body of an it(): whatever happens, all
-- that it started is dead and its folder gone afterwards.
function host.with(fn)
	return function()
		local h = host.new()
		local result = { pcall(fn, h) }
		h:kill_all()
		if not result[1] then
			h:show()
		end
		h:close()
		if not result[1] then
			error(result[2], 0)
		end
	end
end

-- Writes a pack: file names (relative to the pack) to their texts.
function Host:write_pack(name, files)
	for path, text in pairs(files) do
		write_file(self.packs .. "/" .. name .. "/" .. path, text)
	end
end

-- Writes a file relative to the host's folder; returns its full name.
function Host:write(path, text)
	local full = self.dir .. "/" .. path
	write_file(full, text)
	return full
end

function Host:read(path)
	return read_file(self.dir .. "/" .. path)
end

-- The pack `name` with one sensor: class name, its Lua source, and metadata
-- beside class_name and entry_point as YAML text.
function Host:write_sensor(pack, class, source, metadata)
	self:write_pack(pack, {
		["pack.yaml"] = "name: " .. pack .. "\nversion: 1.0.0\n"
			.. "description: for a spec\nauthor: the spec\n",
		["sensors/" .. class:lower() .. ".yaml"] = "class_name: " .. class
			.. "\nentry_point: " .. class:lower() .. ".lua\n"
			.. (metadata or ""),
		["sensors/" .. class:lower() .. ".lua"] = source,
	})
end

-- Commands that look for packs.
local with_packs = { run = true, serve = true, check = true }

-- The command line: the program, the words, this host's data and packs.
function Host:command(...)
	local words = { host.program, ... }
	local verb = words[2]
	if verb and not verb:match("^%-") then
		table.insert(words, "--data")
		table.insert(words, self.data)
		if with_packs[verb] then
			table.insert(words, "--packs")
			table.insert(words, self.packs)
		end
	end
	words.env = {
		LD_PRELOAD = false,
		XDG_STATE_HOME = self.dir .. "/state",
		HOME = self.dir,
	}
	words.cwd = self.dir
	if not host.program:match("^/") then
		words.cwd = nil
	end
	return words
end

-- Runs a command to its end: {code, signal, timeout, stdout, stderr}; also
-- from a table with options of process.run.
function Host:run(first, ...)
	local options = type(first) == "table" and first or { first, ... }
	local words = self:command(unpack(options))
	words.input, words.timeout = options.input, options.timeout
	local result = process.run(words)
	table.insert(self.started, { name = table.concat(options, " "),
		lines = { { "stdout", result.stdout:sub(-SHOWN_BYTES) },
			{ "stderr", result.stderr:sub(-SHOWN_BYTES) } } })
	return result
end

-- Starts a command and returns it running. h:start("run", "p.S"), or a table
-- of the same with options of process.start: h:start({ "run", "p.S",
-- stdout = "/dev/null" }); its env comes on top of what hosts get.
function Host:start(first, ...)
	local options = type(first) == "table" and first or { first, ... }
	local words = self:command(unpack(options))
	for name, value in pairs(options.env or {}) do
		words.env[name] = value
	end
	words.stdout = options.stdout or "pipe"
	words.stderr = options.stderr or "pipe"
	local child = process.start(words)
	local r = setmetatable({
		name = table.concat(options, " "),
		process = child,
		pid = child.pid,
		host = self,
		lines = {},       -- { stream, text } in the order of arrival
		partial = { stdout = "", stderr = "" },
		seen = { stdout = 0, stderr = 0 },
	}, Running)
	table.insert(self.started, r)
	return r
end

-- What `sensorhost export` prints, decoded, as far as wanted(trigger) is true.
local function export(h, wanted, ...)
	local result = h:run("export", ...)
	if result.code ~= 0 then
		error("export: " .. result.stderr, 3)
	end
	local records = {}
	for line in result.stdout:gmatch("[^\n]+") do
		local record = cjson.decode(line)
		if wanted(record.trigger) then
			records[#records + 1] = record
		end
	end
	return records
end

-- The sensors' own instances in the journal, oldest first; the host's own
-- triggers are left out.
function Host:journal(...)
	return export(self, function(trigger)
		return not (trigger and trigger:match("^core%.st2%."))
	end, ...)
end

-- The same of the host's own triggers alone, whose refs match the pattern
-- behind "core.st2." ("" or nil: all).
function Host:internal(pattern, ...)
	return export(self, function(trigger)
		return trigger and trigger:match("^core%.st2%." .. (pattern or ""))
	end, ...)
end

function Host:kill_all()
	for _, r in ipairs(self.started) do
		if r.process then
			r.process:signal("KILL")
			r:drain()
			r.process:close()
		end
	end
end

-- Prints what everything started here has printed.
function Host:show()
	for _, r in ipairs(self.started) do
		print("==== sensorhost " .. r.name)
		for i = math.max(1, #r.lines - SHOWN), #r.lines do
			print(r.lines[i][1] .. ": " .. r.lines[i][2])
		end
	end
	print("====")
end

function Host:close()
	self:kill_all()
	if not os.getenv("SENSORHOST_SPEC_KEEP") then
		os.execute("chmod -R u+rwX '" .. self.dir .. "' && rm -rf '"
			.. self.dir .. "'")
	end
end

-- Takes bytes of a stream apart into lines.
function Running:take(stream, bytes)
	local text = self.partial[stream] .. bytes
	local from = 1
	while true do
		local at = text:find("\n", from, true)
		if not at then
			break
		end
		table.insert(self.lines, { stream, text:sub(from, at - 1) })
		from = at + 1
	end
	self.partial[stream] = text:sub(from)
end

-- Reads what is there without waiting.
function Running:drain()
	self.process:pump(process.now(), function(stream, bytes)
		self:take(stream, bytes)
	end)
end

-- The next line of a stream for which match(text) is true, passing over the
-- others; waits for it at most `seconds`. Returns what match returned.
local function next_line(self, stream, seconds, match)
	local deadline = process.deadline(seconds)
	local function look()
		for i = self.seen[stream] + 1, #self.lines do
			local line = self.lines[i]
			if line[1] == stream then
				self.seen[stream] = i
				local found = match(line[2])
				if found then
					return found
				end
			end
		end
	end
	local found = look()
	return found or self.process:pump(deadline, function(name, bytes)
		self:take(name, bytes)
		return look()
	end)
end

-- Waits until a line of the stream ("stderr" unless said) matches the Lua
-- pattern; returns its captures, or the line. Lines before it are passed
-- over: the next wait goes on behind it. Raises when it does not come.
function Running:wait_for(pattern, seconds, stream)
	local found = next_line(self, stream or "stderr", seconds, function(text)
		local captures = { text:match(pattern) }
		return #captures > 0 and captures or nil
	end)
	if not found then
		error(string.format("no line of %s of `%s` matches %q",
			stream or "stderr", self.name, pattern), 2)
	end
	return unpack(found)
end

-- The next line of stdout, or nil when none comes in time.
function Running:line(seconds)
	return next_line(self, "stdout", seconds, function(text)
		return text
	end)
end

-- The next line of stdout, decoded. Raises when none comes.
function Running:json(seconds)
	local text = self:line(seconds)
	if not text then
		error("no further line of stdout of `" .. self.name .. "`", 2)
	end
	return cjson.decode(text)
end

-- Waits for the end, reading on: "exited", code or "killed", signal; or nil,
-- "timeout".
function Running:wait(seconds)
	local deadline = process.deadline(seconds)
	self.process:pump(deadline, function(stream, bytes)
		self:take(stream, bytes)
	end)
	return self.process:wait(math.max(0, deadline - process.now()))
end

function Running:signal(what)
	self.process:signal(what)
end

-- All lines of a stream so far, as one text.
function Running:text(stream)
	local texts = {}
	self:drain()
	for _, line in ipairs(self.lines) do
		if line[1] == stream then
			texts[#texts + 1] = line[2]
		end
	end
	return table.concat(texts, "\n")
end

-- The process ids whose parent is `pid`, ascending.
function host.child_pids(pid)
	local pids = {}
	for _, child in ipairs(dirent.dir("/proc")) do
		local stat = child:match("^%d+$")
			and read_file("/proc/" .. child .. "/stat")
		local parent = stat and stat:match("%) %u (%d+)")
		if tonumber(parent) == pid then
			pids[#pids + 1] = tonumber(child)
		end
	end
	table.sort(pids)
	return pids
end

-- The processes of a running core: { spawner = pid or nil, workers = {...} }.
-- All are core's children; the spawner is told by its name.
function host.family(core)
	local family = { workers = {} }
	for _, pid in ipairs(host.child_pids(core)) do
		local comm = (read_file("/proc/" .. pid .. "/comm") or "")
		if comm:match("^spawner\n") then
			family.spawner = pid
		else
			table.insert(family.workers, pid)
		end
	end
	return family
end

return host
