-- All that operators and accidents can do to a sensor, in any order and at
-- any step of a handover: the host goes on, nothing is lost or doubled, and
-- in the end the sensor is what was asked for last.

local host = require("spec.support.host")
local http = require("spec.support.http")
local process = require("spec.support.process")
local signal = require("posix.signal")

local TICK = "poll_interval: 0.02\ntrigger_types: [{name: tick}]\n%s"

-- A counting sensor; its setup and cleanup take some time.
local function source(version)
	return ([[
local spawn = require("sensorhost.spawn")
local time = require("sensorhost.time")
local S = require("sensorhost.polling_sensor"):extend()
function S:init() self.sensor_service:set_value("version", %d) end
function S:setup()
	spawn(function() self.sensor_service:set_value("task", %d) time.sleep(0) end)
	time.sleep(%g)
end
function S:poll()
	local service = self.sensor_service
	local n = service:get_number("n", 0) + 1
	service:dispatch("demo.tick", { n = n, v = %d })
	time.sleep(%g)
	service:set_value("n", service:get_number("n", 0) + 1)
	service:dispatch("demo.tick", { set = n, v = %d })
end
function S:cleanup() time.sleep(%g) end
return S]]):format(version, version, (version % 4) * 0.05,
		version, 0.005, version, (version % 3) * 0.05)
end

local function gone_wrong(version)
	local ways = { "error('no setup')", "while true do end", "self:finish()",
		"self:reject('no')", "require('sensorhost.time').sleep(60)" }
	return ([[
local S = require("sensorhost.polling_sensor"):extend()
function S:setup() %s end
function S:poll() end
return S -- %d]]):format(ways[version % #ways + 1], version)
end

-- What was set is what had been dispatched before, and only upwards.
local function in_order(h)
	local set = 0
	for _, record in ipairs(h:journal()) do
		local payload = record.payload
		if payload.set then
			assert.equal(set + 1, payload.set)
			set = payload.set
		else
			assert.equal(set + 1, payload.n)
		end
	end
	return set
end

-- Each start has one end.
local function paired(h)
	local open = {}
	for _, record in ipairs(h:internal("sensor.process")) do
		local object = record.payload.object
		local key = object.ref .. " " .. object.generation
		assert.equal(record.trigger:match("exit$") ~= nil, open[key] == true)
		open[key] = not open[key]
	end
	for key, is in pairs(open) do
		assert.is_false(is, key)
	end
end

describe("turmoil", function()
	for seed = 1, 3 do
		it(("number %d ends in order"):format(seed), host.with(function(h)
			math.randomseed(seed)
			h:write_sensor("demo", "S", source(0), TICK:format(""))
			local core = h:start("serve", "--config", h:write("sensorhost.yaml",
				"stop_timeout: 2s\nsetup_timeout: 1s\nlimits: {slice: 500ms}\n"))
			core:wait_for("^ready")
			local function ask(...)
				return http.ask(h.data .. "/api.sock", ...)
			end
			local version = 0
			local function write(text)
				version = version + 1
				h:write_sensor("demo", "S", text(version), TICK:format(
					math.random(5) == 1 and "reload: restart\n" or ""))
				core:signal("HUP")
			end
			local acts = {
				function() write(source) end,
				function() write(source) end,
				function() write(gone_wrong) end,
				function() ask("POST", "/v1/sensors/demo.S/restart") end,
				function() ask("POST", "/v1/sensortypes/demo.S/disable") end,
				function() ask("POST", "/v1/sensortypes/demo.S/enable") end,
				function() core:signal("HUP") end,
				function()
					local workers = host.family(core.pid).workers
					if #workers > 0 then
						signal.kill(workers[math.random(#workers)],
							signal.SIGKILL)
					end
				end,
			}
			for _ = 1, 60 do
				acts[math.random(#acts)]()
				process.run({ "sleep", tostring(math.random() ^ 3 * 0.4) })
				core:drain()
				assert.is_true(core.process:alive())
			end
			assert.equal(200,
				ask("POST", "/v1/sensortypes/demo.S/enable").status)
			write(source)
			process.eventually(function()
				local s = ask("GET", "/v1/sensortypes/demo.S").json
				if s.state == "backing_off" or s.state == "rejected" then
					core:signal("HUP")
				end
				local last
				for _, record in ipairs(h:journal()) do
					last = record.payload.v
				end
				return s.state == "running" and last == version
			end, "the last version")
			core:signal("TERM")
			assert.same({ "exited", 0 }, { core:wait() })
			assert.is_true(in_order(h) > 0)
			paired(h)
		end))
	end
end)
