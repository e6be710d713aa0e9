-- What `sensorhost check` says of a sensor's text. Each case is a sensor; all
-- are checked by one run.
local cjson = require("cjson")
local host = require("spec.support.host")

local METADATA = [[
trigger_types:
  - name: event
  - name: line
    parameters_schema: {type: object, properties: {path: {type: string}}}
]]

-- Before and behind each case: lines 1 to 6, then the case from line 7 on.
local HEAD = [[
local PollingSensor = require("sensorhost.polling_sensor")
local time = require("sensorhost.time")
local json = require("sensorhost.json")
local cursor = require("sensorhost.cursor")
local C = PollingSensor:extend()
local a, b, c
]]
local TAIL = "\nC.used = { time, json, cursor, a, b, c }\nreturn C\n"
local POLL = "function C:poll()\n%s\nend"

local function poll(body)
	return POLL:format(body)
end

-- A loop that waits between its events and the cursor behind it.
local WAITING = "for i = 1, 3 do\nservice:dispatch('demo.event')\n"
	.. "time.sleep(1)\nlast = i\nend\nservice:set_value('last', last)\n"

-- Text of the case → what is found, as "line level: text" (7 is its first
-- line), in order; {} for nothing.
local cases = {
	{ "an undeclared global", poll("local x = undeclared\nprint(x)"),
		{ '8 warning: undeclared global "undeclared"' } },
	{ "a misspelt global", poll("print(tostrng(5))"),
		{ '8 warning: undeclared global "tostrng"; did you mean "tostring"?' } },
	{ "a global assigned", poll("count = 1\nfunction helper() end"),
		{ '8 error: assignment to undeclared global "count": write '
			.. '"local count"',
		'9 error: assignment to undeclared global "helper": write "local '
			.. 'function helper"' } },
	{ "names that are known", poll("local x <const> = 1"):gsub(" <const>", "")
		.. "\nlocal function f(n, ...) if n > 0 then return f(n - 1, ...) end "
		.. "for i, v in pairs({}) do print(i, v) end goto done ::done:: end\n"
		.. "f(_G.tonumber('5'), bit.band(1, 2))", {} },
	{ "a dot for a colon", "function C.poll()\nself.log:info('x')\nend",
		{ '8 error: "self" is not known here: write "function C:poll()" '
			.. "with a colon" } },
	{ "a method without self", "function C.setup()\nprint(1)\nend\n" .. poll(""),
		{ '7 warning: a method without self: write "function C:setup()" '
			.. "with a colon" } },
	{ "self as a parameter", "function C.poll(self) self.log:info('x') end",
		{} },
	{ "calls with a dot", poll("self.sensor_service.dispatch('demo.event')\n"
		.. "self.log.info('x')\nself.fetch()\nself.fetch(self)")
		.. "\nfunction C:fetch() end",
		{ "8 error: sensor_service.dispatch() needs a colon: "
			.. "sensor_service:dispatch()",
		"9 error: log.info() needs a colon: log:info()",
		"10 warning: self.fetch() needs a colon: self:fetch()" } },
	{ "modules with a colon", poll("time:sleep(1)"),
		{ "8 error: time.sleep needs a dot: time.sleep(...)" } },
	{ "functions that are none", poll("time.slep(1)\nstring.trm('')\n"
		.. "self.sensor_service:get_vlaue('x')\nself.log:inform('x')"),
		{ '8 error: time has no function "slep"; did you mean "sleep"?',
		'9 error: string has no function "trm"',
		'10 error: the sensor_service has no method "get_vlaue"; did you '
			.. 'mean "get_value"?',
		'11 error: the log has no method "inform"; did you mean "info"?' } },
	{ "functions of one's own", "string.trm = print\n" .. poll("string.trm(1)")
		.. "\nfunction C.help(service) service:status() end", {} },
	{ "functions that are refused", poll("os.exit(1)"),
		{ "8 error: os.exit is not available: use self:finish(why) or "
			.. "self:reject(why)" } },
	{ "a trigger nobody declares",
		poll("self.sensor_service:dispatch('demo.evnt', {})\n"
			.. "local service = self.sensor_service\n"
			.. "service:dispatch({ trigger = 'event' })\n"
			.. "service:dispatch(self.pack .. '.event')\n"
			.. "service:dispatch('nowhere.event')\n"
			.. "service:dispatch('other.event')"),
		{ '8 error: dispatch: no trigger type "demo.evnt" is declared; did '
			.. 'you mean "demo.event"?',
		'10 error: dispatch: no trigger type "event" is declared; did you '
			.. 'mean "demo.event"?',
		'12 error: dispatch: no trigger type "nowhere.event" is declared; did '
			.. 'you mean "other.event"?' } },
	{ "a trigger by a constant", "local TRIGGER = 'demo.' .. 'nothing_at_all'\n"
		.. poll("self.sensor_service:dispatch(TRIGGER)"),
		{ '9 error: dispatch: no trigger type "demo.nothing_at_all" is '
			.. "declared" } },
	{ "a trigger by a variable", "local trigger = 'demo.nothing'\n"
		.. "trigger = 'demo.event'\n"
		.. poll("self.sensor_service:dispatch(trigger)"), {} },
	{ "a type with parameters",
		poll("self.sensor_service:dispatch('demo.line', {})"),
		{ '8 error: dispatch: "demo.line" has parameters: dispatch the ref '
			.. "given to add_trigger, not the type" } },
	{ "pcall around a dispatch", poll("pcall(function()\n"
		.. "self.sensor_service:dispatch('demo.event')\nend)\n"
		.. "xpcall(self.store, print, self)\npcall(json.decode, '')")
		.. "\nfunction C:store() self.sensor_service:set_value('x', 1) end",
		{ "8 warning: pcall keeps what is dispatched before the error (line "
			.. "9), half an event: use sensor_service:attempt",
		"11 warning: xpcall keeps what is stored before the error (line 14), "
			.. "half an event: use sensor_service:attempt" } },
	{ "acting outside in a transaction", poll("local http = "
		.. "require('sensorhost.http')\n"
		.. "self.sensor_service:transaction(function()\n"
		.. "http.get('https://example.org')\n"
		.. "self:acknowledge(http)\nend)") .. "\n"
		.. "function C:acknowledge()\nlocal http = require('sensorhost.http')\n"
		.. "http.post('https://example.org', {})\nend",
		{ "11 warning: http.post acts outside before anything of the "
			.. "transaction is on disk: acknowledge after it" } },
	{ "attempt", poll("self.sensor_service:attempt(function()\n"
		.. "self.sensor_service:dispatch('demo.event')\nend)"), {} },
	{ "get_value or a default",
		poll("local service = self.sensor_service\n"
			.. "local n = service:get_value('n') or 0\n"
			.. "local on = service:get_value('on') or true\n"
			.. "local t = service:get_value('t') or {}\nprint(n, on, t)"),
		{ '9 warning: get_value(...) or 0 takes "5", which operators write, '
			.. "for a number it is not: use get_number(name, 0)",
		"10 warning: get_value(...) or true hides a stored false: compare "
			.. "with nil" } },
	{ "nil stored", poll("self.sensor_service:set_value('n', nil)"),
		{ "8 error: set_value: value is nil; use delete_value or "
			.. "sensorhost.null" } },
	{ "the configuration written", poll("self.config.x = 1\n"
		.. "local config = self.config\nconfig.list[1] = 2"),
		{ "8 error: the configuration is read-only: keep it in a field or "
			.. "variable of your own",
		"10 error: the configuration is read-only: keep it in a field or "
			.. "variable of your own" } },
	{ "a wait inside sort and gsub", poll("table.sort({}, function(x, y)\n"
		.. "time.sleep(1)\nreturn x < y\nend)\nlocal s = 'x'\n"
		.. "s = s:gsub('x', function() return self:fetch() end)\nprint(s)")
		.. "\nfunction C:fetch() time.sleep(1) end",
		{ "9 error: cannot wait inside table.sort (time.sleep): fetch first, "
			.. "sort afterwards",
		"13 error: cannot wait inside string.gsub (time.sleep): fetch first, "
			.. "replace afterwards" } },
	{ "a wait in the loop that dispatches", poll("local service = "
		.. "self.sensor_service\nlocal last = 0\nfor i = 1, 3 do\n"
		.. "service:dispatch('demo.event')\ntime.sleep(1)\nlast = i\nend\n"
		.. "service:set_value('last', last)"),
		{ "12 warning: time.sleep waits in the loop that dispatches: each "
			.. "event is a unit, and the value stored in line 15 comes last; "
			.. "a kill between repeats events. Gather first, then dispatch" } },
	{ "a wait in the loop of a transaction", poll("local service = "
		.. "self.sensor_service\nlocal last = 0\n"
		.. "service:transaction(function()\n" .. WAITING .. "end)\n"
		.. "service:transaction(function()\nservice:attempt(function()\n"
		.. WAITING .. "end)\nend)\nservice:transaction(C.work)")
		.. "\nfunction C.work()\nlocal service, last = C.service, 0\n"
		.. WAITING .. "end", {} },
	{ "a wait in a task of a transaction", poll("local service = "
		.. "self.sensor_service\nlocal last = 0\n"
		.. "service:transaction(function()\nspawn(function()\n" .. WAITING
		.. "end)\nend)"):gsub("^", "local spawn = require('sensorhost.spawn')\n"),
		{ "15 warning: time.sleep waits in the loop that dispatches: each "
			.. "event is a unit, and the value stored in line 18 comes last; "
			.. "a kill between repeats events. Gather first, then dispatch" } },
	{ "a loop that is fine", poll("local service = self.sensor_service\n"
		.. "for i = 1, 3 do\nservice:dispatch('demo.event')\n"
		.. "service:set_value('last', i)\ntime.sleep(1)\nend\n"
		.. "service:set_value('done', 1)"), {} },
	{ "a list without a cursor", poll("for _ = 1, 3 do\n"
		.. "self.sensor_service:dispatch('demo.event')\nend"),
		{ "9 note: a polling sensor that keeps no place (no cursor, seen or "
			.. "snapshot, no value) dispatches all that it finds at each poll; "
			.. "see sensorhost.cursor" } },
	{ "a list with a cursor", "local last = cursor.new('x')\n"
		.. poll("for _ in last:each({}, 'id') do\n"
		.. "self.sensor_service:dispatch('demo.event')\nend"), {} },
	{ "its modules too", 'local helper = require("helper")\n'
		.. poll("helper.help()"), { 'helper 2 warning: undeclared global "oops"' } },
	{ "odd text", 'local s = "a\\z\n   b" .. [==[\n]]\n]==] .. \'\\\n\'\n'
		.. poll("local n = 0x1p-3 + 1e+5 + 0xFFULL ; print(n, s)"), {} },
}

