-- A sensor that raises an error, wherever that is: said with its line, its unit
-- undone, and tried again; `run --once` exits with 1.

local host = require("spec.support.host")

-- demo.S, whose poll stores "polled" and whose `method` stores, dispatches and
-- raises; without one the file itself does.
local function write(h, method)
	h:write_sensor("demo", "S", ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:poll() self.sensor_service:set_value("polled", 1) end
local function fail(self)
	self.sensor_service:set_value("half", 1)
	self.sensor_service:dispatch("demo.tick", {})
	error("went wrong")
end
%s
return S]]):format(method and "S." .. method .. " = fail"
		or 'error("went wrong")'),
		"poll_interval: 0.05\ntrigger_types:\n  - name: tick\n")
end

describe("a sensor that raises an error", function()
	for where, line in pairs({ init = 6, setup = 6, poll = 6, load = 8 }) do
		it("in " .. where .. " starts afresh, and nothing of it is left",
			host.with(function(h)
			write(h, where ~= "load" and where or nil)
			local said = "failed in " .. where .. ".*sensors/s%.lua:" .. line
				.. ": went wrong; starts again in .*"
			local run = h:start("run", "demo.S")
			run:wait_for(said .. "1st time since")
			run:wait_for(said .. "2nd time since")
			run:signal("TERM")
			assert.same({ "exited", 0 }, { run:wait() })
			local once = h:run("run", "demo.S", "--once")
			assert.equal(1, once.code)
			assert.matches("failed in " .. where, once.stderr)
			if where ~= "load" then
				assert.matches("unit undone %(1 dispatch, 1 value%)", once.stderr)
			end
			assert.equal("", h:run("export").stdout)
			assert.equal("", h:run("export", "--datastore").stdout)
		end))
	end

	it("in cleanup has stored what came before", host.with(function(h)
		write(h, "cleanup")
		local once = h:run("run", "demo.S", "--once")
		assert.equal(1, once.code)
		assert.matches("failed in cleanup: sensors/s%.lua:6: went wrong",
			once.stderr)
		assert.equal("", h:run("export").stdout)
		local items = h:run("export", "--datastore").stdout
		assert.matches('"demo%.S:polled"', items)
		assert.is_nil(items:find("half", 1, true))
	end))

	for what, case in pairs({
		nothing = { "", "the file returned nothing; end it with" },
		["a number"] = { "return 5", "returned" },
		["a class without poll"] = {
			'return require("sensorhost.polling_sensor"):extend()',
			"without run or poll" },
	}) do
		it("as its file returns " .. what, host.with(function(h)
			h:write_sensor("demo", "S", case[1] .. "\n")
			local once = h:run("run", "demo.S", "--once")
			assert.equal(1, once.code)
			assert.truthy(once.stderr:find(case[2], 1, true), once.stderr)
			assert.equal("", once.stdout)
		end))
	end
end)
