-- sensor_service as a sensor sees it, and what of it core gets.

local worker = require("spec.support.worker")

-- Runs a body as the `run` of a sensor; ended when run has returned.
local function run(body, options)
	options = options or {}
	options.source = [[
		local Sensor = require("sensorhost.sensor")
		local time = require("sensorhost.time")
		local null = require("sensorhost.null")
		local Checker = Sensor:extend()
		function Checker:run()
			local service = self.sensor_service
			]] .. body .. [[

		end
		return Checker, time, null
	]]
	local w = worker.new(options):start()
	w:run_until(function()
		return w.state and w.state.state ~= "running"
	end)
	w.code = w:close()
	if os.getenv("SHOW") then
		for _, line in ipairs(w.logs) do
			print(line.level, line.text)
		end
		print(require("dkjson").encode(w.state))
	end
	return w
end

-- The line that the sensor printed as number n.
local function printed(w, n)
	local count = 0
	for _, line in ipairs(w.logs) do
		if line.level == 1 then
			count = count + 1
			if count == n then
				return line.text
			end
		end
	end
	return nil
end

describe("dispatch", function()
	it("brings payloads, defaults filled in, in one unit", function()
		local w = run([[
			assert(service:dispatch("demo.event", {id = 1}) == true)
			assert(service:dispatch("demo.event", {id = 2, kind = "x"}, "tag"))
			assert(service:dispatch{trigger = "demo.event", payload = {id = 3}})
			assert(service:dispatch("demo.event"))
		]])
		assert.equal("returned", w.state.state)
		assert.equal(2, #w.units) -- setup's, and this one
		local unit = w.units[2]
		assert.equal(4, #unit)
		assert.equal('{"id":1,"kind":"plain"}', unit[1].payload)
		assert.truthy(unit[2].payload:find('"kind":"x"', 1, true))
		assert.equal('{"trace_tag":"tag"}', unit[2].trace)
		assert.equal('{"kind":"plain"}', unit[4].payload)
		assert.equal(1, unit[3].trigger)
	end)

	it("takes triggers by table, and parameterised ones by ref", function()
		local w = run([[
			service:dispatch({name = "event", pack = "demo"}, {id = 1})
			service:dispatch({type = "demo.event"}, {id = 2})
			service:dispatch({type = "demo.param",
				parameters = {path = "/var/log/x"}}, {})
			service:dispatch("demo.p-1", {})
			service:dispatch_with_context("demo.event", {id = 3},
				{trace_tag = "t", id_ = "7"})
		]])
		local unit = w.units[2]
		assert.same({ 1, 1, 2, 2, 1 }, { unit[1].trigger, unit[2].trigger,
			unit[3].trigger, unit[4].trigger, unit[5].trigger })
		assert.truthy(unit[5].trace:find('"id_":"7"', 1, true))
	end)

	it("asks core about triggers of other packs, once", function()
		local w = run([[
			service:dispatch("other.thing", {n = 1})
			service:dispatch("other.thing", {n = 2})
			print(service:dispatch("other.thing", {n = "x"}))
		]], { foreign = { ["other.thing"] = { number = 9, id = "f", uid = "u",
			ref = "other.thing", type = "other.thing", pack = "other",
			name = "thing", place = "packs/other/t.yaml:3",
			payload_schema = { type = "object", properties = {
				n = { type = "integer" } } } } } })
		assert.equal(9, w.units[2][1].trigger)
		assert.equal("dead", w.units[2][3].op)
		assert.truthy(printed(w, 1):find("payload rejected at /n", 1, true))
	end)

	it("says what is wrong with a trigger, at its line", function()
		local w = run([[
			print(select(2, pcall(service.dispatch, service, "demo.evnt", {})))
			print(select(2, pcall(service.dispatch, service, "demo.param", {})))
			print(select(2, pcall(service.dispatch, service, "nodot", {})))
			print(select(2, pcall(service.dispatch, service, nil, {})))
			print(select(2, pcall(service.dispatch, "demo.event", {})))
			print(select(2, pcall(service.dispatch, service, "alien.x", {})))
		]])
		assert.truthy(printed(w, 1):find('^sensors/x.lua:%d+: dispatch: no '
			.. 'trigger type "demo.evnt": did you mean "demo.event"%?; this '
			.. 'sensor declares demo.event %(sensors/x.yaml:9%)'))
		assert.truthy(printed(w, 2):find("dispatch the ref given to "
			.. "add_trigger, not the type", 1, true))
		assert.truthy(printed(w, 3):find('a ref is "pack.name", such as '
			.. '"demo.name"', 1, true))
		assert.truthy(printed(w, 4):find("not nil", 1, true))
		assert.truthy(printed(w, 5):find("sensor_service.dispatch() needs a "
			.. "colon: sensor_service:dispatch()", 1, true))
		assert.truthy(printed(w, 6):find('no trigger type "alien.x"', 1, true))
	end)

	it("keeps what the schema rejects as a dead letter of the same unit",
		function()
			local w = run([[
				service:dispatch("demo.event", {id = 1})
				local ok, err = service:dispatch("demo.event", {id = "42"})
				print(ok, err.kind, err.path, err.keyword, #err.dead_letter)
				print(err)
				service:dispatch("demo.event", {1, 2, 3})
				service:dispatch("demo.event", {f = function() end})
				service:dispatch("demo.event", {id = 0/0})
				service:dispatch("demo.event", {name = "\xff"})
				local cycle = {} cycle.cycle = cycle
				service:dispatch("demo.event", cycle)
				service:dispatch("demo.event", {[1] = 1, x = 2})
				service:dispatch("demo.event", null)
				service:dispatch("demo.event", {name = ("x"):rep(9e6)})
				service:dispatch("demo.event", {id = 2})
			]])
			assert.equal("returned", w.state.state)
			local unit, kinds = w.units[2], {}
			for i, op in ipairs(unit) do
				kinds[i] = op.op == "dead" and op.keyword or op.op
			end
			assert.same({ "dispatch", "type", "type", "value", "number", "utf8",
				"depth", "key", "type", "size", "dispatch" }, kinds)
			assert.equal("nil\tinvalid\t/id\ttype\t24", printed(w, 1))
			assert.truthy(printed(w, 2):find('payload rejected at /id: "42" is a '
				.. 'string, the schema (sensors/x.yaml:9) wants integer', 1, true))
			assert.equal('{"id":"42"}', unit[2].payload)
			assert.truthy(unit[2].place:find("^sensors/x.lua:%d+$"))
			assert.truthy(unit[10].cut)
			assert.truthy(w:logged("kept as dead letter " .. unit[2].id))
		end)

	it("raises instead where the metadata says so", function()
		local w = run([[service:dispatch("demo.event", {id = "42"})]],
			{ spec = { on_invalid = "raise" } })
		assert.equal("failed", w.state.state)
		assert.truthy(w.state.error:find("payload rejected at /id", 1, true))
	end)

	it("refuses a unit over its limit, and says to commit earlier", function()
		local w = run([[
			for i = 1, 100 do
				service:dispatch("demo.event", {name = ("x"):rep(1000)})
			end
		]], { spec = { limits = { memory = 64e6, slice = 10, unit = 20000 } } })
		assert.equal("failed", w.state.state)
		assert.truthy(w.state.error:find("commit earlier", 1, true))
		assert.equal(1, #w.units)
	end)
end)

describe("the datastore", function()
	it("shows a unit its own writes", function()
		local w = run([[
			print(service:get_value("a"))
			service:set_value("a", {1, 2})
			print(service:get_value("a")[2])
			service:set_value("a", 5)
			print(service:get_value("a"), service:get_item("a").name)
			print(service:delete_value("a"), service:delete_value("a"))
			print(service:get_value("a"))
			service:set_value("g", true, nil, false)
			print(service:get_value("g", false))
			print(service:get_value{name = "g", global = true})
		]])
		assert.equal("nil", printed(w, 1))
		assert.equal("2", printed(w, 2))
		assert.equal("5\ta", printed(w, 3))
		assert.equal("true\tfalse", printed(w, 4))
		assert.equal("true", printed(w, 6))
		assert.equal("true", printed(w, 7))
		local unit = w.units[2]
		assert.equal("g", unit[#unit].key)
	end)

	it("sends the last of several sets only", function()
		local w = run([[
			for i = 1, 100 do
				service:set_value("n", i)
				service:set_value("m", -i)
			end
		]])
		assert.equal(2, #w.units[2])
		assert.equal("100", w.units[2][1].value)
	end)

	it("checks names, values and times at the call", function()
		local w = run([[
			local function try(...)
				print((select(2, pcall(service.set_value, service, ...))))
			end
			try(("k"):rep(600), 1)
			try("", 1)
			try("k", nil)
			try("k", 1, -1)
			try("k", 1, "x")
			try("k", print)
			try("k", ("x"):rep(9e6))
			try(".hidden", 1)
			try("\xff", 1)
			try{name = "k", vlaue = 1}
		]])
		assert.equal(1, #w.units)
		local wanted = { "has 613 bytes.*at most 480", "the name is empty",
			"value is nil; use delete_value", "ttl is %-1", "ttl must be a number",
			'set_value "k": the value', 'set_value "k": the value',
			"begin with a dot", "not UTF%-8",
			'unknown option "vlaue"; did you mean "value"' }
		for i, pattern in ipairs(wanted) do
			assert.truthy(printed(w, i):find("^sensors/x.lua:%d+: "))
			assert.truthy(printed(w, i):find(pattern), printed(w, i))
		end
	end)

	it("counts times to live in microseconds", function()
		local w = run([[
			service:set_value("a", 1, 1.5)
			service:set_value("b", 1, 0)
			service:set_value("c", 1, 1e-9)
		]])
		assert.same({ 1500000, 0, 1 }, { w.units[2][1].ttl, w.units[2][2].ttl,
			w.units[2][3].ttl })
	end)

	it("has core seal values, and reads its own back", function()
		local w = run([[
			service:set_value("s", "secret", nil, true, true)
			print(service:get_value("s"))
			print(service:get_value("s", true, true))
			service:commit()
			print((select(2, pcall(service.get_value, service, "s", true, true))))
		]])
		assert.equal('"secret"', w.sealed.value)
		assert.equal("demo.Checker:s", w.sealed.key)
		assert.truthy(w.units[2][1].sealed)
		assert.equal("sealed:8", printed(w, 1))
		assert.equal("secret", printed(w, 2))
		assert.truthy(printed(w, 3):find("get_value: no key to open", 1, true))
	end)

	it("reads numbers however they were stored", function()
		local w = run([[
			print(service:get_number("n"), service:get_number("t"))
			print(service:get_number("none", 7), service:get_number("none"))
			print(service:get_number("big"))
			print((select(2, pcall(service.get_number, service, "n", "0"))))
			print((select(2, pcall(service.get_number, service, "bad"))))
			print((select(2, pcall(service.get_number, service, "list"))))
		]], { kv = { ["demo.Checker:n"] = "5", ["demo.Checker:t"] = '" 5.5 "',
			["demo.Checker:big"] = "9007199254740993",
			["demo.Checker:bad"] = '"five"', ["demo.Checker:list"] = "[]" } })
		assert.equal("5\t5.5", printed(w, 1))
		assert.equal("7\tnil", printed(w, 2))
		assert.equal("9007199254740993", printed(w, 3))
		assert.truthy(printed(w, 4):find('get_number: the default must be a '
			.. 'number, not the string "0"', 1, true))
		assert.truthy(printed(w, 5):find('holds the string "five", which is no '
			.. 'number', 1, true))
		assert.truthy(printed(w, 6):find("holds a table, not a number", 1, true))
	end)

	it("lists with its own writes laid over", function()
		local kv = { ["demo.Checker:.tail:x"] = "1" }
		for i = 1, 1200 do
			kv[("demo.Checker:k%04d"):format(i)] = tostring(i)
		end
		local w = run([[
			service:delete_value("k0001")
			service:set_value("k0002", "two")
			service:set_value("z", 0)
			local all = service:list_values()
			print(#all, all[1].name, all[1].key, all[1].value, all[#all].name)
			local some = service:list_values(true, "k", 2, 1)
			print(#some, some[1].name, some[2].value)
			print(#service:list_values(false, "demo."))
		]], { kv = kv })
		assert.equal("1200\tk0002\tdemo.Checker:k0002\ttwo\tz", printed(w, 1))
		assert.equal("2\tk0003\t4", printed(w, 2))
		assert.equal("1201", printed(w, 3))
	end)
end)

describe("units", function()
	it("end at waits, and nothing leaves before they are on disk", function()
		local w = worker.new({ hold = true, source = [[
			local Sensor = require("sensorhost.sensor")
			local time = require("sensorhost.time")
			local Checker = Sensor:extend()
			function Checker:run()
				self.sensor_service:dispatch("demo.event", {id = 1})
				time.sleep(0)
				print("went on")
			end
			return Checker
		]] }):start()
		assert(w:run_until(function() return #w.units == 1 end))
		w:ack() -- setup's
		assert(w:run_until(function() return #w.units == 2 end))
		w:run_for(0.1)
		assert.falsy(w:logged("went on"))
		w:ack()
		assert(w:run_until(function() return w:logged("went on") end))
		w:close()
	end)

	it("are undone by an error, and the report counts", function()
		local w = run([[
			service:dispatch("demo.event", {id = 1})
			service:set_value("a", 1)
			error("oh")
		]])
		assert.equal(1, #w.units)
		assert.same({ dispatches = 1, values = 1 }, w.state.undone)
	end)

	it("are undone by attempt, to its beginning", function()
		local w = run([[
			service:set_value("a", 1)
			local ok, err = service:attempt(function(x)
				service:set_value("a", 2)
				service:dispatch("demo.event", {id = x})
				error({"an object"})
			end, 5)
			print(ok, err[1], service:get_value("a"))
			print(service:attempt(function(...)
				service:dispatch("demo.event", {id = 1})
				return ...
			end, 1, nil, 3))
			service:attempt(function()
				service:set_value("b", 1)
				time.sleep(0)
				service:set_value("b", 2)
				error("x")
			end)
			print(service:get_value("b"))
		]])
		assert.equal("false\tan object\t1", printed(w, 1))
		assert.equal("true\t1\tnil\t3", printed(w, 2))
		assert.equal("1", printed(w, 3))
		assert.equal(2, #w.units)
		assert.equal(3, #w.units[2])
	end)

	it("are one for a transaction, whatever waits there are in it", function()
		local w = run([[
			service:dispatch("demo.event", {id = 0})
			print(service:transaction(function(a)
				service:dispatch("demo.event", {id = 1})
				time.sleep(0.01)
				service:dispatch("demo.event", {id = 2})
				print(pcall(service.commit, service))
				print(pcall(service.transaction, service, print))
				return a, "b"
			end, "a"))
			print(pcall(service.transaction, service, function()
				service:dispatch("demo.event", {id = 3})
				error("no")
			end))
		]])
		assert.same({ 1, 2, 3 }, { #w.units[1] + 1, #w.units[2] + 1,
			#w.units[3] + 1 })
		assert.equal(3, #w.units)
		assert.truthy(printed(w, 1):find("commit%(%) inside a transaction"))
		assert.truthy(printed(w, 2):find("transaction%(%) inside a transaction"))
		assert.equal("a\tb", printed(w, 3))
	end)

	it("warn of a cursor stored apart from its dispatches", function()
		local w = worker.new({ source = [[
			local P = require("sensorhost.polling_sensor")
			local time = require("sensorhost.time")
			local C = P:extend()
			function C:poll()
				self.sensor_service:dispatch("demo.event", {id = 1})
				time.sleep(0)
				self.sensor_service:dispatch("demo.event", {id = 2})
				self.sensor_service:set_value("last", 2)
			end
			return C
		]], spec = { once = true } }):start()
		assert(w:wait_state("once"))
		assert.truthy(w:logged('the value "last" stored at sensors/x.lua:8 is '
			.. 'not in one unit with the dispatches that the wait at '
			.. 'sensors/x.lua:6 has committed'))
		w:close()
	end)
end)