local function check_all(h)
	h:write_pack("demo", { ["lib/helper.lua"] =
		"local M = {}\nfunction M.help() return oops end\nreturn M\n" })
	h:write_pack("other", { ["triggers/event.yaml"] = "name: event\n" })
	for i, case in ipairs(cases) do
		h:write_sensor("demo", "C" .. i, HEAD .. case[2] .. TAIL, METADATA)
	end
	local result = h:run("check", "--json")
	local found = {}
	for _, f in ipairs(cjson.decode(result.stdout).findings) do
		local name = f.file:match("sensors/(c%d+)%.lua$")
			or f.file:match("(helper)%.lua$")
		if name then
			found[name] = found[name] or {}
			table.insert(found[name], (name == "helper" and "helper " or "")
				.. ("%d %s: %s"):format(f.line, f.level, f.text))
		end
	end
	return found, result
end

describe("the lint of sensorhost check", function()
	local found, result
	lazy_setup(function()
		local h = host.new()
		found, result = check_all(h)
		h:close()
	end)

	for i, case in ipairs(cases) do
		it("knows " .. case[1], function()
			local name = case[1] == "its modules too" and "helper" or "c" .. i
			assert.same(case[3], found[name] or {})
		end)
	end

	it("fails the check for errors", function()
		assert.equal(1, result.code)
		assert.equal(#cases, cjson.decode(result.stdout).loaded)
	end)

	it("lets warnings and notes pass", host.with(function(h)
		h:write_sensor("demo", "S", HEAD .. poll("print(oops)\nfor _ = 1, 3 do\n"
			.. "self.sensor_service:dispatch('demo.event')\nend") .. TAIL,
			METADATA)
		local text = h:run("check")
		assert.equal(0, text.code)
		assert.truthy(text.stdout:find('/demo/sensors/s.lua:8: warning: '
			.. 'undeclared global "oops"\n', 1, true), text.stdout)
		assert.truthy(text.stdout:find("/demo/sensors/s.lua:10: note: ", 1,
			true))
		assert.truthy(text.stdout:find("0 errors, 1 warning\n", 1, true))
	end))

	it("says of a pack alone only what it can know", host.with(function(h)
		h:write_sensor("demo", "S", HEAD .. poll(
			"self.sensor_service:dispatch('elsewhere.event')\n"
			.. "self.sensor_service:dispatch('demo.nothing_at_all')") .. TAIL,
			METADATA)
		local text = h:run("check", "demo")
		assert.is_nil(text.stdout:find("elsewhere", 1, true), text.stdout)
		assert.truthy(text.stdout:find(':9: dispatch: no trigger type '
			.. '"demo.nothing_at_all" is declared\n', 1, true))
	end))

	it("leaves out what is too long, and says so", host.with(function(h)
		h:write_sensor("demo", "S", HEAD .. ("-- long\n"):rep(40000)
			.. poll("print(oops)") .. TAIL, METADATA)
		local text = h:run("check")
		assert.equal(0, text.code)
		assert.truthy(text.stdout:find("note: longer than 262144 bytes: not "
			.. "linted", 1, true), text.stdout)
	end))

	it("reads text behind a byte order mark", host.with(function(h)
		h:write_sensor("demo", "S", "\239\187\191" .. HEAD
			.. poll("print(oops)") .. TAIL, METADATA)
		local text = h:run("check")
		assert.equal(0, text.code, text.stdout)
		assert.truthy(text.stdout:find(':8: warning: undeclared global "oops"',
			1, true), text.stdout)
		assert.truthy(text.stdout:find("0 errors, 1 warning\n", 1, true),
			text.stdout)
	end))

	it("stands on its own feet", host.with(function(h)
		h:write_sensor("demo", "S", HEAD .. "string.find = nil\n"
			.. "table.sort = nil\nstring.format = nil\n"
			.. poll("print(oops)") .. TAIL, METADATA)
		local text = h:run("check")
		assert.equal(0, text.code, text.stdout)
		assert.truthy(text.stdout:find('undeclared global "oops"', 1, true)
			or text.stdout:find("not linted", 1, true), text.stdout)
	end))

	it("parses all Lua of the project", function()
		local lex = assert(loadfile("lua/host/lint/lex.lua"))()
		local parse = assert(loadfile("lua/host/lint/parse.lua"))(lex)
		local list = io.popen("find lua packs spec tools -name '*.lua'")
		local count = 0
		for path in list:lines() do
			local file = assert(io.open(path, "rb"))
			parse(file:read("*a"))
			file:close()
			count = count + 1
		end
		list:close()
		assert.is_true(count > 100)
	end)

	it("has nothing against the packs that ship", function()
		local process = require("spec.support.process")
		local text = process.run({ host.program, "check", "--packs", "packs",
			"--data", "/nonexistent" })
		assert.truthy(text.stdout:find("^%d+ sensors checked, %d+ loaded: 0 "
			.. "errors, 0 warnings\n$"), text.stdout .. text.stderr)
	end)

	it("is not there when sensors run", host.with(function(h)
		h:write_sensor("demo", "S", HEAD .. poll("print(oops)") .. TAIL,
			METADATA)
		assert.equal(0, h:run("run", "demo.S", "--once").code)
	end))
end)
