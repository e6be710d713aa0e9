-- A reload that finds a sensor in another state than running: what changed is
-- in force afterwards, and the answer says what became of it.

local serving = require("spec.support.serving")
local process = require("spec.support.process")

-- What the reload says of demo.<class>.
local function reload(h, class)
	local answer = h:ask("POST", "/v1/reload").json
	for _, s in ipairs(answer.sensors) do
		if s.ref == "demo." .. class then
			return s.result, s.why, answer
		end
	end
end

describe("a reload that finds a sensor", function()
	it("backing off starts the new version at once", serving(function(h)
		h:await("Odd", "backing_off")
		local was = h:get("Odd")
		assert.truthy(was.last_error:find("bad poll", 1, true))
		h:sensor("Odd", "")
		assert.equal("reloaded", (reload(h, "Odd")))
		local now = h:await("Odd", "running")
		assert.is_true(now.generation > was.generation)
		assert.is_true(now.failures == nil or now.failures == 0)
	end, function(h)
		h:sensor("Odd", "error('bad poll')", nil, "poll_interval: 3600\n")
	end))

	it("backing off, and unchanged, tries it again", serving(function(h)
		local was = h:await("Odd", "backing_off")
		assert.equal("reloaded", (reload(h, "Odd")))
		process.eventually(function()
			local now = h:get("Odd")
			return now.state == "backing_off"
				and now.last_error_time > was.last_error_time
		end, "another failure")
	end, function(h)
		h:sensor("Odd", "error('bad poll')", nil, "poll_interval: 3600\n")
	end))

	for state, body in pairs({ finished = "self:finish('done')",
		rejected = "self:reject('no')" }) do
		it(state .. " starts it if it has changed", serving(function(h)
			h:await("Odd", state)
			-- any reload gives it another try
			assert.equal("unchanged", (reload(h, "Tick")))
			h:await("Odd", state)
			h:sensor("Odd", "")
			assert.equal("started", (reload(h, "Odd")))
			h:await("Odd", "running")
		end, function(h)
			h:sensor("Odd", body)
		end))
	end

	it("disabled takes the change and leaves it disabled", serving(function(h)
		h:await("Tock", "running")
		assert.equal(200, h:ask("PUT", "/v1/sensortypes/demo.Tock",
			{ enabled = false }).status)
		h:await("Tock", "disabled")
		h:sensor("Tock", "self:finish('the new one')")
		assert.is_nil((reload(h, "Tock")))
		assert.equal("disabled", h:get("Tock").state)
		assert.equal(200, h:ask("PUT", "/v1/sensortypes/demo.Tock",
			{ enabled = true }).status)
		h:await("Tock", "finished")
	end))

	it("starting takes the newest", serving(function(h)
		h:sensor("Slow", "", [[
function S:setup() require("sensorhost.time").sleep(1) end
]])
		h.core:signal("HUP")
		process.eventually(function()
			return h:ask("GET", "/v1/sensortypes/demo.Slow").status == 200
		end)
		h:sensor("Slow", "self:finish('the newest')")
		local result = reload(h, "Slow")
		assert.is_true(result == "started" or result == "reloaded", result)
		h:await("Slow", "finished")
	end))

	it("in the middle of a handover ends with the newest", serving(function(h)
		h:await("Tock", "running")
		for version = 1, 3 do
			h:sensor("Tock", "self.version = " .. version, [[
function S:setup() require("sensorhost.time").sleep(0.5) end
]])
			h.core:signal("HUP")
			process.run({ "sleep", "0.2" })
		end
		h:sensor("Tock", "self:finish('the newest')")
		assert.equal("reloaded", (reload(h, "Tock")))
		h:await("Tock", "finished")
	end))

	it("of which the new setup takes too long keeps the old one",
		serving(function(h)
			local was = h:await("Tick", "running")
			h:sensor("Tick", "", [[
function S:setup()
	pcall(require("sensorhost.time").sleep, 3600)
end
]])
			local result, why = reload(h, "Tick")
			assert.equal("failed", result)
			assert.truthy(why:find("tick/main.lua:6: setup has not ended within "
				.. "setup_timeout (10 s)", 1, true), why)
			local now = h:get("Tick")
			assert.equal("running", now.state)
			assert.equal(was.generation, now.generation)
			assert.equal(was.pid, now.pid)
		end))

	it("in a pack that is gone stops it with its cleanup",
		serving(function(h)
			h:await("Bye", "running")
			os.execute("rm -r '" .. h.packs .. "/demo/sensors/bye.yaml'")
			assert.equal("stopped", (reload(h, "Bye")))
			h.core:wait_for("cleanup: removed")
			assert.equal(404,
				h:ask("GET", "/v1/sensortypes/demo.Bye").status)
		end, function(h)
			h:sensor("Bye", "", [[
function S:cleanup(why) print("cleanup: " .. why) end
]])
		end))
end)
