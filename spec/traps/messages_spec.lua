-- What a first-time author gets to read: where, what was written, what was
-- meant, what to do, and whether it is tried again.

local try = require("spec.support.try")

local says = try.says

local TYPES = "trigger_types:\n  - name: repository_event\n    "
	.. "payload_schema:\n      type: object\n      properties:\n        actor:"
	.. "\n          type: object\n          properties:\n            id: "
	.. "{type: integer}\n  - name: line\n    parameters_schema:\n      "
	.. "type: object\n      properties:\n        path: {type: string}\n"

-- The errors of some expressions, one a line of the file from the third on.
local function errors_of(h, expressions, options)
	local lines = {}
	for _, expression in ipairs(expressions) do
		lines[#lines + 1] = "print(pcall(function() return " .. expression
			.. " end))"
	end
	return try.poll(h, "\n" .. table.concat(lines, "\n"), options).stderr
end

describe("a message about", function()
	it("dots and colons shows the right one, at its line",
		try.with(function(h)
			says(errors_of(h, {
				"service.dispatch('t.repository_event')",
				"json:encode({})",
				"time:sleep(1)",
				"self.log.info('x')",
				"cursor.new('c').get()",
				"self.need('token')",
			}), "sensors/try.lua:3: sensor_service.dispatch() needs a colon: "
				.. "sensor_service:dispatch()",
				"sensors/try.lua:4: json:encode() needs a dot: json.encode()",
				"sensors/try.lua:5: time:sleep() needs a dot: time.sleep()",
				"sensors/try.lua:6: log.info() needs a colon: log:info()",
				"sensors/try.lua:7: cursor.get() needs a colon: cursor:get()",
				"sensors/try.lua:8: self.need() needs a colon: self:need()")
		end))

	it("what the file returns says what to write", try.with(function(h)
		h:write_sensor("t", "Try", "local Try = {}")
		says(h:run("run", "t.Try", "--once").stderr, "t.Try: the file returned "
			.. 'nothing; end it with "return Try"')
		says(try.run(h, { body = "function Try:setup() end\n"
			.. "function Try:pol() end" }).stderr, "t.Try: the file returned a "
			.. "class without run or poll (it has: pol, setup)")
	end))

	it("a trigger lists what the sensor declares", try.with(function(h)
		says(errors_of(h, {
			"service:dispatch('t.repositry_event')",
			"service:dispatch('repository_event')",
			"service:dispatch('t.line', {})",
			"service:dispatch({ trigger = 't.line', playload = {} })",
		}, { metadata = TYPES }), 'dispatch: no trigger type '
			.. '"t.repositry_event": did you mean "t.repository_event"?; this '
			.. "sensor declares t.repository_event (", "sensors/try.yaml:5)",
			'"repository_event" is no trigger: a ref is "pack.name"; did you '
			.. 'mean "t.repository_event"?', "dispatch the ref given to "
			.. "add_trigger, not the type", 'unknown option "playload"; did '
			.. 'you mean "payload"?')
	end))

	it("a payload has path, value, schema's line and dead letter",
		try.with(function(h)
			says(try.poll(h, "service:dispatch('t.repository_event', "
				.. "{ actor = { id = '42' } })", { metadata = TYPES }).stderr,
				"sensors/try.lua:2: payload rejected at /actor/id: \"42\" is a "
				.. "string, the schema (", "sensors/try.yaml:5) wants integer; "
				.. "kept as dead letter", "see: sensorhost dead-letter get")
		end))

	it("what is not there names what is", try.with(function(h)
		says(errors_of(h, {
			"require('json')",
			"require('cjson')",
			"os.execute('ls')",
			"io.popen('ls')",
			"os.exit(1)",
			"time.slep(1)",
			"service:dipsatch('x')",
			"self.log:inof('x')",
			"cursor.new('x', { strat = 1 })",
			"seen.new('x', { tll = 1 })",
		}), 'module "json" not found: did you mean "sensorhost.json"?; searched:',
			'module "cjson" not found: did you mean "sensorhost.json"?',
			'os.execute is not available: use require("sensorhost.process").run',
			'io.popen is not available: use require("sensorhost.process").run',
			"os.exit is not available: use self:finish(why) or self:reject(why)",
			'sensorhost.time has no "slep"; did you mean "sleep"?',
			'sensor_service has no method "dipsatch"; did you mean "dispatch"?',
			'a log has no method "inof"; did you mean "info"?',
			'cursor.new: unknown option "strat"; did you mean "start"?',
			'seen.new: unknown option "tll"; did you mean "ttl" (seconds)?')
	end))

	it("nil adds what was probably meant", try.with(function(h)
		for body, words in pairs({
			["self:rejcet('x')"] = "attempt to call method 'rejcet' (a nil "
				.. 'value); did you mean "reject"?',
			["cursor.new('x'):gte()"] = "attempt to call method 'gte' (a nil "
				.. 'value); did you mean "get"?',
			["seen.new('x'):ad('y')"] = "attempt to call method 'ad' (a nil "
				.. 'value); did you mean "add"?',
			["self:get_pol_interval()"] = "attempt to call method "
				.. "'get_pol_interval' (a nil value); did you mean "
				.. '"get_poll_interval"?',
			["prnit('x')"] = "attempt to call global 'prnit' (a nil value); "
				.. 'did you mean "print"?',
			["return crypto.sha1('x')"] = "attempt to index global 'crypto' (a "
				.. 'nil value): write local crypto = '
				.. 'require("sensorhost.crypto")',
		}) do
			says(try.poll(h, body).stderr, "sensors/try.lua:2: " .. words)
		end
	end))

	it("a missing key of the configuration says where to set it",
		try.with(function(h)
			says(errors_of(h, { "self:need('repository.list')",
				"self:need('repository', 'string')",
				"self:need('repository', 'strnig')" },
				{ config = "repository: {}\n", schema = "repository:\n  type: "
					.. "object\n  properties:\n    list:\n      type: array\n" }),
				'config key "repository.list" is missing: set it in ',
				"t/config.yaml (schema: ", "t/config.schema.yaml:4)",
				'config key "repository" is a table, not a string: set it in ',
				'self:need: the type is "string", "number", "boolean" or '
				.. '"table", not "strnig"')
		end))

	it("a failure says what was undone, when it goes on, and where",
		try.with(function(h)
			local said = try.run(h, { args = { "--for", "300ms" }, body = [[
				local function fetch()
					error(errors.new("refused", "nobody listens", { op = "GET",
						target = "https://h/x" }))
				end
				function Try:poll()
					self.sensor_service:dispatch("t.event")
					self.sensor_service:dispatch("t.event")
					self.sensor_service:set_value("n", 1)
					fetch()
				end]] }).stderr
			says(said, "failed in poll, unit undone (2 dispatches, 1 "
				.. "value): GET https://h/x: nobody listens; starts again in ",
				" s (1st time since ", "\n    (kind: refused, target: "
				.. "https://h/x)\n    sensors/try.lua:3: in upvalue 'fetch'\n",
				"sensors/try.lua:10: in method 'poll'\n", "of the host, from")
		end))

	it("an error without a message shows what it is", try.with(function(h)
		for body, words in pairs({
			["error({ code = 5 })"] = "failed in poll: an error without a "
				.. 'message: {"code":5}',
			["error()"] = "failed in poll: an error without a message: null",
			["error(setmetatable({}, { __tostring = function() return 'mine' "
				.. "end }))"] = "failed in poll: mine",
			["error({ list = { print } })"] = '{"list":["<function>"]}',
			["error({ t = ('x'):rep(500) })"] = '{"t":"xxxx',
		}) do
			local said = try.poll(h, body).stderr
			says(said, words)
			assert.is_nil(said:find(("x"):rep(300), 1, true))
		end
	end))

	it("a recursion without an end is folded", try.with(function(h)
		local said = try.poll(h, "return self:poll() + 1").stderr
		says(said, "stack overflow", "in method 'poll'\n", " more times)\n")
		assert.equal(1, select(2, said:gsub("in method 'poll'", "")))
	end))

	it("a class made by new() shows extend()", try.with(function(h)
		says(try.run(h, { body = "local Other = Try:new()" }).stderr,
			"attempt to call method 'new' (a nil value): a class is made by "
			.. "extend(), such as PollingSensor:extend()")
	end))

	it("a poll that fails comes once a streak, and once it is well",
		try.with(function(h)
			local said = try.run(h, { args = { "--for", "2s" },
				metadata = "poll_interval: 0.05\n", body = [[
				local n = 0
				function Try:poll()
					n = n + 1
					if n > 1 and n < 8 then
						return nil, errors.new("refused", "nobody listens")
					elseif n == 10 then
						self:finish()
					end
				end]] }).stderr
			says(said, "poll failed, its unit is undone: nobody listens; tried "
				.. "again every 0.05 s", "poll works again, after 6 that failed "
				.. "since ")
			local _, count = said:gsub("nobody listens", "")
			assert.equal(1, count)
		end))
end)
