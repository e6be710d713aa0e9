-- What `sensorhost check` says of files that are no good: where, what, in
-- bounded time, and the other sensors of the pack still load.

local host = require("spec.support.host")
local process = require("spec.support.process")
local try = require("spec.support.try")

local says = try.says

local GOOD = "class_name: Good\nentry_point: good.lua\n"
local SENSOR = "local S = require('sensorhost.polling_sensor'):extend()\n"
	.. "function S:poll() end\nreturn S\n"

-- A pack p with one good sensor and these files; what check says, which must
-- not take long.
local function check(h, files)
	h:write_pack("p", { ["pack.yaml"] = "name: p\nversion: 1.0.0\n"
		.. "description: d\nauthor: a\nemail: a@example.org\n",
		["sensors/good.yaml"] = GOOD, ["sensors/good.lua"] = SENSOR })
	h:write_pack("p", files)
	local began = process.now()
	local result = h:run("check")
	assert.truthy(process.now() - began < 30 * process.slowness)
	return result
end

-- One bad file each: the name, the text, what is said behind "file:".
local function each(h, cases)
	for _, case in ipairs(cases) do
		local result = check(h, { [case[1]] = case[2] })
		assert.equal(case[4] or 1, result.code)
		says(result.stdout .. result.stderr, "p/" .. case[1] .. ":" .. case[3])
		if case[1]:find("^sensors/bad") then
			says(result.stdout .. result.stderr, "2 sensors checked, 1 loaded")
		end
		os.remove(h.packs .. "/p/" .. case[1])
	end
end

local function schema(text)
	return "class_name: Bad\nentry_point: good.lua\ntrigger_types:\n"
		.. "  - name: event\n    payload_schema: " .. text .. "\n"
end

describe("check of bad YAML", function()
	local BAD = "sensors/bad.yaml"

	it("names line and column", host.with(function(h)
		local bomb = { "a0: &a0 [x, x, x, x, x, x, x, x, x]" }
		for i = 1, 9 do
			bomb[i + 1] = ("a%d: &a%d [%s]"):format(i, i,
				("*a" .. i - 1 .. ", "):rep(9):sub(1, -3))
		end
		each(h, {
			{ BAD, "class_name: Bad\nentry_point:\n\t- x\n", "3:1: a tab "
				.. "cannot indent YAML; use spaces" },
			{ BAD, table.concat(bomb, "\n"), "" },
			{ BAD, ("["):rep(100000), "1:" },
			{ BAD, "class_name: *no\n", '1:13: the alias "*no" names no anchor' },
			{ BAD, "a: &a [*a]\n", '1:8: the alias "*a" stands inside what it '
				.. "names" },
			{ BAD, GOOD .. "---\n" .. GOOD, "3:1: a second document begins" },
			{ BAD, "class_name: Caf\233\n", "1:16: not valid UTF-8 (byte 0xE9); "
				.. "save the file as UTF-8" },
			{ BAD, "", "" },
			{ BAD, "# nothing\n", "" },
			{ BAD, ("x: y\n"):rep(2 * 1024 * 1024), "" },
			{ BAD, "class_name: Bad\nentry_point: 'good", "2:" },
		})
	end))

	it("takes a byte order mark and CRLF", host.with(function(h)
		local result = check(h, { [BAD] = "\239\187\191class_name: Bad\r\n"
			.. "entry_point: good.lua\r\n" })
		assert.equal(0, result.code)
		says(result.stdout .. result.stderr, "2 sensors checked, 2 loaded")
	end))
end)

