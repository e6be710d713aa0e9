-- Coroutines: waits through the sensor's own, where none is possible, tasks.

local worker = require("spec.support.worker")

-- Runs a body as the `run` of a sensor until it has ended.
local function run(body, options)
	options = options or {}
	options.source = [[
		local Sensor = require("sensorhost.sensor")
		local time = require("sensorhost.time")
		local spawn = require("sensorhost.spawn")
		local Checker = Sensor:extend()
		function Checker:run()
			local service = self.sensor_service
			]] .. body .. [[

		end
		return Checker
	]]
	local w = worker.new(options):start()
	w:run_until(function()
		return w.state and w.state.state ~= "running"
	end)
	w.printed = w:texts()
	return w
end

after_each(worker.close_all)

describe("a wait", function()
	it("passes through pcall, iterators, metamethods and coroutines",
		function()
			local w = run([[
				print(pcall(function() time.sleep(0.001) return 1, nil, 3 end))
				print(xpcall(function() time.sleep(0.001) error("x") end,
					function(e) return "handled " .. e end))
				for x in function(_, i)
					time.sleep(0.001)
					i = (i or 0) + 1
					return i < 3 and i or nil
				end do
					print(x)
				end
				local t = setmetatable({}, {__index = function(_, k)
					time.sleep(0.001)
					return k .. "!"
				end})
				print(t.key)
				local co = coroutine.wrap(function(a)
					time.sleep(0.001)
					local b = coroutine.yield(a + 1)
					time.sleep(0.001)
					return b, "end"
				end)
				print(co(1))
				print(co(5))
				local inner = coroutine.create(function()
					local deeper = coroutine.create(function()
						time.sleep(0.001)
						coroutine.yield("from below")
					end)
					print(coroutine.resume(deeper))
					error("inner")
				end)
				print(coroutine.resume(inner))
				print(coroutine.status(inner), coroutine.resume(inner))
				print(select("#", coroutine.resume(coroutine.create(print))))
			]])
			assert.equal("returned", w.state.state)
			assert.same({ "true\t1\tnil\t3", "false\thandled sensors/x.lua:8: x",
				"1", "2", "key!", "2", "5\tend", "true\tfrom below",
				"false\tsensors/x.lua:36: inner",
				"dead\tfalse\tcannot resume dead coroutine", "", "1" }, w.printed)
		end)

	it("says where it cannot be, and what to do", function()
		local w = run([[
			local function sleep() time.sleep(0.001) end
			print(pcall(table.sort, {3, 1, 2}, function(a, b)
				sleep()
				return a < b
			end))
			print(pcall(string.gsub, "abc", ".", sleep))
			print(pcall(string.gsub, "abc", ".", function()
				coroutine.wrap(sleep)()
			end))
			time.sleep(0.001)
			print(pcall(require, "sleeper"))
			print(time:sleep(1))
		]], { modules = { sleeper = "require('sensorhost.time').sleep(1)" } })
		assert.truthy(w.printed[1]:find("cannot wait inside table.sort "
			.. "(time.sleep at sensors/x.lua:7): fetch first, sort afterwards", 1,
			true))
		assert.truthy(w.printed[2]:find("cannot wait inside string.gsub "
			.. "(time.sleep at sensors/x.lua:7)", 1, true))
		assert.truthy(w.printed[3]:find("cannot wait inside string.gsub", 1,
			true))
		assert.truthy(w.printed[4]:find("cannot wait inside a module's own body",
			1, true), w.printed[4])
		assert.equal("failed", w.state.state)
		assert.truthy(w.state.error:find("time:sleep() needs a dot: "
			.. "time.sleep()", 1, true))
	end)

	it("is not what a yield of one's own is", function()
		local w = run("coroutine.yield(1)")
		assert.truthy(w.state.error:find("coroutine.yield outside of a "
			.. "coroutine that the sensor made", 1, true))
	end)

	it("takes sane times only", function()
		local w = run([[
			for _, t in ipairs({-1, 0/0, 1/0, "1"}) do
				print(pcall(time.sleep, t))
			end
			print(pcall(time.sleep))
		]])
		for i = 1, 5 do
			assert.truthy(w.printed[i]:find("must be a number of seconds", 1,
				true))
		end
	end)
end)

