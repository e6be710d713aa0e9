-- Large units leave in parts, so that core checks while the sensor goes on;
-- what core gets is the same as if they had left whole.

local worker = require("spec.support.worker")

local running

local SENSOR = [[
	local sensor = require("sensorhost.sensor")
	local C = sensor:extend()
	local filler = ("x"):rep(1000)
	local function dispatch(self, from, to)
		for n = from, to do
			self.sensor_service:dispatch("p.tick", { n = n, filler = filler })
		end
	end
	function C:run()
		local service = self.sensor_service
		%s
		self:finish()
	end
	return C
]]

-- Runs the body of a sensor's run(); returns the worker when it has ended.
local function run(body, options)
	options = options or {}
	options.source = SENSOR:format(body)
	options.spec = options.spec or {}
	options.spec.types = { { ref = "p.tick", place = "sensors/x.yaml:1",
		payload_schema = { type = "object" } } }
	options.spec.triggers = { { number = 1, id = "1", uid = "u", ref = "p.tick",
		name = "tick", pack = "p", type = "p.tick", parameters = {},
		description = "" } }
	running = worker.new(options)
	running:start()
	assert(running:wait_state("finished"))
	return running
end

-- The numbers that a unit dispatches, and the keys that it sets.
local function content(unit)
	local numbers, keys = {}, {}
	for _, op in ipairs(unit) do
		if op.op == "dispatch" then
			numbers[#numbers + 1] = tonumber(op.payload:match('"n":(%d+)'))
		elseif op.op == "set" then
			keys[#keys + 1] = op.key
		end
	end
	return numbers, keys
end

-- The units that hold anything.
local function units(w)
	local list = {}
	for _, unit in ipairs(w.units) do
		if #unit > 0 then
			list[#list + 1] = unit
		end
	end
	return list
end

local function count(first, last)
	local list = {}
	for n = first, last do
		list[#list + 1] = n
	end
	return list
end

describe("a large unit", function()
	after_each(function()
		running:close()
	end)

	it("leaves in parts, in order, with its end last", function()
		local w = run([[
			dispatch(self, 1, 500)
			service:set_value("last", 500)
		]])
		assert.is_true(w.parts >= 5)
		assert.equal(1, #units(w))
		local numbers, keys = content(units(w)[1])
		assert.same(count(1, 500), numbers)
		assert.equal(1, #keys)
	end)

	it("keeps back what an attempt may undo", function()
		local w = run([[
			dispatch(self, 1, 150)
			service:attempt(function()
				dispatch(self, 1000, 1300)
				error("no")
			end)
			dispatch(self, 151, 300)
		]])
		assert.is_true(w.parts >= 2)
		assert.same(count(1, 300), (content(units(w)[1])))
	end)

	it("is undone by an attempt that began before its last wait", function()
		local w = run([[
			service:attempt(function()
				dispatch(self, 1, 10)
				service:commit()
				dispatch(self, 1000, 1300)
				error("no")
			end)
			dispatch(self, 11, 20)
		]])
		assert.is_true(w.parts >= 2)
		assert.equal(2, #units(w))
		assert.same(count(1, 10), (content(units(w)[1])))
		assert.same(count(11, 20), (content(units(w)[2])))
	end)

	it("is undone by an error", function()
		local w = run([[
			local spawn = require("sensorhost.spawn")
			local ok = spawn(function()
				dispatch(self, 1000, 1300)
				error("no")
			end):join()
			dispatch(self, ok and 100 or 1, 10)
		]])
		assert.is_true(w.parts >= 3)
		assert.equal(1, #units(w))
		assert.same(count(1, 10), (content(units(w)[1])))
		assert.equal(0, #w.ahead)
	end)

	it("does not leave before a transaction ends", function()
		local w = run([[
			pcall(service.transaction, service, function()
				dispatch(self, 1000, 1300)
				error("no")
			end)
			service:transaction(function() dispatch(self, 1, 300) end)
		]])
		assert.is_nil(w.parts)
		assert.same(count(1, 300), (content(units(w)[1])))
	end)

	it("still reads its own writes, which end the parts", function()
		local w = run([[
			dispatch(self, 1, 100)
			service:set_value("at", 100)
			dispatch(self, 101, 300)
			service:set_value("at", 300)
			assert(service:get_value("at") == 300)
		]])
		assert.equal(1, w.parts)
		local numbers, keys = content(units(w)[1])
		assert.same(count(1, 300), numbers)
		assert.equal(1, #keys)
	end)

	-- The loop of each() over 300 events; what is done at each.
	local function each(body)
		return run(([[
			local cursor = require("sensorhost.cursor")
			local last, list = cursor.new("at"), {}
			for n = 1, 300 do
				list[n] = { n = n, filler = filler }
			end
			for event in last:each(list, "n") do
				service:dispatch("p.tick", event)
				local n = event.n
				%s
			end
		]]):format(body))
	end

	-- One unit of the numbers 1 to 300, and what it leaves under each key.
	local function check_each(w)
		assert.equal(1, #units(w))
		local numbers = content(units(w)[1])
		assert.same(count(1, 300), numbers)
		local left = {}
		for _, op in ipairs(units(w)[1]) do
			if op.op == "set" then
				left[op.key:match("[^:]+$")] = op.value
			end
		end
		assert.equal("300", left.at)
		return left
	end

	it("leaves in parts beside a cursor, which goes last, once", function()
		local w = each("")
		assert.is_true(w.parts >= 3)
		check_each(w)
		local unit = units(w)[1]
		assert.equal("set", unit[#unit].op)
		assert.equal(301, #unit)
	end)

	it("knows where a cursor stands that moves with it", function()
		local w = each([[
			assert(last:get() == (n > 1 and n - 1 or nil))
			assert(last:is_set() == (n > 1))
		]])
		check_each(w)
		w:close()
		w = each([[
			local items = service:list_values(true, ".cursor")
			assert(#items == (n > 1 and 1 or 0))
			assert(n == 1 or items[1].value == n - 1)
			if n % 50 == 0 then
				assert(last:advance(n - 2) == false)
				last:clear()
				assert(not last:is_set())
			end
		]])
		check_each(w)
	end)

	it("has a cursor go back with what an attempt undoes", function()
		check_each(each([[
			local ok = service:attempt(function()
				last:set(1000)
				for _ in cursor.new("at"):each({ { n = 2000 } }, "n") do
					service:dispatch("p.tick", event)
				end
				assert(last:get() == 2000)
				service:set_value("lost", n)
				error("no")
			end)
			assert(not ok and last:get() == (n > 1 and n - 1 or nil))
		]]))
	end)

	it("keeps two cursors and a value apart", function()
		local left = check_each(each([[
			if n % 100 == 1 then
				for item in cursor.new("other"):each({ { n = n } }, "n") do
					service:set_value("value", item.n)
				end
			end
		]]))
		assert.equal("201", left.other)
		assert.equal("201", left.value)
	end)

	it("forgets a cursor with the unit that is undone", function()
		local w = run([[
			local spawn = require("sensorhost.spawn")
			local cursor = require("sensorhost.cursor")
			local ok = spawn(function()
				local list = { { n = 1 }, { n = 2 } }
				for item in cursor.new("at"):each(list, "n") do
					assert(item.n == 1, "no")
				end
			end):join()
			assert(not ok and not cursor.new("at"):is_set())
			dispatch(self, 1, 10)
		]])
		assert.equal(1, #units(w))
		local numbers, keys = content(units(w)[1])
		assert.same(count(1, 10), numbers)
		assert.same({}, keys)
	end)

	it("counts a cursor against limits.unit", function()
		local w = run([[
			local cursor = require("sensorhost.cursor")
			dispatch(self, 1, 100)
			local ok, why = pcall(function()
				for _ in cursor.new("at"):each({ { n = ("k"):rep(200 * 1024) } },
					"n") do
				end
			end)
			assert(not ok and why:find("limits.unit (256K)", 1, true), why)
			service:commit()
			for _ in cursor.new("at"):each({ { n = ("k"):rep(200 * 1024) } },
				"n") do
			end
			ok, why = pcall(dispatch, self, 101, 200)
			assert(not ok and why:find("limits.unit (256K)", 1, true), why)
		]], { spec = { limits = { memory = 2 ^ 26, slice = 10,
			unit = 256 * 1024 } } })
		assert.equal(2, #units(w))
		assert.same(count(1, 100), (content(units(w)[1])))
		local _, keys = content(units(w)[2])
		assert.equal(1, #keys)
	end)

	it("counts as a whole against limits.unit", function()
		local w = run([[
			local ok, why = pcall(dispatch, self, 1, 400)
			assert(not ok)
			assert(why:find("limits.unit (256K)", 1, true), why)
			service:commit()
		]], { spec = { limits = { memory = 2 ^ 26, slice = 10,
			unit = 256 * 1024 } } })
		local numbers = content(units(w)[1])
		assert.same(count(1, #numbers), numbers)
		assert.is_true(#numbers > 200 and #numbers < 256)
	end)
end)
