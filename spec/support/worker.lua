-- A worker without core: the spec plays core over a socketpair. The worker is
-- forked from the spec's process and runs the C code of the shared library.
--
--	local w = worker.new({ source = [[ ... ]], spec = { types = ... } })
--	w:load(); w:start()
--	w:run_until(function() return #w.units == 1 end)
--	w:close()

local bit = require("bit")
local ffi = require("ffi")
local dkjson = require("dkjson")
local cdef = require("spec.support.cdef")
local poll = require("posix.poll")
local lib = require("spec.support.lib")
local listening = require("spec.support.listening")
local process = require("spec.support.process")
local seam = require("spec.support.seam")

cdef([[
struct vm;
void boot_open(struct lua_State *L, const char *lua_dir);
typedef void vm_load_fn(struct lua_State *L, const char *lua_dir);
struct vm *vm_new(vm_load_fn *load, const char *lua_dir, struct err *e);
void worker_main(struct vm *v, int link_fd, int page_fd);
int socketpair(int domain, int type, int protocol, int fds[2]);
int memfd_create(const char *name, unsigned flags);
int ftruncate(int fd, long size);
int fork(void);
int kill(int pid, int signal);
int waitpid(int pid, int *status, int options);
long pread(int fd, void *p, size_t n, long offset);
void _exit(int status);
]])

local worker = {}
local Worker = {}
Worker.__index = Worker
local open = {} -- those that are not closed yet

local TYPES, STATES = seam.TYPES, seam.STATES
local u8, u16, u32, u64, i64 = seam.u8, seam.u16, seam.u32, seam.u64, seam.i64
local str = seam.str

local DEFAULT_SPEC = {
	ref = "demo.Checker", pack = "demo", class_name = "Checker",
	entry = "sensors/x.lua", metadata = "sensors/x.yaml", mode = "run",
	once = false, log_level = "debug", interpreted = false, poll_interval = nil,
	first_poll = "now", first_poll_delay = 0, on_invalid = "dead_letter",
	limits = { memory = 64 * 1024 * 1024, slice = 10, unit = 8 * 1024 * 1024 },
	setup_timeout = 10, validate_formats = false,
	config = setmetatable({}, { __jsontype = "object" }),
	config_path = "configs/demo.yaml", secrets = {},
	types = {
		{ ref = "demo.event", place = "sensors/x.yaml:9",
			payload_schema = { type = "object", properties = {
				id = { type = "integer" }, name = { type = "string" },
				kind = { type = "string", default = "plain" } } } },
		{ ref = "demo.param", place = "sensors/x.yaml:20",
			parameters_schema = { type = "object",
				properties = { path = { type = "string" } } } },
	},
	triggers = {
		{ number = 1, id = "a1", uid = "trigger:demo:event", ref = "demo.event",
			name = "event", pack = "demo", type = "demo.event",
			parameters = setmetatable({}, { __jsontype = "object" }) },
		{ number = 2, id = "a2", uid = "u2", ref = "demo.p-1", name = "p-1",
			pack = "demo", type = "demo.param",
			parameters = { path = "/var/log/x" } },
	},
}

-- Forks the process that becomes the worker.
local function fork_worker(link, page)
	local pid = ffi.C.fork()
	if pid ~= 0 then
		return pid
	end
	ffi.C.prctl(1, 9, 0, 0, 0)
	for fd = 3, 255 do -- the spec's, among them the links of other workers
		if fd ~= link and fd ~= page then
			ffi.C.close(fd)
		end
	end
	local e = ffi.new("struct err")
	local vm = lib.vm_new(lib.boot_open,
		os.getenv("SENSORHOST_LUA_DIR") or "lua", e)
	if vm == nil then
		io.stderr:write("vm_new: ", ffi.string(e.text), "\n")
		ffi.C._exit(1)
	end
	lib.worker_main(vm, link, page)
end

-- options: source (of the sensor), modules {name = text}, spec (laid over
-- the default one), kv {key = JSON text}, hold (answer no unit by itself).
function worker.new(options)
	local self = setmetatable({ units = {}, states = {}, logs = {},
		replies = {}, requests = {}, listening = {}, acked = 0, unanswered = {} }, Worker)
	local fds = ffi.new("int[2]")
	assert(ffi.C.socketpair(1, 1, 0, fds) == 0)
	self.page = ffi.C.memfd_create("page", 0)
	assert(ffi.C.ftruncate(self.page, 4096) == 0)
	self.pid = fork_worker(fds[1], self.page)
	ffi.C.close(fds[1])
	self.fd = fds[0]
	self.input = ""
	self.next_id = 0
	self.kv = options.kv or {}
	open[self] = true
	self.hold = options.hold
	self.source = options.source
	self.modules = options.modules or {}
	self.foreign = options.foreign or {}
	self.spec = {}
	for name, value in pairs(DEFAULT_SPEC) do
		self.spec[name] = value
	end
	for name, value in pairs(options.spec or {}) do
		self.spec[name] = value
	end
	self.next_id = 1
	self:send("HELLO", u16(1) .. str(self.spec.ref) .. u64(7), 1)
	return self
end

function Worker:send(kind, body, id)
	local frame = u32(#body) .. u8(TYPES[kind]) .. u8(0) .. u16(0)
		.. u32(id or 0) .. body
	local at = 0
	while at < #frame do
		local n = ffi.C.write(self.fd, ffi.cast("const char *", frame) + at,
			#frame - at)
		assert(n > 0, "the worker has closed its link")
		at = at + tonumber(n)
	end
end

function Worker:reply(id, body)
	self:send("REPLY", body, id)
end

-- Answers the oldest unit that is held.
function Worker:ack()
	local id = table.remove(self.unanswered, 1)
	self.acked = self.acked + 1
	self:reply(id, u8(0))
end

local ok, found = u8(0), u8(1)
local function refuse(kind, text)
	return u8(1) .. str(kind) .. str(text)
end

local handlers = {}
function handlers.REPLY(self, id, c)
	self.replies[id] = c.bytes
end
-- What was sent ahead of a unit's end, as one list of operations.
function handlers.PART(self, _, c)
	local part = seam.parse_unit(c.bytes)
	local list = bit.band(part.flags, seam.AHEAD) ~= 0 and self.ahead or {}
	for _, op in ipairs(part) do
		list[#list + 1] = op
	end
	self.ahead = list
	self.parts = (self.parts or 0) + 1
end
function handlers.COMMIT(self, id, c)
	local unit = seam.parse_unit(c.bytes)
	if bit.band(unit.flags, seam.AHEAD) ~= 0 then
		for i, op in ipairs(self.ahead) do
			table.insert(unit, i, op)
		end
	end
	self.ahead = {}
	self.units[#self.units + 1] = unit
	for _, op in ipairs(unit) do
		if op.op == "set" then
			self.kv[op.key] = op.value
		elseif op.op == "delete" then
			self.kv[op.key] = nil
		end
	end
	self.unanswered[#self.unanswered + 1] = id
	if not self.hold then
		self:ack()
	end
end
function handlers.KV_GET(self, id, c)
	local key, decrypt = c:str(), c:u8()
	self.requests[#self.requests + 1] = "get " .. key
	local value = self.kv[key]
	if value and decrypt == 1 and value:find("^\"sealed:") then
		self:reply(id, refuse("not_found", "no key to open " .. key))
	elseif value then
		self:reply(id, ok .. found .. u8(value:find("^\"sealed:") and 1 or 0)
			.. i64(0) .. str(value))
	else
		self:reply(id, ok .. u8(0))
	end
end
function handlers.KV_LIST(self, id, c)
	local prefix, limit, offset = c:str(), c:u32(), c:u32()
	local keys = {}
	for key in pairs(self.kv) do
		if key:sub(1, #prefix) == prefix then
			keys[#keys + 1] = key
		end
	end
	table.sort(keys)
	local items = {}
	for i = offset + 1, math.min(#keys, offset + limit) do
		items[#items + 1] = str(keys[i]) .. u8(0) .. i64(0)
			.. str(self.kv[keys[i]])
	end
	self:reply(id, ok .. u32(#items) .. table.concat(items))
end
function handlers.SEAL(self, id, c)
	local key, value = c:str(), c:str()
	self.sealed = { key = key, value = value }
	self:reply(id, ok .. str('"sealed:' .. #value .. '"'))
end
function handlers.LOOKUP(self, id, c)
	local ref = c:str()
	local trigger = self.foreign[ref]
	if trigger then
		self:reply(id, ok .. str(dkjson.encode(trigger)))
	else
		self:reply(id, refuse("not_found", "no trigger " .. ref))
	end
end
function handlers.SOURCE(self, id, c)
	local name = c:str()
	if name == "" then
		self:reply(id, ok .. str(self.spec.entry) .. str(self.source))
	elseif self.modules[name] then
		self:reply(id, ok .. str("lib/" .. name .. ".lua")
			.. str(self.modules[name]))
	else
		self:reply(id, refuse("not_found", "sensors/" .. name .. ".lua\nlib/"
			.. name .. ".lua\n"))
	end
end
function handlers.LISTEN(self, id, c)
	local host, port = c:str(), c:u16()
	local key = host .. ":" .. port
	self.requests[#self.requests + 1] = "listen " .. key
	if host ~= "127.0.0.1" and host ~= "localhost" then
		return self:reply(id, refuse("permission", key .. " is not allowed"))
	end
	if not self.listening[key] then
		local fd, bound = listening.open(port)
		self.listening[key] = { fd = fd, port = bound }
	end
	local l = self.listening[key]
	local body = ok .. str("127.0.0.1") .. u16(l.port)
	listening.send(self.fd, u32(#body) .. u8(TYPES.REPLY) .. u8(0) .. u16(0)
		.. u32(id) .. body, l.fd)
end
function handlers.UNLISTEN(self, _, c)
	local key = c:str() .. ":" .. c:u16()
	self.requests[#self.requests + 1] = "unlisten " .. key
	if self.listening[key] then
		ffi.C.close(self.listening[key].fd)
		self.listening[key] = nil
	end
end
function handlers.STATE(self, _, c)
	local state = STATES[c:u8()]
	local details = dkjson.decode(c:str())
	details.state = state
	self.states[#self.states + 1] = details
	self.state = details
end
function handlers.LOG(self, _, c)
	local level, name, text = c:u8(), c:str(), c:str()
	self.logs[#self.logs + 1] = { level = level, name = name, text = text }
end

local names = {}
for name, number in pairs(TYPES) do
	names[number] = name
end

-- Takes one whole message out of the input; false if there is none.
function Worker:take()
	if #self.input < 12 then
		return false
	end
	local c = seam.cursor(self.input)
	local len, kind, flags, _, id = c:u32(), c:u8(), c:u8(), c:u16(), c:u32()
	if #self.input < 12 + len then
		return false
	end
	local body = self.input:sub(13, 12 + len)
	self.input = self.input:sub(13 + len)
	self.part = (self.part or "") .. body
	if flags == 1 then
		return true
	end
	body, self.part = self.part, nil
	handlers[names[kind]](self, id, seam.cursor(body))
	return true
end

local bytes = ffi.new("char[65536]")

-- Reads and handles what comes, until the condition holds. False, after the
-- time, or at the end of the link.
function Worker:run_until(condition, seconds)
	local deadline = process.deadline(seconds)
	while true do
		while self:take() do
			if condition and condition() then
				return true
			end
		end
		if condition and condition() then
			return true
		end
		local left = deadline - process.now()
		if self.ended or left <= 0 then
			return false
		end
		if poll.rpoll(self.fd, math.ceil(left * 1000)) > 0 then
			local n = tonumber(ffi.C.read(self.fd, bytes, 65536))
			if n <= 0 then
				self.ended = true
			else
				self.input = self.input .. ffi.string(bytes, n)
			end
		end
	end
end

-- For a while: what comes is handled.
function Worker:run_for(seconds)
	self:run_until(nil, seconds)
end

-- Sends a request and waits for its reply's body.
function Worker:call(kind, body)
	self.next_id = self.next_id + 1
	local id = self.next_id
	self:send(kind, body, id)
	self:run_until(function() return self.replies[id] end)
	return self.replies[id]
end

-- LOAD; true, or nil and the error's text.
function Worker:load()
	local body = self:call("LOAD", str(dkjson.encode(self.spec)))
	if not body then
		return nil, "no answer"
	end
	local c = seam.cursor(body)
	if c:u8() == 0 then
		return true
	end
	c:str()
	return nil, c:str()
end

function Worker:start()
	assert(self:load())
	self:send("START", "")
	return self
end

function Worker:stop(reason, grace, cleanup)
	self:send("STOP", str(reason or "stop") .. u32(grace or 1000)
		.. u32(cleanup or 1000))
end

-- Waits for a state; its details, or nil.
function Worker:wait_state(name, seconds)
	local function match()
		for i = (self.seen or 0) + 1, #self.states do
			if self.states[i].state == name then
				self.seen = i
				return self.states[i]
			end
		end
	end
	if self:run_until(match, seconds) then
		return self.states[self.seen]
	end
end

-- Whether a log line holds the text (a plain one).
function Worker:logged(text)
	for _, line in ipairs(self.logs) do
		if line.text:find(text, 1, true) then
			return line
		end
	end
	return nil
end

-- turn, busy, entry, place of the shared page.
function Worker:read_page()
	local p = ffi.new("char[4096]")
	ffi.C.pread(self.page, p, 4096, 0)
	local words = ffi.cast("uint32_t *", p)
	return words[0], words[1], ffi.string(p + 16), ffi.string(p + 80)
end

-- Ends it; its exit code, or minus the signal.
function Worker:close()
	open[self] = nil
	ffi.C.close(self.fd)
	ffi.C.close(self.page)
	for _, l in pairs(self.listening) do
		ffi.C.close(l.fd)
	end
	local status = ffi.new("int[1]")
	local deadline = process.deadline()
	while ffi.C.waitpid(self.pid, status, 1) == 0 do
		if process.now() > deadline then
			ffi.C.kill(self.pid, 9)
			ffi.C.waitpid(self.pid, status, 0)
			break
		end
		poll.rpoll(0, 1)
	end
	local s = status[0]
	return s % 128 == 0 and math.floor(s / 256) or -(s % 128)
end

-- For after_each: closes the workers that the example left.
function worker.close_all()
	for w in pairs(open) do
		w:close()
	end
end

-- What the sensor has printed or logged at info, so far.
function Worker:texts()
	local list = {}
	for _, line in ipairs(self.logs) do
		if line.level == 1 then
			list[#list + 1] = line.text
		end
	end
	return list
end

return worker