describe("a task", function()
	it("runs beside others and is joined for its results", function()
		local w = run([[
			local order = {}
			local a = spawn(function(x)
				order[#order + 1] = "a1"
				time.sleep(0.02)
				order[#order + 1] = "a2"
				return x, nil, "c"
			end, 5)
			local b = spawn(function()
				order[#order + 1] = "b1"
				time.sleep(0.01)
				order[#order + 1] = "b2"
			end)
			print(a:join())
			print(select("#", b:join()))
			print(a:join())
			print(table.concat(order, " "))
		]])
		assert.same({ "5\tnil\tc", "0", "5\tnil\tc", "a1 b1 b2 a2" }, w.printed)
	end)

	it("hands its error to who joins, also later", function()
		local w = run([[
			local errors = require("sensorhost.errors")
			local slow = spawn(time.sleep, 0.03)
			local bad = spawn(function() error(errors.new("dns", "no")) end)
			slow:join()
			local ok, err = bad:join()
			print(ok, err.kind, tostring(err))
			print(spawn(error, "text", 0):join())
		]])
		assert.equal("returned", w.state.state)
		assert.same({ "nil\tdns\tno", "nil\ttext" }, w.printed)
	end)

	it("that nobody joins ends the sensor by its error", function()
		local w = run([[
			spawn(function()
				service:dispatch("demo.event", {id = 1})
				error("lost")
			end)
			time.sleep(5)
		]])
		assert.equal("failed", w.state.state)
		assert.equal("spawn", w.state.entry)
		assert.equal("sensors/x.lua:9: lost", w.state.error)
		assert.truthy(w.state.traceback:find("sensors/x.lua:9", 1, true))
		assert.same({ dispatches = 1, values = 0 }, w.state.undone)
		w = run([[
			spawn(function() spawn(function() time.sleep(0.01) error("late") end) end)
			self:wait()
		]])
		assert.truthy(w.state.error:find("late", 1, true))
	end)

	it("can be cancelled, and joined for a while", function()
		local w = run([[
			local t = spawn(function()
				service:set_value("x", 1)
				service:transaction(function()
					service:set_value("y", 1)
					time.sleep(10)
				end)
				print("never")
			end)
			local ok, err = t:join(0.01)
			print(ok, err.kind)
			t:cancel()
			t:cancel()
			local again, why = t:join()
			print(again, why.kind)
			print(service:get_value("x"), service:get_value("y"))
			print(pcall(function() return t.join() end))
		]])
		assert.same({ "nil\ttimeout", "nil\tcancelled" },
			{ w.printed[1], w.printed[2] })
		assert.equal("1\tnil", w.printed[3]:gsub("1$", "1\tnil"), nil)
		assert.truthy(w.printed[4]:find("task.join() needs a colon: task:join()",
			1, true))
	end)

	it("has units of its own", function()
		local w = run([[
			service:dispatch("demo.event", {id = 1})
			local t = spawn(function()
				service:dispatch("demo.event", {id = 2})
				error("undone")
			end)
			t:join()
			service:dispatch("demo.event", {id = 3})
		]])
		assert.equal(3, #w.units)
		assert.equal('{"id":1,"kind":"plain"}', w.units[2][1].payload)
		assert.equal('{"id":3,"kind":"plain"}', w.units[3][1].payload)
	end)

	it("leaves nothing behind, ten thousand times", function()
		local w = run([[
			collectgarbage()
			local before
			for round = 1, 20 do
				for i = 1, 500 do
					spawn(function() return i end)
				end
				time.sleep(0)
				collectgarbage()
				if round == 2 then before = collectgarbage("count") end
			end
			print(collectgarbage("count") - before < 100)
		]])
		assert.same({ "true" }, w.printed)
	end)
end)
