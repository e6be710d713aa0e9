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
