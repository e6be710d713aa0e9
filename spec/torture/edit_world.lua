-- A host under `serve` with sensors that are edited while they run, and what
-- must be true of it. Each sensor has a text on the disk; `allowed` are the
-- versions that may run while that text is broken: those that ran or were
-- written since the last time that all was quiet. A sensor is `loose` when it
-- may have been down while its text was broken, and so may be down now.
-- Used by edits.lua, which chooses what happens.

local cjson = require("cjson")
local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local texts = require("spec.torture.edit_texts")

local STOP_TIMEOUT = 2
local CONFIG = ("stop_timeout: %ds\nsetup_timeout: 1s\n"):format(STOP_TIMEOUT)
-- Seconds within which all must be as asked, when nothing happens any more:
-- more than the deadlines of a reload.
local QUIET = 30

local World = {}
World.__index = World

local function fail(...)
	error(string.format(...), 0)
end

-- Notes what happens, for the one who reads of a fault.
function World:note(...)
	table.insert(self.acts, string.format(...))
end

function World:path(s, ending)
	return ("%s/edit/sensors/%s.%s"):format(self.h.packs, s.class:lower(),
		ending)
end

-- Writes as editors do: to another name, and renamed.
local function put_file(path, text)
	local file = assert(io.open(path .. ".new", "wb"))
	file:write(text)
	file:close()
	assert(os.rename(path .. ".new", path))
end

-- The sensor's text is good, and of that version.
function World:write_good(s, version, parts)
	s.good = { version = version, parts = parts }
	s.broken, s.allowed[version] = nil, true
	put_file(self:path(s, "lua"), texts.source(s, version, parts))
	put_file(self:path(s, "yaml"), texts.metadata(s, parts))
end

-- A new version.
function World:write_version(s, parts)
	self.version = self.version + 1
	self:write_good(s, self.version, parts)
end

-- The process of a sensor, as far as it has one.
function World:worker_of(s)
	local facts = self:listed()[s.class]
	local pid = facts and facts.pid
	return pid and pid ~= cjson.null and pid > 0 and pid or nil
end

-- A program that loads badly or does not come up. A sensor that is stopped
-- before its new version starts is down then.
function World:write_broken(s, parts)
	self.version = self.version + 1
	s.broken = "program"
	s.loose = s.loose or s.restart or s.disturbed
	put_file(self:path(s, "yaml"), texts.metadata(s))
	put_file(self:path(s, "lua"), texts.source(s, self.version, parts))
end

-- Metadata that is refused; nothing may happen to what runs, even if it is
-- killed.
function World:write_refused(s, text)
	s.broken = s.broken or "metadata"
	put_file(self:path(s, "yaml"), text:format(s.class, s.class:lower()))
end

-- One sensor, or any, may be down for a while from here on.
function World:disturb(s)
	for _, each in ipairs(s and { s } or self.sensors) do
		each.disturbed = true
		each.loose = each.loose or each.broken == "program"
	end
end

function World:start()
	self.h.started = {}
	self.core = self.h:start("serve", "--config", self.config)
	for _, s in ipairs(self.sensors) do
		s.allowed = s.good and not s.broken and { [s.good.version] = true }
			or {}
		s.loose = s.loose or s.broken ~= nil
	end
	self.core:wait_for("^ready")
end

-- Why core ended.
function World:last_words()
	local said = self.core:text("stderr")
	return said:match("[^\n]*bug at[^\n]*") or said:sub(-500)
end

-- What core printed is taken in; it must be alive.
function World:look_alive()
	self.core:drain()
	local how, code = self.core.process:wait(0)
	if how then
		fail("core %s %s: %s", how, tostring(code), self:last_words())
	end
end

function World:note_family()
	local family = host.family(self.core.pid)
	for _, pid in ipairs(family.workers) do
		self.seen[pid] = true
	end
	if family.spawner then
		self.seen[family.spawner] = true
	end
	return family
end

