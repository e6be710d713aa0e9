-- The traps that authors fall into, by their numbers: values, payloads and
-- Lua itself. The counterpart of units_spec.lua.

local cjson = require("cjson")
local try = require("spec.support.try")

local says = try.says

describe("trap", function()
	it("11: what is secret is masked, and the configuration read-only",
		try.with(function(h)
			local said = try.poll(h, [[
				print(self.config.token, self.config.list[1])
				print(pcall(function() self.config.token = 1 end))
				print(pcall(function() self.config.deep.a = 1 end))
				print(pcall(table.insert, self.config.list, "c"))
				print(pcall(table.sort, self.config.list))
				print(pcall(rawset, self.config, "token", 1))
				error("login with " .. self.config.token)
			]], { schema = "token: {type: string, secret: true}\n",
				config = "token: hunter2\nlist: [b, a]\ndeep: {a: 0}\n" }).stderr
			says(said, "*******\tb", 'config is read-only: "token" is set in ',
				"t/config.yaml; keep what changes in self",
				'config is read-only: "deep.a"', 'config is read-only: "list.2"',
				'config is read-only: "list.2"', 'config is read-only: "token"',
				"login with *******")
			assert.falsy(said:find("hunter2", 1, true))
		end))

	it("12: a number stored as text is read by get_number, and cursors know",
		try.with(function(h)
			local body = [[
				service:set_value("k", "5")
				print(service:get_number("k") < 6)
				local c = cursor.new("c")
				c:set("9")
				print(c:advance("10"), c:get())
				service:set_value("word", "five")
				print(pcall(service.get_number, service, "word"))
				service:set_value("none", null)
				print(pcall(service.get_number, service, "none"))
				return service:get_value("k") < 6]]
			says(try.poll(h, body).stderr, "true", "true\t10", 'get_number: '
				.. 'datastore key "word" holds the string "five", which is no '
				.. "number", 'datastore key "none" holds JSON null, not a number',
				"attempt to compare string with number: datastore key \"k\" "
				.. 'holds the string "5", not a number: use get_number')
		end))

	it("13: nil is no value, and the manual has the five cases",
		try.with(function(h)
			says(try.poll(h, [[
				local events = {}
				service:set_value("off", false)
				print(service:get_value("off"), service:get_value("no"))
				service:set_value("last_id", events[#events])
			]]).stderr, "false\tnil", 'sensors/try.lua:5: set_value "last_id": '
				.. "value is nil; use delete_value to remove it, or store "
				.. "sensorhost.null")
			says(try.manual("lua/README.md"), "get_value has five cases",
				"nothing, or expired", "get_value(k) or default hides it",
				"compare with null", "changing it stores nothing", "get_number")
		end))

	it("14: tables are copies, item.name is what goes back in",
		try.with(function(h)
			says(try.poll(h, [[
				service:set_value("t", { n = 1 })
				service:get_value("t").n = 2
				local item = service:list_values()[1]
				print(item.value.n, item.name, item.key)
				print(service:delete_value(item.name), #service:list_values())
			]]).stderr, "1\tt\tt.Try:t", "true\t0")
		end))

	it("15: null says so wherever it is taken for a value",
		try.with(function(h)
			local said = try.poll(h, [[
				local e = json.decode('{"actor": null}')
				print(e.actor, e.actor or "?", e.actor == null)
				for _, fn in ipairs({ function() return e.actor.login end,
					function() return "by " .. e.actor end,
					function() return e.actor + 1 end,
					function() return #e.actor end }) do
					print(select(2, pcall(fn)))
				end
				print(json.decode('{"actor": null}', { null = "drop" }).actor)
				for _ in ipairs(e.actor) do print("never") end
			]]).stderr
			says(said, "null\tnull\ttrue",
				"sensors/try.lua:4: field 'login' of JSON null",
				"sensors/try.lua:5: concatenation with JSON null",
				"sensors/try.lua:6: arithmetic on JSON null",
				"sensors/try.lua:7: length of JSON null", "nil",
				"got userdata): a userdata may be JSON null; compare with "
				.. 'json.null first, or decode with { null = "drop" }')
		end))

	it("16: big integers keep their digits", try.with(function(h)
		says(try.poll(h, [[
			local text = '{"id": 9007199254740993, "n": 18446744073709551615}'
			local e = json.decode(text)
			print(e.id .. "/" .. tostring(e.n), ("%s"):format(e.id))
			print(json.encode({ e.id }))
			print(json.decode(text, { big = "string" }).id == "9007199254740993")
			local by_id = { [tostring(e.id)] = "found" }
			print(by_id[tostring(json.decode(text).id)])
		]]).stderr, "9007199254740993/18446744073709551615\t9007199254740993",
			"[9007199254740993]", "true", "found")
		says(try.manual("lua/README.md"),
			"As the key of a table use tostring(id)")
	end))

	it("17: an empty list takes the schema's type, a hole is named",
		try.with(function(h)
			local said = try.poll(h, [[
				service:dispatch("t.event", { tags = {} })
				service:dispatch("t.event", { tags = {}, more = {} })
				service:dispatch("t.event", { more = json.array({}) })
				local users = { [17] = "a", [29] = "b" }
				local _, err = service:dispatch("t.event", { users = users })
				print(err)
			]], { metadata = "trigger_types:\n  - name: event\n    "
				.. "payload_schema:\n      type: object\n      properties:\n"
				.. "        tags: {type: array}\n" })
			local first, second = said.stdout:match(
				'"payload":(%b{}).-"payload":(%b{})')
			assert.equal('{"tags":[]}', first)
			assert.same({ more = {}, tags = {} }, cjson.decode(second))
			assert.truthy(second:find('"more":{}', 1, true))
			assert.truthy(said.stdout:find('"more":[]', 1, true))
			says(said.stderr, "payload rejected at /users: an array with the key",
				"for an object write tostring(id) as the key")
			says(try.manual("lua/README.md"), "A list that comes out empty "
				.. "after filtering needs json.array")
		end))

	it("18: each tells events of one second apart by their ids",
		try.with(function(h)
			says(try.poll(h, [[
				local c = cursor.new("c")
				local function new(list)
					local ids = {}
					for e in c:each(list, "at", "id") do
						ids[#ids + 1] = e.id
					end
					return table.concat(ids, ",")
				end
				local list = { { at = "12:00:01", id = "a" } }
				print(new(list))
				list[2] = { at = "12:00:01", id = "b" }
				print(new(list))
				print(new(list) == "")
			]]).stderr, ": a\n", ": b\n", "true")
		end))

	it("19: start says what the first list is, and only the first",
		try.with(function(h)
			says(try.poll(h, [[
				local function count(name, start, list)
					local n = 0
					for _ in cursor.new(name, { start = start }):each(list, "id") do
						n = n + 1
					end
					return n
				end
				local one, two = { { id = 1 } }, { { id = 1 }, { id = 2 } }
				print(count("a", "earliest", one), count("a", "earliest", two))
				print(count("b", "now", one), count("b", "now", two))
				print(count("b", "now", { { id = 3 } }))
				print(pcall(cursor.new, "c", { strat = "now" }))
			]]).stderr, "1\t1", "0\t1", "1\n", 'cursor.new: unknown option '
				.. '"strat"; did you mean "start"?')
		end))

	it("24: dead letters are said with path and line, and counted",
		try.with(function(h)
			try.write(h, { metadata = "trigger_types:\n  - name: event\n    "
				.. "payload_schema:\n      type: object\n      properties:\n"
				.. "        n: {type: integer}\n", body = [[
				function Try:poll()
					for _, n in ipairs({ 1.5, "\xff", 0 / 0 }) do
						self.sensor_service:dispatch("t.event", { n = n })
					end
					self.sensor_service:dispatch("t.event", { n = 1e15 })
				end]] })
			local run = h:start("run", "t.Try")
			run:wait_for("sensors/try.lua:4: payload rejected at /n: 1.5 is a "
				.. "number, the schema %([^)]*try.yaml:5%) wants integer; kept "
				.. "as dead letter %x+")
			run:wait_for("payload rejected at /n: .* is a string")
			run:wait_for("payload rejected at /n: NaN is no number")
			assert.equal(1e15, run:json().payload.n)
			local status = h:run("status", "--json")
			assert.equal(3, cjson.decode(status.stdout).store.dead_letters)
		end))

	it("25: long names are hashed, or refused with their length",
		try.with(function(h)
			says(try.poll(h, [[
				local long = ("https://example.org/"):rep(300)
				local s = seen.new("urls")
				print(s:add(long), s:add(long), s:add(long .. "x"))
				cursor.new(long):set(1)
				print(cursor.new(long):get(), cursor.new(long .. "x"):get())
				service:set_value(long, 1)
			]]).stderr, "true\tfalse\ttrue", "1\tnil", "sensors/try.lua:7: "
				.. 'set_value: the key "https://', "has 6006 bytes", "at most 480")
		end))

	it("26: globals and a forgotten self are named at their line",
		try.with(function(h)
			says(try.run(h, { body = "function helper() end\n"
				.. "function Try:poll() end" }).stderr,
				'sensors/try.lua:2: assignment to undeclared global "helper": '
				.. 'write "local function helper"')
			says(try.run(h, { body = "function Try.poll() local x = self.a "
				.. "return x end" }).stderr, "sensors/try.lua:2: attempt to "
				.. "index global 'self' (a nil value): write \"function "
				.. 'Class:method()" with a colon', "sensors/try.lua:2: in method "
				.. "'poll'")
		end))
end)
