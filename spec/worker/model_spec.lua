-- Units of work against a model: a sensor does at random what changes its
-- unit (set, delete, dispatch, attempt, transaction, waits, coroutines) and
-- keeps by itself what ought to be there; what core got must be the same.

local cjson = require("cjson")
local worker = require("spec.support.worker")

local SOURCE = [[
local Sensor = require("sensorhost.sensor")
local time = require("sensorhost.time")
local json = require("sensorhost.json")
local Checker = Sensor:extend()

local function copy(t)
	local c = {}
	for k, v in pairs(t) do c[k] = v end
	return c
end

function Checker:run()
	local service, random = self.sensor_service, math.random
	math.randomseed(self.config.seed)
	local values, sent = {}, {}         -- as the unit shows them
	local kept_values, kept_sent = {}, {} -- on disk since the last wait
	local epoch, open, serial = 0, false, 0

	local function waited()
		if open then return end
		epoch = epoch + 1
		kept_values, kept_sent = copy(values), copy(sent)
	end
	local function back(point)
		if point and point.epoch == epoch then
			values, sent = point.values, point.sent
		else
			values, sent = copy(kept_values), copy(kept_sent)
		end
	end
	local step
	local function steps(depth)
		for _ = 1, random(1, 8) do step(depth) end
		if random() < 0.3 then error({"on purpose"}) end
	end
	local actions = {
		function()
			local k = "k" .. random(1, 12)
			serial = serial + 1
			values[k] = serial
			service:set_value(k, serial)
		end,
		function()
			local k = "k" .. random(1, 12)
			assert(service:delete_value(k) == (values[k] ~= nil), "delete " .. k)
			values[k] = nil
		end,
		function()
			local k = "k" .. random(1, 12)
			local v = service:get_value(k)
			assert(v == values[k], ("%s is %s, not %s"):format(k, v, values[k]))
		end,
		function()
			local list, n = service:list_values(true, "k"), 0
			for _, item in ipairs(list) do
				assert(values[item.name] == item.value, item.name)
			end
			for _ in pairs(values) do n = n + 1 end
			assert(n == #list, "a list of " .. #list)
		end,
		function()
			serial = serial + 1
			sent[#sent + 1] = serial
			assert(service:dispatch("demo.event", {id = serial}))
		end,
		function() time.sleep(0) waited() end,
		function()
			if not open then service:commit() waited() end
		end,
		function(depth)
			local point = {epoch = epoch, values = copy(values), sent = copy(sent)}
			local ok, err = service:attempt(steps, depth + 1)
			if not ok then
				assert(type(err) == "table" and err[1] == "on purpose", err)
				back(point)
			end
		end,
		function(depth)
			if open then return end
			waited() -- a transaction begins with a commit
			open = true
			local ok, err = pcall(service.transaction, service, steps, depth + 1)
			open = false
			if not ok then
				assert(type(err) == "table" and err[1] == "on purpose", err)
				back(nil)
			else
				waited()
			end
		end,
		function(depth)
			local co = coroutine.wrap(function()
				for _ = 1, 3 do
					step(depth + 1)
					coroutine.yield()
				end
			end)
			co() co() co()
		end,
	}
	function step(depth)
		if depth > 4 then return end
		actions[random(#actions)](depth)
	end
	for _ = 1, 1500 do step(0) end
	service:commit()
	print(json.encode({values = json.object(values), sent = json.array(sent)}))
end
return Checker
]]

local function run(seed)
	local w = worker.new({ source = SOURCE, spec = { config = { seed = seed },
		log_level = "info" } }):start()
	w:run_until(function()
		return w.state and w.state.state ~= "running"
	end, 20)
	assert.equal("returned", w.state.state, w.state.error)
	local sent, values = {}, {}
	for _, unit in ipairs(w.units) do
		for _, op in ipairs(unit) do
			if op.op == "dispatch" then
				sent[#sent + 1] = cjson.decode(op.payload).id
			end
		end
	end
	for key, value in pairs(w.kv) do
		values[key:match(":(.*)")] = tonumber(value)
	end
	local model = cjson.decode(w.logs[#w.logs].text)
	assert.same(model.values, values)
	assert.same(model.sent, sent)
	w:close()
end

describe("units of work", function()
	local seed = tonumber(os.getenv("SENSORHOST_SPEC_SEED")) or os.time()

	for round = 0, 4 do
		it("are what a model of them says, seed " .. seed + round, function()
			run(seed + round)
		end)
	end
end)