-- Asks, without a body; the client, who gets the answer.
function World:send(method, path)
	local c = http.connect(self.h.data .. "/api.sock")
	if not c then
		self:look_alive()
		fail("the socket takes no connection")
	end
	c:send(("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		:format(method, path))
	return c
end

-- A request whose answer is waited for later, or never comes if core ends.
function World:ask_later(method, path)
	table.insert(self.clients, self:send(method, path))
end

-- A command of the same program that goes on meanwhile.
function World:command_later(...)
	local words = self.h:command(...)
	words.stdout, words.stderr = "/dev/null", "/dev/null"
	table.insert(self.commands, process.start(words))
end

function World:forget_clients()
	for _, each in ipairs({ self.clients, self.commands }) do
		for i = #each, 1, -1 do
			each[i]:close()
			each[i] = nil
		end
	end
end

function World:hear(c)
	local answer, why = c:answer(QUIET)
	c:close()
	if not answer then
		self:look_alive()
		fail("a request was not answered: %s", why)
	end
	return answer
end

function World:ask(method, path)
	return self:hear(self:send(method, path))
end

-- All that was asked has been answered.
function World:hear_answers()
	for _, c in ipairs(self.clients) do
		self:hear(c)
	end
	for _, command in ipairs(self.commands) do
		if not command:wait(QUIET * process.slowness) then
			self:look_alive()
			fail("a command did not end")
		end
	end
	self:forget_clients()
end

function World:kill_core()
	self:note_family()
	self.core:signal("KILL")
	self.core:wait()
	self:forget_clients()
end

-- SIGTERM must be enough, and in time.
function World:stop_core()
	local began = process.now()
	self:note_family()
	self.core:signal("TERM")
	local how, code = self.core:wait(STOP_TIMEOUT + 1)
	self:forget_clients()
	if not how then
		fail("SIGTERM: it had not ended after %.1f s", process.now() - began)
	elseif how ~= "exited" or code ~= 0 then
		fail("SIGTERM: %s %d: %s", how, code, self:last_words())
	end
end

-- What export prints, decoded.
function World:export(...)
	local r, found = process.run(self.h:command("export", ...)), {}
	if r.code ~= 0 then
		fail("export: %s", r.stderr)
	end
	for line in r.stdout:gmatch("[^\n]+") do
		found[#found + 1] = cjson.decode(line)
	end
	return found
end

-- What there is new in the journal: each sensor's numbers one by one, its
-- generations only up, each of one version.
function World:read_journal()
	for _, record in ipairs(self:export("--trigger", "edit.*", "--from",
			tostring(self.next_sequence))) do
		local s, payload = self.by_trigger[record.trigger], record.payload
		self.next_sequence = tonumber(record.id:sub(9), 16) + 1
		if payload.n ~= s.n + 1 then
			fail("%s: %d after %d", record.sensor, payload.n, s.n)
		elseif record.generation < s.generation then
			fail("%s: generation %d after %d", record.sensor,
				record.generation, s.generation)
		elseif record.generation == s.generation and payload.v ~= s.v then
			fail("%s: generation %d was version %s and is %s",
				record.sensor, s.generation, tostring(s.v),
				tostring(payload.v))
		end
		s.n, s.generation, s.v = payload.n, record.generation, payload.v
	end
end

-- What the API lists: class -> facts.
function World:listed()
	local found = {}
	for _, facts in ipairs(self:ask("GET", "/v1/sensortypes").json) do
		found[facts.name] = facts
	end
	return found
end

-- What is not yet as it must be with one sensor; nil: nothing. `from` is its
-- number when all had been asked.
local function wrong_with(s, facts, from)
	local state = facts and facts.state or "not listed"
	if s.disabled then
		return state ~= "disabled" and facts
			and ("disabled, but " .. state) or nil
	elseif s.n > from and not s.allowed[s.v] then
		return ("version %d runs"):format(s.v)
	elseif s.broken and s.loose then
		return nil
	elseif s.n <= from then
		return "it does not count, and is " .. state
	elseif not s.broken and s.v ~= s.good.version then
		return ("version %d runs, %d is on disk"):format(s.v, s.good.version)
	elseif state ~= "running" then
		return "it counts, and is " .. state
	elseif facts.generation ~= s.generation then
		return ("generation %d is listed, %d runs"):format(facts.generation,
			s.generation)
	end
end

-- The processes are those of the sensors that are listed with one.
function World:wrong_processes(listed)
	local pids = {}
	for name, facts in pairs(listed) do
		if facts.pid and facts.pid ~= cjson.null and facts.pid > 0 then
			pids[facts.pid] = name
		end
	end
	for _, pid in ipairs(self:note_family().workers) do
		if not pids[pid] then
			return ("process %d runs, and is of no sensor listed"):format(pid)
		end
		pids[pid] = nil
	end
	local pid, name = next(pids)
	return pid and ("%s is listed with process %d, which is not there")
		:format(name, pid)
end

-- One that went down by what was done to it need not wait its time out.
function World:help(s, facts)
	local state = facts and facts.state
	if not s.disabled and not s.helped and (s.disturbed or s.loose)
	    and (state == "backing_off" or state == "rejected") then
		s.helped = true
		self:ask_later("POST", "/v1/sensors/edit." .. s.class .. "/restart")
	end
end

-- What is wrong now, of all of them.
function World:wrongs(from)
	self:look_alive()
	self:read_journal()
	local listed = self:listed()
	for _, s in ipairs(self.sensors) do
		self:help(s, listed[s.class])
		local wrong = wrong_with(s, listed[s.class], from[s])
		if wrong then
			return ("edit.%s (%s): %s"):format(s.class, s.broken
				and "its " .. s.broken .. " is broken" or "its text is good",
				wrong)
		end
	end
	return self:wrong_processes(listed)
end

-- What setup stored is what the running version's stored.
function World:check_stored()
	for _, item in ipairs(self:export("--datastore")) do
		local class = (item.key or item.name):match("^edit%.(%w+):version$")
		local s = class and self.by_trigger["edit." .. class:lower()]
		if s and not s.loose and not s.disabled
		    and tonumber(item.value) ~= s.v then
			fail("edit.%s: version %d runs, setup of %s is stored", class,
				s.v, tostring(item.value))
		end
	end
end

-- Nothing happens any more: takes in what is on disk, waits until all is as
-- it must be, and begins anew.
function World:settle()
	self:ask_later("POST", "/v1/reload")
	self:hear_answers()
	self:read_journal()
	local from, wrong = {}
	for _, s in ipairs(self.sensors) do
		from[s], s.helped = s.n, nil
	end
	local deadline = process.now() + QUIET * process.slowness
	repeat
		wrong = self:wrongs(from)
		if wrong then
			process.run({ "sleep", "0.05" })
		end
	until not wrong or process.now() > deadline
	if wrong then
		fail("%s", wrong)
	end
	self:hear_answers()
	self:check_stored()
	for _, s in ipairs(self.sensors) do
		s.disturbed = nil
		if not s.disabled and not (s.broken and s.loose) then
			s.allowed, s.loose = { [s.v] = true }, nil
		end
	end
end

-- Ends it; nothing of it is left.
function World:finish()
	self:stop_core()
	self:read_journal()
	process.eventually(function()
		for pid in pairs(self.seen) do
			local stat = io.open("/proc/" .. pid .. "/comm")
			local name = stat and stat:read("*l")
			if stat then
				stat:close()
			end
			if name and (name == "spawner" or name:match("^edit%.")) then
				return false
			end
			self.seen[pid] = nil
		end
		return true
	end, "the end of all processes")
end

-- A world in the folder of a host.
function World.new(h)
	local self = setmetatable({ h = h, version = 0, acts = {}, clients = {},
		commands = {},
		seen = {}, sensors = {}, by_trigger = {}, next_sequence = 1,
		config = h:write("sensorhost.yaml", CONFIG) }, World)
	h:write_pack("edit", { ["pack.yaml"] = "name: edit\nversion: 1.0.0\n"
		.. "description: d\nauthor: a\n", ["sensors/none"] = "" })
	for _, sensor in ipairs(texts.sensors) do
		local s = { n = 0, generation = 0, allowed = {} }
		for name, value in pairs(sensor) do
			s[name] = value
		end
		self.sensors[#self.sensors + 1] = s
		self.by_trigger["edit." .. s.class:lower()] = s
		self:write_version(s)
	end
	self:start()
	return self
end

return World
