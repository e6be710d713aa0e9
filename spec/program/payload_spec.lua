-- What a sensor may hand to dispatch and to the datastore, and what it is
-- told when it may not.

local cjson = require("cjson")
local host = require("spec.support.host")
local sensors = require("spec.support.sensors")

describe("a payload", function()
	local bad = {
		["a function"] = { "{ a = { b = print } }", "at /a/b: a function" },
		["a cycle"] = { "(function() local t = {} t.t = t return t end)()",
			"deeper than 128 levels, or a cycle" },
		["a hole"] = { "{ l = { 1, 2, nil, 4 } }", "at /l: .*hole at 3" },
		["a mix of keys"] = { "{ m = { 1, x = 2 } }",
			"at /m: the key 1 stands beside names.*tostring" },
		["a mix itself"] = { "{ 1, 2, x = 3 }", "the key 2 stands beside" },
		["a hole itself"] = { "{ 1, nil, 3 }", "hole at 2" },
		["NaN"] = { "{ a = 0 / 0 }", "at /a: NaN" },
		["an infinity"] = { "{ a = { 1, 1 / 0 } }", "at /a/1: infinity" },
		["bad UTF-8"] = { "{ a = 'x\\255' }", "at /a: a string is not UTF%-8" },
		["a bad key"] = { "{ ['\\255'] = 1 }", "a key is not UTF%-8" },
		["depth 200"] = { [[(function()
			local t = {}
			for _ = 1, 200 do t = { t = t } end
			return t end)()]], "deeper than 128" },
		["an array"] = { "{ 1, 2 }", "an array, the schema .*wants object" },
		["a text"] = { "'x'", '"x" is a string.*wants object' },
		["false"] = { "false", "false is a boolean.*wants object" },
		["null"] = { "null", "null, the schema .*wants object" },
		["9 MB"] = { "{ a = ('x'):rep(9e6) }", "over 83%d+ bytes" },
	}
	for what, case in pairs(bad) do
		it("is no " .. what .. ": it goes to the dead letters",
			host.with(function(h)
			local said, r = sensors.said(h, { x = ([[
				local ok, err = svc:dispatch("demo.any", %s)
				assert(ok == nil and err.kind == "invalid")
				assert(err.path and err.keyword)
				return err, err.dead_letter]]):format(case[1]) })
			assert.is_true(said.x.ok, said.x.first)
			assert.matches(case[2], said.x.first)
			assert.truthy(said.x.second:find("^%x+$"))
			assert.equal(24, #said.x.second)
			assert.matches("warning demo%.S%[%d+%]: sensors/s%.lua:%d+: payload "
				.. "rejected", r.stderr)
			local letter = cjson.decode(r.stderr:match("\n({[^\n]+})\n"))
			assert.equal(said.x.second, letter.dead_letter)
			assert.equal("demo.any", letter.trigger)
			assert.is_true(#cjson.encode(letter.payload) < 70000)
			local kept = cjson.decode(h:run("export", "--dead-letters").stdout)
			assert.matches("^%d%d%d%d%-%d%d%-%d%dT.*Z$", kept.time)
			kept.time = nil
			assert.same(letter, kept)
		end))
	end

	it("of 128 levels is fine, and one of 7 MB", host.with(function(h)
		local said = sensors.said(h, { x = [[
			local t = {}
			for _ = 1, 127 do t = { t = t } end
			return svc:dispatch("demo.any", t)]],
			y = 'return svc:dispatch("demo.any", { a = ("x"):rep(7e6) })' })
		assert.equal("true", said.x.first)
		assert.equal("true", said.y.first)
	end))

	it("of 100 MB is an error, and the sensor goes on", host.with(function(h)
		h:write("sensorhost.yaml", "limits: {memory: 1G}\n")
		local said = sensors.said(h, {
			x = 'return svc:dispatch("demo.any", { a = ("x"):rep(1e8) })',
			y = 'return svc:set_value("v", ("x"):rep(1e8))',
		}, "--config", h.dir .. "/sensorhost.yaml")
		assert.equal("nil", said.x.first)
		assert.matches("over 83%d+ bytes", said.x.second)
		assert.matches("over 83%d+ bytes", said.y.first)
	end))

	it("that does not conform raises where that is asked for",
		host.with(function(h)
		sensors.polls(h, 'svc:dispatch("demo.strict", { n = "1" })',
			"on_invalid: raise\n" .. sensors.TYPES)
		local r = h:run("run", "demo.S", "--once")
		assert.equal(1, r.code)
		assert.matches('s%.lua:%d+: dispatch "demo%.strict": payload rejected at '
			.. '/n: "1" is a string, the schema %(.*s%.yaml:%d+%) wants '
			.. 'integer', r.stderr)
	end))

	it("comes with a trigger that there is", host.with(function(h)
		local said = sensors.said(h, {
			typo = 'svc:dispatch("demo.strct", {})',
			pack = 'svc:dispatch("nope.strict", {})',
			["nil"] = "svc:dispatch(nil, {})",
			none = "svc:dispatch()",
			nodot = 'svc:dispatch("strict", {})',
			empty = 'svc:dispatch("", {})',
			dot = 'svc.dispatch("demo.any", {})',
			option = 'svc:dispatch{ trigger = "demo.any", paylod = {} }',
			tag = 'svc:dispatch("demo.any", {}, 5)',
		})
		assert.matches('no trigger type "demo.strct".*demo%.any %(.*'
			.. 'sensors/s%.yaml:%d+%)', said.typo.first)
		assert.matches('did you mean "demo.strict"', said.typo.first)
		assert.matches("this sensor declares demo%.any", said.pack.first)
		assert.matches("this sensor declares demo%.any", said["nil"].first)
		assert.matches("this sensor declares demo%.any", said.none.first)
		assert.matches('a ref is "pack.name"', said.nodot.first)
		assert.is_false(said.empty.ok)
		assert.matches("dispatch%(%) needs a colon: .*:dispatch%(%)",
			said.dot.first)
		assert.matches('unknown option "paylod"; did you mean "payload"',
			said.option.first)
		assert.matches("trace_tag must be a string", said.tag.first)
		for _, s in pairs(said) do
			assert.matches("^sensors/s%.lua:%d+: ", s.first)
		end
	end))
end)

describe("the datastore", function()
	it("refuses what it cannot keep, at the call", host.with(function(h)
		local said = sensors.said(h, {
			long = 'svc:set_value(("k"):rep(600), 1)',
			empty = 'svc:set_value("", 1)',
			["get empty"] = 'svc:get_value("")',
			bytes = 'svc:set_value("\\255", 1)',
			number = "svc:set_value(5, 1)",
			["nil"] = 'svc:set_value("last_id", nil)',
			["a function"] = 'svc:set_value("f", print)',
			["ttl -1"] = 'svc:set_value("t", 1, -1)',
			["ttl x"] = 'svc:set_value("t", 1, "x")',
			["ttl nan"] = 'svc:set_value("t", 1, 0 / 0)',
			["large"] = 'svc:set_value("v", ("x"):rep(9e6))',
		})
		assert.matches('607 bytes with "demo.S:" before it, at most 480',
			said.long.first)
		assert.matches("the name is empty", said.empty.first)
		assert.matches("the name is empty", said["get empty"].first)
		assert.matches("not UTF%-8", said.bytes.first)
		assert.matches("name must be a string, not 5", said.number.first)
		assert.matches('set_value "last_id": value is nil; use delete_value '
			.. "to remove it", said["nil"].first)
		assert.matches("a function is no JSON", said["a function"].first)
		assert.matches("ttl is %-1", said["ttl -1"].first)
		assert.matches("ttl must be a number", said["ttl x"].first)
		assert.matches("ttl is", said["ttl nan"].first)
		assert.matches("over 83%d+ bytes", said.large.first)
		for _, s in pairs(said) do
			assert.is_false(s.ok)
			assert.matches("^sensors/s%.lua:%d+: ", s.first)
		end
		assert.equal("", h:run("export", "--datastore").stdout)
	end))

	it("counts a ttl from the commit, in fractions of seconds",
		host.with(function(h)
		local said = sensors.said(h, {
			a = [[svc:set_value("z", 1, 0)
			svc:set_value("t", 1, 0.3)
			svc:commit()
			local item = svc:get_item("t")
			return svc:get_value("t"), item.expires - time.now() <= 0.3 ]],
			b = [[time.sleep(0.35)
			return svc:get_value("t"), svc:get_item("t")]],
			c = 'return svc:delete_value("t"), #svc:list_values()',
			d = 'return svc:get_value("z"), svc:get_item("z").expires',
		})
		assert.same({ "1", "true" }, { said.a.first, said.a.second })
		assert.same({ "nil", "nil" }, { said.b.first, said.b.second })
		assert.same({ "false", "1" }, { said.c.first, said.c.second })
		assert.same({ "1", "nil" }, { said.d.first, said.d.second })
	end))
end)