describe("check of bad schemas", function()
	it("names the place in the file", host.with(function(h)
		local BAD = "sensors/bad.yaml"
		local nested = ("{allOf: ["):rep(10000) .. "{}" .. ("]}"):rep(10000)
		each(h, {
			{ BAD, schema("{type: obj}"), "5:28: invalid payload_schema: there "
				.. 'is no type "obj"' },
			{ BAD, schema("{items: string}"), "5:29: invalid payload_schema: a "
				.. "schema must be an object" },
			{ BAD, schema("{properties: {a: {$ref: '#/definitions/a'}}}"),
				"5:45: invalid payload_schema: " },
			{ BAD, schema("{properties: {a: {$ref: '#/properties/a'}}}"),
				"5:45: invalid payload_schema: \"$ref\" leads back to itself" },
			{ BAD, schema("{properties: {a: {$ref: 'http://h/x.json'}}}"),
				"5:45: invalid payload_schema: " },
			{ BAD, schema(nested), "5:" },
			{ BAD, schema("{pattern: '('}"), "5:31: invalid payload_schema: "
				.. 'pattern "(" does not compile' },
		})
	end))

	it("a pattern that backtracks for ever ends at the dispatch",
		host.with(function(h)
			local began = process.now()
			local said = try.poll(h, "service:dispatch('t.event', { s = "
				.. "('a'):rep(60) .. 'b' })", { metadata = "trigger_types:\n"
				.. "  - name: event\n    payload_schema:\n      properties:\n"
				.. "        s: {type: string, pattern: '^(a+)+$'}\n" })
			says(said.stderr, "payload rejected at /s: ")
			assert.truthy(process.now() - began < 30 * process.slowness)
		end))
end)

describe("check of a bad configuration", function()
	it("names key and place", host.with(function(h)
		h:write_pack("p", { ["config.schema.yaml"] =
			"url: {type: string, required: true}\nn: {type: integer}\n"
			.. "key: {type: string, secret: true}\n" })
		local result = check(h, { ["config.yaml"] = "n: 1\n" })
		says(result.stdout .. result.stderr, 'p/config.schema.yaml:1:1: config '
			.. 'key "url" is missing: set it in ', "p/config.yaml")
		each(h, {
			{ "config.yaml", "url: x\nn: five\n", "2:4: " },
			{ "config.yaml", "url: '{{ st2kv.system.x'\n", "1:6: the template "
				.. '"{{ st2kv.system.x" never ends; "}}" is missing' },
			{ "config.yaml", "url: '{{ nonsense }}'\n", "1:6: " },
		})
	end))
end)

describe("a configuration's templates", function()
	it("say at the start what the datastore has not got", try.with(function(h)
		local function said(config)
			return try.run(h, { config = config, body = "function Try:poll() "
				.. "end", schema = "s: {type: string}\nn: {type: integer}\n"
				.. "key: {type: string, secret: true}\n" })
		end
		-- what they refer to, written by a sensor
		try.poll(h, "service:set_value('clear', 'text', nil, false)")
		local result = said("s: '{{ st2kv.system.gone }}'\n")
		assert.equal(1, result.code)
		says(result.stderr, 't/config.yaml:1:4: datastore key "gone" (system) '
			.. "does not exist; set it: sensorhost key set gone VALUE")
		result = said("n: '{{ st2kv.system.clear }}'\n")
		says(result.stderr, 't/config.yaml:1:4: config key "n": what its '
			.. "template gives is not of type integer; mend it in the "
			.. "datastore")
		result = said("key: '{{ st2kv.system.clear }}'\n")
		says(result.stderr, "t/config.yaml:1:6: /key is secret, but datastore "
			.. 'key "clear" is stored in clear')
	end))
end)

describe("bytes of any kind", function()
	it("are names and ids of cursors and seen", try.with(function(h)
		says(try.poll(h, [[
			local s, c = seen.new("\255\0:#"), cursor.new("\255\0")
			for b = 0, 255 do
				assert(s:add(string.char(b)) and not s:add(string.char(b)))
			end
			local list = {}
			for b = 0, 255 do
				list[b + 1] = { at = 1, id = string.char(b) .. "\255" }
			end
			local n = 0
			for _ in c:each(list, "at", "id") do n = n + 1 end
			for _ in c:each(list, "at", "id") do n = n + 1 end
			print("new", n)
			print(pcall(c.set, c, "\255"))
			print(pcall(service.set_value, service, "\255", 1))
		]]).stderr, "new\t256", "cursor:set: the value: a string is not UTF-8",
			"set_value: the name is not UTF-8 text")
	end))
end)
